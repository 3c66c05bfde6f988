"""A customer with all that one may have, in number or in bytes: nothing that comes for them costs the others much."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from schemas import validation
from schemas.codec import encode
from schemas.events import Event, Feedback, Finding, Sale, customer_of, record_key
from schemas.measures import VERDICTS
from sinks.tables import JOURNEYS
from streams.brokers.topics import FEEDBACK, SALES
from streams.changelog import records
from streams.domain import state
from streams.domain.rules import CUSTOMER_BYTES_MAX, Rules
from streams.unit.folding import _EVENT_BYTES_MAX, fold_events
from streams.unit.marks import marker
from streams.unit.rows import RowMaker
from streams.unit.unit import TooMuch, Unit, UnitMaker
from tests.support.domain_strategies import A_SALE, AN_ANSWER
from tests.support.wide import WIDEST_ID, hot_sales

EVENTS_MAX = Rules().customer_events_max
UNIT = 100


def test_a_burst_for_a_full_customer_is_folded_together_and_makes_the_rows_that_changed() -> None:
    full = OneCustomer()
    sales = [A_SALE._replace(event_id=f"s{n}", sale_id=str(n)) for n in range(EVENTS_MAX)]
    answers = [
        AN_ANSWER._replace(event_id=f"f{n}", feedback_id=str(n), sale_id=str(n) if n % 2 else None)
        for n in range(EVENTS_MAX)
    ]
    full.take([*sales, *answers])
    rows = full.take([A_SALE._replace(sale_id="0", revision=1, event_id="again", product_id="other")]).rows
    assert {table: len(own) for table, own in rows.items()} == {JOURNEYS: 1}
    many = [A_SALE._replace(sale_id=str(n), revision=2, event_id=f"burst-{n}", product_id="p2") for n in range(1_000)]
    unit = full.take([event for event in many for _ in range(2)])
    assert len(unit.changed) == 1
    assert len(unit.rows[JOURNEYS]) == len(many)


def test_what_is_refused_of_a_customer_who_is_full_is_not_packed_again() -> None:
    sales = hot_sales(EVENTS_MAX)
    hot = OneCustomer()
    units = [hot.take(sales[start : start + UNIT]) for start in range(0, len(sales), UNIT)]
    taken = [UNIT - len(unit.refusals) for unit in units]
    assert sum(taken) > EVENTS_MAX // 4
    assert CUSTOMER_BYTES_MAX - _EVENT_BYTES_MAX < hot.state_bytes <= CUSTOMER_BYTES_MAX
    written = [hot.record_key in unit.changed for unit in units]
    assert written == [bool(count) for count in taken]
    assert written == sorted(written, reverse=True)
    assert {refusal.reason for unit in units for refusal in unit.refusals} == {"customer_full"}
    assert not hot.take(sales[:UNIT]).changed  # all duplicates: neither refused nor written


def test_a_customer_who_is_full_still_takes_what_is_shorter() -> None:
    hot = OneCustomer()
    hot.take(hot_sales(EVENTS_MAX))
    before = hot.state_bytes
    last = hot_sales(1)[0]
    longer = last._replace(revision=1, campaign="x" * validation.CAMPAIGN_CHARACTERS_MAX)
    shorter = last._replace(revision=2, event_id="e", action="REJECTED")
    unit = hot.take([longer, shorter, longer])
    assert [refusal.record.offset for refusal in unit.refusals] == [0]
    assert hot.state_bytes < before


def test_many_customers_who_are_full_are_no_unit_together_and_few_of_them_are() -> None:
    sales = hot_sales(EVENTS_MAX)
    full = OneCustomer()
    brands = [f"b{n}" for n in range(6)]
    for brand in brands:
        full.take([sale._replace(brand_id=brand) for sale in sales])
    one_of_each = [sales[0]._replace(brand_id=brand, revision=1) for brand in brands]
    before = dict(full._state)
    with pytest.raises(TooMuch):
        full.take(one_of_each)
    assert full._state == before
    assert len(full.take(one_of_each[:4]).rows[JOURNEYS]) == 4


WIDEST_SALE = Sale(
    WIDEST_ID, WIDEST_ID, WIDEST_ID, WIDEST_ID, "PLACED", validation.REVISION_MAX, WIDEST_ID, WIDEST_ID, "SERVICE",
    validation.MONEY_MAX, validation.MONEY_MAX, "EUR", WIDEST_ID[0] * validation.CAMPAIGN_CHARACTERS_MAX, WIDEST_ID,
    validation.OCCURRED_AT_MAX_MS,
)  # fmt: skip
WIDEST_ANSWER = AN_ANSWER._replace(
    event_id=WIDEST_ID, brand_id=WIDEST_ID, customer_id=WIDEST_ID, feedback_id=WIDEST_ID, sale_id=WIDEST_ID,
    affiliate_id=WIDEST_ID, revision=validation.REVISION_MAX, metric="NPS", score=10, comment="x", language="en",
    findings=tuple(Finding(VERDICTS[0], f"{n:064}") for n in range(validation.FINDINGS_MAX)),
    occurred_at=validation.OCCURRED_AT_MAX_MS,
)  # fmt: skip


@pytest.mark.parametrize(
    "event",
    [
        WIDEST_SALE, WIDEST_SALE._replace(action="REFUNDED"), WIDEST_ANSWER, WIDEST_ANSWER._replace(action="INVITED"),
    ],
    ids=lambda event: event.action,
)  # fmt: skip
def test_no_event_adds_more_than_is_allowed_for_where_nobody_counts(event: Event) -> None:
    new = state.Customer(*customer_of(event))
    folded = fold_events(new, b"", [(event, OneCustomer().record(event, 0))], Rules())
    assert folded.changed is not None
    assert len(folded.changed) <= _EVENT_BYTES_MAX
    assert new.packed_bytes == 0


class OneCustomer:
    """The state of one customer's partition, changed by whole units."""

    def __init__(self) -> None:
        rules = Rules()
        self._maker = UnitMaker(0, 1, rules, RowMaker(1, 0, rules), marker("s", "f"))
        self._state: dict[bytes, bytes | None] = {}
        self.record_key = b""

    @property
    def state_bytes(self) -> int:
        """How long the customer's record is."""
        return len(self._state[self.record_key] or b"")

    def take(self, events: Sequence[Event]) -> Unit:
        """A unit of these events, applied."""
        batch = [self.record(event, offset) for offset, event in enumerate(events)]
        self.record_key = records.customer_key(batch[0].key)
        unit = self._maker.make(lambda keys: [self._state.get(key) for key in keys], 1, batch, 0)
        self._state |= unit.changed
        return unit

    def record(self, event: Event, offset: int) -> Any:
        """The record that brings an event."""
        return SimpleNamespace(
            topic=FEEDBACK if isinstance(event, Feedback) else SALES, partition=0, offset=offset,
            timestamp=event.occurred_at, key=record_key(event), value=encode(event),
            headers=(),
        )  # fmt: skip
