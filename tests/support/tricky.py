"""Events with every trick of the contract, dense in collisions: few ids, few instants, few affiliates for each customer.

Revisions, voids and restores, reattribution, attributions, refunds before their sale, corrected, undone or in another currency,
early feedback, product reviews, several scores, renewals, ties, ambiguity, edits, withdrawals, invitations, duplicates. Why one
maker and two that choose: the tricks are the same, but the engines and the simulation need thousands of events from a seed
(`tricky_events`), and the laws need the smallest example that breaks them, which Hypothesis finds (domain_strategies).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.measures import VERDICTS
from schemas.validation import SCORES

MINUTE: Final = 60_000
DAY: Final = 24 * 60 * MINUTE

T = TypeVar("T")


class Choose(Protocol):
    """Takes one of the options; all are as likely, or as the weights say."""

    def __call__(self, options: Sequence[T], weights: Sequence[int] | None = None) -> T: ...


@dataclass
class Author:
    """Makes one customer's events, each valid by itself. Owns what they may be; who chooses is handed in."""

    choose: Choose
    brand: str
    customer: str
    event_id: Callable[[], str]
    instant: Callable[[], int]
    refunds: list[str] = field(default_factory=list)  # event_ids of REFUNDED and CHARGED_BACK

    def event(self) -> Event:
        """One event of any kind."""
        makers: list[Callable[[], Event]] = [self.sale, self.feedback, self.reversal, self.attribution]
        return self.choose(makers, [4, 4, 2, 1])()

    def sale(self) -> Sale:
        """One event of one of three sales."""
        choose = self.choose
        action = choose(["PLACED", "REFUNDED", "CHARGED_BACK", "REJECTED"], [6, 2, 1, 1])
        event_id = self.event_id()
        if action in ("REFUNDED", "CHARGED_BACK"):
            self.refunds.append(event_id)
        return Sale(
            event_id, self.brand, self.customer, f"{self.customer}-s{choose(range(3))}", action,
            choose(range(3)), choose([None, "ana", "bo", "carla"]), choose(["p1", "p2"]),
            choose(["PHYSICAL", "SERVICE"]), choose([0, 1, 12_3456, 99_9900, 10**14]), choose([0, 5000]),
            choose(["EUR", "EUR", "USD"]), choose([None, "mail ünïcode"]), choose([None, "c1"]), self.instant(),
            choose([None, None, "sub"]), choose([(), (), ("p3",), ("p3", "p2", "p3")]),
        )  # fmt: skip

    def reversal(self) -> Reversal:
        """One event of one of a few reversals, which may be a sale's own refund, or of a sale that never was."""
        choose = self.choose
        return Reversal(
            self.event_id(), self.brand, self.customer, f"{self.customer}-s{choose(range(4))}",
            choose(["r1", "e1", "e2", *self.refunds[-3:]]), choose(["REFUND", "CHARGEBACK", "UNDONE"], [3, 1, 2]),
            choose(range(3)), choose([0, 1, 5_0000, 10**14]), choose([0, 700]), choose(["EUR", "EUR", "USD"]),
            self.instant(),
        )  # fmt: skip

    def attribution(self) -> Attribution:
        """Who sold one of three sales, or one that never was."""
        choose = self.choose
        commission, currency = choose([(None, None), (0, "EUR"), (0, "USD"), (7000, "EUR"), (7000, "USD")])
        return Attribution(
            self.event_id(), self.brand, self.customer, f"{self.customer}-s{choose(range(4))}", choose(range(3)),
            choose([None, "ana", "bo"]), choose([None, "post"]), commission, currency, self.instant(),
        )  # fmt: skip

    def feedback(self) -> Feedback:
        """One event of one of three feedbacks, which may name a fourth sale, one that never was."""
        choose = self.choose
        metric = choose([None, *SCORES])
        score = choose([None, *range(SCORES[metric][0], SCORES[metric][1] + 1)]) if metric else None
        further = [other for other in SCORES if other != metric and choose([True, False, False])]
        scores = tuple(Score(m, choose(range(SCORES[m][0], SCORES[m][1] + 1))) for m in reversed(further))
        topics = ["delivery", "price", "fit"]
        findings = tuple(Finding(choose(VERDICTS), choose(topics)) for _ in range(choose(range(4))))
        return Feedback(
            self.event_id(), self.brand, self.customer, f"{self.customer}-f{choose(range(3))}",
            choose(["ANSWERED", "INVITED", "WITHDRAWN"], [6, 2, 1]), choose(range(3)),
            choose([None, None, *(f"{self.customer}-s{n}" for n in range(4))]),
            choose([None, None, "ana", "bo"]), metric, score, findings,
            choose([None, "llegó tarde"]), choose([None, "es"]), self.instant(),
            choose([None, None, "p1", "p3"]), scores, choose([None, "UNMET_EXPECTATION"]),
        )  # fmt: skip


def tricky_events(seed: int, customers: int, newest: int) -> list[Event]:
    """About 16 events a customer, a tenth of them twice, shuffled. `newest` is the latest event time, epoch ms."""
    rng = random.Random(seed)
    events: list[Event] = []
    for number in range(customers):
        author = _author(rng, newest, rng.choice(["marca", "brand two"]), f"c{number}")
        events += [author.event() for _ in range(rng.randrange(8, 22))]
    events += rng.sample(events, len(events) // 10)
    rng.shuffle(events)
    return events


def _author(rng: random.Random, newest: int, brand: str, customer: str) -> Author:
    made = iter(range(1, 1 << 30))

    def choose(options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        return rng.choice(options) if weights is None else rng.choices(options, weights)[0]

    def instant() -> int:
        """One of a few instants, so that ties are common; or any, up to 120 days back."""
        if rng.random() < 0.5:
            return newest - rng.choice([0, 1, 5 * MINUTE, DAY, 91 * DAY])
        return newest - rng.randrange(120 * DAY)

    return Author(choose, brand, customer, lambda: f"{customer}-e{next(made)}", instant)
