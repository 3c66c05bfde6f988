"""A seeded stream with every trick of the contract, for tests against the real engines.

Many customers of two brands, few ids each: revisions, voids and restores, reattribution, refunds before their sale, early
feedback, ties, ambiguity, edits, withdrawals, invitations, duplicates; shuffled. All are valid and not from the future.
"""

import random
from dataclasses import dataclass

from schemas.events import Event, Feedback, Finding, Sale
from schemas.measures import VERDICTS

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
SCORES = {"NPS": range(11), "CSAT": range(1, 6), "CES": range(1, 8)}


@dataclass
class _Author:
    rng: random.Random
    newest: int  # epoch ms
    brand: str
    customer: str
    count: int = 0

    def event_id(self) -> str:
        self.count += 1
        return f"{self.customer}-e{self.count}"

    def instant(self) -> int:
        """One of a few instants, so that ties are common; or any, up to 120 days back."""
        if self.rng.random() < 0.5:
            return self.newest - self.rng.choice([0, 1, 5 * MINUTE, DAY, 91 * DAY])
        return self.newest - self.rng.randrange(120 * DAY)

    def sale(self) -> Sale:
        rng = self.rng
        action = rng.choices(["PLACED", "REFUNDED", "CHARGED_BACK", "REJECTED"], [6, 2, 1, 1])[0]
        return Sale(
            self.event_id(), self.brand, self.customer, f"{self.customer}-s{rng.randrange(3)}", action, rng.randrange(3),
            rng.choice([None, "ana", "bo", "carla"]), rng.choice(["p1", "p2"]), rng.choice(["PHYSICAL", "SERVICE"]),
            rng.choice([0, 1, 12_3456, 99_9900, 10**14]), rng.choice([0, 5000]), rng.choice(["EUR", "EUR", "USD"]),
            rng.choice([None, "mail ünïcode"]), rng.choice([None, "c1"]), self.instant(),
        )  # fmt: skip

    def feedback(self) -> Feedback:
        rng = self.rng
        metric = rng.choice([None, *SCORES])
        score = rng.choice([None, *SCORES[metric]]) if metric else None
        topics = ["delivery", "price", "fit"]
        findings = tuple(Finding(rng.choice(VERDICTS), rng.choice(topics)) for _ in range(rng.randrange(4)))
        return Feedback(
            self.event_id(), self.brand, self.customer, f"{self.customer}-f{rng.randrange(3)}",
            rng.choices(["ANSWERED", "INVITED", "WITHDRAWN"], [6, 2, 1])[0], rng.randrange(3),
            rng.choice([None, None, *(f"{self.customer}-s{n}" for n in range(4))]),
            rng.choice([None, None, "ana", "bo"]), metric, score, findings,
            rng.choice([None, "llegó tarde"]), rng.choice([None, "es"]), self.instant(),
        )  # fmt: skip


def tricky_events(seed: int, customers: int, newest: int) -> list[Event]:
    """About 16 events a customer, a tenth of them twice, shuffled. `newest` is the latest event time, epoch ms."""
    rng = random.Random(seed)
    events: list[Event] = []
    for number in range(customers):
        author = _Author(rng, newest, rng.choice(["marca", "brand two"]), f"c{number}")
        events += [rng.choice((author.sale, author.feedback))() for _ in range(rng.randrange(8, 22))]
    events += rng.sample(events, len(events) // 10)
    rng.shuffle(events)
    return events
