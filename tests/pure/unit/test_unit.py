"""A unit is a function of state and records: how records are cut into units changes nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.events import Event, Feedback, Finding, Score, partition_key, record_key
from schemas.measures import MEASURES
from sinks.tables import (
    AFFILIATE_PANES,
    ANSWERS,
    COMMENTS,
    DEAD_LETTERS,
    JOURNEYS,
    REVERSALS,
    TOPIC_PANES,
    Table,
    unpack_row,
)
from streams.batches.unpacking import unread
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.changelog import records
from streams.domain.rules import Rules
from streams.unit.marks import marker
from streams.unit.rows import RowMaker, Rows
from streams.unit.unit import Unit, UnitMaker
from tests.support.changelog import unpack_comment
from tests.support.domain_strategies import A_SALE, AN_ANSWER, RULES, T0, events
from tests.support.tricky import MINUTE

NOW = 1_800_000_000_000
MARK = marker("sales-id", "feedback-id")


@dataclass
class Record:
    """A streams.unit.record.Record."""

    topic: str
    offset: int
    key: bytes | None
    value: bytes | None
    partition: int = 0
    timestamp: int = NOW
    headers: tuple[Any, ...] = ()


@dataclass
class State:
    """One partition's state as a dict, changed by whole units; one partition, so that every key is at home."""

    rules: Rules = RULES
    partitions: int = 1
    held: dict[bytes, bytes] = field(default_factory=dict)
    version: int = 0

    def apply(self, batch: list[Record]) -> Unit:
        self.version += len(batch)
        rows = RowMaker(1, 0, self.rules)
        maker = UnitMaker(0, self.partitions, self.rules, rows, MARK)
        unit = maker.make(lambda keys: [self.held.get(key) for key in keys], self.version, list(batch), NOW)
        for key, value in unit.changed.items():
            assert value is not None
            self.held[key] = value
        return unit


def record(event: Event, offset: int = 0, key: bytes | None = None) -> Record:
    topic = FEEDBACK if isinstance(event, Feedback) else SALES
    return Record(topic, offset, key or record_key(event), encode(event))


@given(events(), st.integers(1, 5))
def test_the_cut_into_units_changes_nothing(stream: list[Event], size: int) -> None:
    batch = [record(event, offset) for offset, event in enumerate(stream)]
    whole, cut = State(), State()
    whole.apply(batch)
    for start in range(0, len(batch), size):
        cut.apply(batch[start : start + size])
    # a pane that came and went is written as zeros; one that never was is not there
    assert {k: v for k, v in whole.held.items() if any(_numbers(k, v))} == {
        k: v for k, v in cut.held.items() if any(_numbers(k, v))
    }


def _numbers(key: bytes, value: bytes) -> tuple[int, ...]:
    if key[:1] == records.PANE:
        return records.unpack_measures(value)
    if key[:1] == records.TOPIC:
        return records.unpack_topic(value)
    if key[:1] == records.COMMENT:
        return (int(any(unpack_comment(value))),)
    return (1,)


@given(events())
def test_rows_of_a_unit_are_the_rows_of_its_records(stream: list[Event]) -> None:
    state = State()
    unit = state.apply([record(event, offset) for offset, event in enumerate(stream)])
    assert all(len(unpack_row(row)) == len(table.columns) for table, sent in unit.rows.items() for row in sent.values())
    again: Rows = {}
    for key, value in unit.changed.items():
        RowMaker(1, 0, RULES).of_record(again, key, value, unit.packed_version)
    assert all(again[table][key] == row for table, sent in unit.rows.items() for key, row in sent.items())


