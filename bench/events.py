"""Made-up events of an ordinary week: mostly different customers, each with few sales and few answers.

Why beside the tests' (tests/README.md): what is measured must be ordinary, and theirs are anything but. Owns what the
measured stream looks like; docs/performance.md repeats it. Pure: seeded, the newest instant handed in.
"""

import random
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.events import Event, Feedback, Finding, Sale, customer_of
from schemas.measures import MEASURES, VERDICTS
from streams.domain.contributions import contributions
from streams.domain.fold import fold
from streams.domain.rules import Rules
from streams.domain.state import Customer

_HOUR_MS: Final = 3_600_000
_WEEK_HOURS: Final = 7 * 24
_AFFILIATES: Final = [f"affiliate-{number:03}" for number in range(200)]
# Popularity by rank, as in most shops of links: the first sells 200 times as much as the last.
_POPULARITY: Final = list(accumulate(1 / rank for rank in range(1, len(_AFFILIATES) + 1)))
_TOPICS: Final = ["delivery", "price", "fit", "battery", "support", "packaging"]
_COMMENT: Final = "Arrived two days late, but the fit is right and support answered at once."


def week_of_events(seed: int, count: int, newest: int, hours: int = _WEEK_HOURS) -> list[Event]:
    """`count` valid events in the order of their times, the last at most at `newest` (epoch ms). No event comes twice,
    not even with another seed.

    A customer has 1 to 3 sales within the `hours`; 1 or 2 answers follow within two days, 4 of 5 with their sale's id;
    1 sale of 20 is refunded.
    """
    rng = random.Random(seed)
    events: list[Event] = []
    number = 0
    while len(events) < count:
        events += _customer(rng, f"{seed}-{number}", f"brand-{number % 5}", newest - hours * _HOUR_MS, newest)
        number += 1
    events = events[:count]
    events.sort(key=lambda event: event.occurred_at)
    return events


def one_sale_each(seed: int, count: int, newest: int) -> Iterator[Event]:
    """`count` customers with one sale each, within a week."""
    rng = random.Random(seed)
    for number in range(count):
        customer = f"{rng.getrandbits(128):032x}"
        yield _sale(rng, f"brand-{number % 5}", customer, f"{seed}-{number}", newest - _WEEK_HOURS * _HOUR_MS, newest)


def hot_customer(count: int, now: int) -> Iterator[Sale]:
    """One customer, for whom sales come with ids as long as they may be until there is no room for more (4 MiB); and then their
    corrections, again and again, with sales in between that are refused."""
    wide = "\U0001f525" * 200
    placed = 1_200  # more than find room
    for number in range(count):
        correction, place = divmod(number, placed)
        sale_id = f"{place}{wide}"[:200]
        yield Sale(
            f"{correction}-{sale_id}"[:200], "hot", wide, sale_id, "PLACED", correction, sale_id, sale_id, "PHYSICAL",
            100_0000, 10_0000, "EUR", None, sale_id, now,
        )  # fmt: skip


class Totals(NamedTuple):
    """What events amount to in ClickHouse; money in ten-thousandths."""

    sales: int
    gross: int
    commission: int
    refunded: int
    feedback: int  # linked or not
    journeys: int
    answers: int


def totals(events: Iterable[Event]) -> Totals:
    """By simple sums over made-up events, in which nothing is rejected, revised or taken back."""
    sales = gross = commission = refunded = answers = 0
    for event in events:
        if isinstance(event, Feedback):
            answers += 1
        elif not isinstance(event, Sale):
            raise AssertionError("the bench makes sales and feedback up")
        elif event.action == "REFUNDED":
            refunded += event.amount
        else:
            sales, gross, commission = sales + 1, gross + event.amount, commission + event.commission
    return Totals(sales, gross, commission, refunded, answers, sales, answers)


def summed(events: Iterable[Event]) -> list[int]:
    """Every measure (in the order of MEASURES) over all panes, by posventa's own fold: what the sums of a peer must be."""
    customers: dict[tuple[str, str], Customer] = {}
    for event in events:
        key = customer_of(event)
        fold(customers.setdefault(key, Customer(*key)), event, Rules())
    sums = [0] * len(MEASURES)
    for customer in customers.values():
        for pane in contributions(customer, Rules()).panes.values():
            sums = [a + b for a, b in zip(sums, pane, strict=True)]
    return sums


def _customer(rng: random.Random, name: str, brand: str, oldest: int, newest: int) -> list[Event]:
    customer = f"{rng.getrandbits(128):032x}"
    sales = [_sale(rng, brand, customer, f"{name}-{n}", oldest, newest) for n in range(rng.choice([1, 1, 2, 3]))]
    events: list[Event] = list(sales)
    for sale in sales:
        if rng.random() < 0.05:
            events.append(
                sale._replace(event_id=f"{sale.sale_id}-r", action="REFUNDED", occurred_at=_later(rng, sale, newest))
            )
    for n in range(rng.choice([1, 1, 2])):
        events.append(_answer(rng, rng.choice(sales), f"{name}-{n}", newest))
    return events


def _sale(rng: random.Random, brand: str, customer: str, name: str, oldest: int, newest: int) -> Sale:
    amount = rng.randrange(5_0000, 300_0000, 100)
    return Sale(
        f"s{name}-p", brand, customer, f"s{name}", "PLACED", 0, rng.choices(_AFFILIATES, cum_weights=_POPULARITY)[0],
        f"product-{rng.randrange(500)}", "PHYSICAL", amount, amount // 10, "EUR", f"campaign-{rng.randrange(20)}",
        None, rng.randrange(oldest, newest),
    )  # fmt: skip


def _answer(rng: random.Random, sale: Sale, name: str, newest: int) -> Feedback:
    metric, scores = rng.choice([("NPS", range(11)), ("CSAT", range(1, 6)), ("CES", range(1, 8))])
    findings = tuple(Finding(rng.choice(VERDICTS), rng.choice(_TOPICS)) for _ in range(rng.randrange(3)))
    return Feedback(
        f"f{name}-a", sale.brand_id, sale.customer_id, f"f{name}", "ANSWERED", 0,
        sale.sale_id if rng.random() < 0.8 else None, None, metric, rng.choice(scores), findings,
        _COMMENT if rng.random() < 0.3 else None, "en", _later(rng, sale, newest),
    )  # fmt: skip


def _later(rng: random.Random, sale: Sale, newest: int) -> int:
    return min(newest, sale.occurred_at + rng.randrange(48 * _HOUR_MS))
