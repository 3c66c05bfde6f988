"""Small inputs with their figures: sources that each know a part, money that comes back, scores, renewals, in any order.

The files are those of tests/support/small_cases: NAME.TOPIC.jsonl as `posventa publish --topic TOPIC` takes them, and what must
come out in expected.json. What comes without a customer is given its sale's here, as by-sale does before anything is counted.
"""

import json
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pytest

from schemas.events import Event, Sale, customer_of
from schemas.measures import MEASURES, MONEY
from schemas.parsing import parse_attribution, parse_feedback, parse_reversal, parse_sale
from streams.domain.contributions import contributions
from streams.domain.fold import fold
from streams.domain.rules import Rules
from streams.domain.state import Customer, decode, encode
from streams.recount.numbers import recount
from tests.support.places import ROOT

CASES: Final = ROOT / "tests" / "support" / "small_cases"
EXPECTED: Final[dict[str, Any]] = json.loads((CASES / "expected.json").read_text())
PARSERS: Final[Mapping[str, Callable[[Mapping[str, object]], Event]]] = {
    "sales": parse_sale, "reversals": parse_reversal, "attributions": parse_attribution, "feedback": parse_feedback,
}  # fmt: skip
RULES: Final = Rules()
Sums = dict[str, dict[str, int]]  # by affiliate and currency: every measure over all panes


@cache
def told(name: str) -> tuple[Event, ...]:
    """The events of a case, with their customers."""
    found = [
        parse(json.loads(line))
        for topic, parse in PARSERS.items()
        for file in CASES.glob(f"{name}.{topic}.jsonl")
        for line in file.read_text().splitlines()
    ]
    buyers = {event.sale_id: event.customer_id for event in found if isinstance(event, Sale)}
    return tuple(
        event if event.customer_id is not None else event._replace(customer_id=buyers[event.sale_id or ""])
        for event in found
    )


def counted(stream: list[Event]) -> Sums:
    """By the workers' core, with the state packed and unpacked between any two events."""
    customers: dict[tuple[str, str], bytes] = {}
    for event in stream:
        raw = customers.get(customer_of(event))
        customer = decode(raw) if raw else Customer(*customer_of(event))
        fold(customer, event, RULES)
        customers[customer_of(event)] = encode(customer)
    sums: Sums = {}
    for raw in customers.values():
        for (_, affiliate, currency, _), values in contributions(decode(raw), RULES).panes.items():
            own = sums.setdefault(f"{affiliate}/{currency}", dict.fromkeys(MEASURES, 0))
            for measure, value in zip(MEASURES, values, strict=True):
                own[measure] += value
    return sums


def counted_apart(stream: list[Event]) -> Sums:
    """By the code that counts for `posventa verify`."""
    sums: Sums = {}
    for (_, affiliate, currency, _), values in recount(stream, RULES).panes.items():
        own = sums.setdefault(f"{affiliate}/{currency}", dict.fromkeys(MEASURES, 0))
        for measure, value in values.items():
            own[measure] += value
    return {key: own for key, own in sums.items() if any(own.values())}


@pytest.mark.parametrize("count", [counted, counted_apart])
@pytest.mark.parametrize("name", EXPECTED)
def test_the_figures_come_out_in_any_order_and_twice(name: str, count: Callable[[list[Event]], Sums]) -> None:
    rng = random.Random(name)
    for _ in range(30):
        stream = [*told(name), *told(name)]
        rng.shuffle(stream)
        sums = count(stream)
        for key, expected in EXPECTED[name]["rows"].items():
            if expected == "no row":
                assert key not in sums
            else:
                found = {m: Decimal(sums[key][m]) / (10_000 if m in MONEY else 1) for m in expected}
                assert found == {measure: Decimal(value) for measure, value in expected.items()}, EXPECTED[name]["why"]


def test_every_file_is_of_a_case() -> None:
    assert {file.name.split(".")[0] for file in CASES.glob("*.jsonl")} == set(EXPECTED)
    assert all(told(name) for name in EXPECTED)