def test_each_value_of_a_row_stands_in_its_column() -> None:
    sale = A_SALE._replace(campaign="spring", referred_by="c2", subscription_id="sub")
    answer = AN_ANSWER._replace(
        sale_id="s1", metric="NPS", score=9, findings=(Finding("DONE_RIGHT", "price"),), comment="good", language="en"
    )
    answer = answer._replace(scores=(Score("CSAT", 4),))
    refund = A_SALE._replace(event_id="e7", action="REFUNDED", amount=30_0000, commission=3_0000)
    unit = State().apply(
        [record(sale), record(answer, 1), record(refund, 2), Record(SALES, 7, b"some key", b"no event", 3)]
    )
    assert _row(unit, JOURNEYS) == {
        "generation": 1, "brand_id": "b", "sale_id": "s1", "customer_id": "c1", "affiliate_id": "a1",
        "product_id": "p1", "offering": "PHYSICAL", "campaign": "spring", "status": "valid", "amount": 100_0000,
        "commission": 10_0000, "currency": "EUR", "occurred_at": T0, "is_new_customer": 1, "referred_by": "c2",
        "refunded": 30_0000, "charged_back": 0, "answers": 1, "last_metric": "NPS", "last_score": 9,
        "verdicts": "DONE_RIGHT", "feedback_delay_seconds": 60, "subscription_id": "sub", "is_renewal": 0, "refunds": 1,
        "chargebacks": 0, "commission_reversed": 3_0000, "mismatched_amounts": 0, "last_nps": 9, "last_csat": 4,
        "last_ces": None, "version": 4,
    }  # fmt: skip
    assert _row(unit, REVERSALS) == {
        "generation": 1, "brand_id": "b", "sale_id": "s1", "reversal_id": "e7", "customer_id": "c1", "kind": "REFUND",
        "status": "counted", "affiliate_id": "a1", "campaign": "spring", "amount": 30_0000, "commission": 3_0000,
        "currency": "EUR", "occurred_at": T0, "version": 4,
    }  # fmt: skip
    assert _row(unit, ANSWERS) == {
        "generation": 1, "brand_id": "b", "feedback_id": "f1", "customer_id": "c1", "status": "answered",
        "match": "sale", "sale_id": "s1", "invited_sale_id": "", "affiliate_id": "a1", "metric": "NPS", "score": 9,
        "findings": "DONE_RIGHT:price", "invited_at": 0, "answered_at": T0 + MINUTE, "nps": 9, "csat": 4, "ces": None,
        "has_comment": 1, "version": 4,
    }  # fmt: skip
    assert _row(unit, COMMENTS) == {
        "generation": 1, "brand_id": "b", "customer_id": "c1", "feedback_id": "f1", "comment": "good", "language": "en",
        "version": 4,
    }  # fmt: skip
    assert _row(unit, TOPIC_PANES) == {
        "generation": 1, "brand_id": "b", "affiliate_id": "a1", "topic": "price", "verdict": "DONE_RIGHT",
        "bucket": T0 // 1000, "source_partition": 0, "answers": 1, "promoters": 1, "passives": 0, "detractors": 0,
        "csat_answers": 1, "csat_satisfied": 1, "version": 4,
    }  # fmt: skip
    pane = _row(unit, AFFILIATE_PANES)
    assert {name: value for name, value in pane.items() if value} == {
        "generation": 1, "brand_id": "b", "affiliate_id": "a1", "currency": "EUR", "bucket": T0 // 1000, "sales": 1,
        "gross": 100_0000, "commission": 10_0000, "new_customers": 1, "referred_sales": 1, "referred_gross": 100_0000,
        "refunded_sales": 1, "refunds": 1, "refunded": 30_0000, "commission_reversed": 3_0000,
        "answered_sales": 1, "feedback": 1, "promoters": 1, "feedback_delay_seconds_sum": 60, "done_right": 1,
        "with_findings": 1, "csat_answers": 1, "csat_satisfied": 1, "csat_score_sum": 4, "version": 4,
    }  # fmt: skip
    assert _row(unit, DEAD_LETTERS) == {
        "generation": 1, "source_topic": SALES, "source_partition": 3, "source_offset": 7, "reason": "undecodable",
        "detail": "8 bytes begin with '6e6f', expected c301: Avro single-object encoding", "record_key": MARK(b"some key"),
        "refused_at": NOW, "version": 4,
    }  # fmt: skip


def _row(unit: Unit, table: Table) -> dict[str, Any]:
    """The only row of a table."""
    [row] = unit.rows[table].values()
    return dict(zip(table.columns, unpack_row(row), strict=True))


def test_what_this_version_does_not_write_makes_no_row() -> None:
    rows = RowMaker(1, 0, RULES)
    with pytest.raises(ValueError, match=r"is of no kind .* run the version that wrote it"):
        rows.of_record({}, b"z1", b"", records.pack(1))
    key, comment = records.pack_key(records.COMMENT, ("b", "c", "f")), records.pack(("x", "en"))
    with pytest.raises(
        ValueError, match=r"makes no row of comments: .* begin with 7893 and 91, .* expects 7893 and 92"
    ):
        rows.of_record({}, key, records.pack(("x",)), records.pack(1))
    with pytest.raises(ValueError, match=r"makes no row of comments: .* begin with 7892 and 92"):
        rows.of_record({}, records.COMMENT + records.pack(("b", "c")), comment, records.pack(1))
    with pytest.raises(ValueError, match=r"makes 8 values of a row of comments, this version expects 7"):
        rows.of_record({}, key, comment + b"\x01", records.pack(1))


def test_no_message_about_a_record_shows_whose_it_is() -> None:
    ids = ("brand-of-many", "customer-c17", "feedback-f1")
    for kind, value in ((b"z", b""), (records.COMMENT, records.pack(("x",)))):
        with pytest.raises(ValueError, match="run the version") as told:
            RowMaker(1, 0, RULES).of_record({}, kind + records.pack(ids), value, records.pack(1))
        assert not any(name in str(told.value) for name in ids)


@pytest.mark.parametrize("change", [lambda measures: measures[:-1], lambda measures: [*measures, 0]])
def test_a_pane_of_another_number_of_measures_is_neither_added_to_nor_made_a_row(
    change: Callable[[list[int]], list[int]],
) -> None:
    state = State(rules=RULES)
    state.apply([record(A_SALE)])
    [pane] = [key for key in state.held if key[:1] == records.PANE]
    other = change([*records.unpack_measures(state.held[pane])])
    state.held[pane] = records.pack(other)
    with pytest.raises(ValueError, match=f"a pane has {len(other)} measures, this version expects {len(MEASURES)}"):
        state.apply([record(A_SALE._replace(event_id="e2", sale_id="s2"), 1)])
    with pytest.raises(ValueError, match=r"makes no row of affiliate_panes"):
        RowMaker(1, 0, RULES).of_record({}, pane, state.held[pane], records.pack(1))
    with pytest.raises(ValueError, match=f"a pane has {len(other)} measures"):
        records.pack_measures(other)


def test_a_pane_that_no_column_holds_is_no_row() -> None:
    state = State(rules=RULES)
    state.apply([record(A_SALE)])
    [pane] = [key for key in state.held if key[:1] == records.PANE]
    measures = [*records.unpack_measures(state.held[pane])]
    measures[MEASURES.index("gross")] = (1 << 63) - A_SALE.amount
    state.held[pane] = records.pack(measures)
    with pytest.raises(OverflowError, match="Int64"):
        state.apply([record(A_SALE._replace(event_id="e2", sale_id="s2"), 1)])


def test_a_duplicate_makes_an_empty_unit() -> None:
    state = State()
    batch = [record(A_SALE), record(AN_ANSWER)]
    assert state.apply(batch).changed
    again = state.apply(batch)
    assert (again.changed, again.rows, again.events) == ({}, {}, 2)


def test_a_customer_takes_what_the_rules_allow_and_refuses_the_rest_alone() -> None:
    state = State(Rules(customer_events_max=3))
    batch = [record(A_SALE._replace(event_id=f"e{n}", sale_id=f"s{n}"), n) for n in range(5)]
    unit = state.apply([*batch, record(A_SALE._replace(customer_id="other"), 9)])
    assert Counter(refusal.reason for refusal in unit.refusals) == {"customer_full": 2}
    assert [refusal.record.offset for refusal in unit.refusals] == [3, 4]
    assert records.customer_key(b"b:other") in unit.changed


@given(events(), st.integers(1, 5), st.integers(100, 600))
def test_who_is_full_does_not_depend_on_the_cut_into_units(stream: list[Event], size: int, bytes_max: int) -> None:
    rules = Rules(RULES.pane_s, RULES.attribution_window_ms, customer_bytes_max=bytes_max)
    batch = [record(event, offset) for offset, event in enumerate(stream)]
    whole, cut = State(rules), State(rules)
    refused = {refusal.record.offset for refusal in whole.apply(batch).refusals}
    units = [cut.apply(batch[start : start + size]) for start in range(0, len(batch), size)]
    assert {refusal.record.offset for unit in units for refusal in unit.refusals} == refused
    customers = [{k: v for k, v in state.held.items() if k[:1] == records.CUSTOMER} for state in (whole, cut)]
    assert customers[0] == customers[1]
    assert all(len(value) <= bytes_max for value in customers[0].values())
    accepted = State()
    accepted.apply([one for one in batch if one.offset not in refused])
    assert {k: v for k, v in accepted.held.items() if k[:1] == records.CUSTOMER} == customers[0]


def test_what_lies_elsewhere_and_what_says_nothing_is_not_processed() -> None:
    key = partition_key(A_SALE.brand_id, A_SALE.customer_id)
    partitions = 8
    at_home = partition_for(key, partitions)
    unit = State(partitions=partitions).apply([record(A_SALE, 1, b"wrong key"), Record(SALES, 2, key, None)])
    assert [(found.topic, found.key) for found in unit.astray] == [(SALES, key)]
    assert (unit.tombstones, unit.changed) == (1, {})
    stray = State(partitions=partitions).apply([record(A_SALE)])
    assert bool(stray.astray) == (at_home != 0)


def test_what_was_not_unpacked_is_refused_with_the_reason_of_that() -> None:
    unit = State().apply([Record(SALES, 7, None, unread("46 KB hold 1.5 GB"))])
    assert [(refusal.reason, refusal.detail) for refusal in unit.refusals] == [("undecodable", "46 KB hold 1.5 GB")]
    assert unit.tombstones == 0


def test_an_event_is_from_the_future_ten_minutes_after_its_record_and_not_before() -> None:
    edge = NOW + 600_000
    unit = State().apply([record(A_SALE._replace(occurred_at=edge)), record(A_SALE._replace(occurred_at=edge + 1), 1)])
    assert [(refusal.reason, refusal.record.offset) for refusal in unit.refusals] == [("from_the_future", 1)]
