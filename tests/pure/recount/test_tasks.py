"""Rows as the workers make them, each at a moment of its own, are never called wrong; a value changed by hand always is."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.events import Event, Feedback, customer_of, partition_key, record_key
from schemas.measures import MEASURES, TOPIC_MEASURES
from streams.domain.contributions import Answer, GivenBack, Journey, contributions
from streams.domain.fold import comment_of, fold
from streams.domain.state import Customer
from streams.generations.logs import SourceLayout
from streams.recount.asking import (
    ANSWER_ROWS,
    COMMENT_ROWS,
    PANES,
    REVERSAL_ROWS,
    SALES_ROWS,
    TOPICS,
    Cells,
    Kept,
    Key,
    Range,
)
from streams.recount.logs import home_of
from streams.recount.shelves import shelf_of
from streams.recount.tasks import Difference, Job, compare_sums, count_customers
from streams.settings import Settings
from tests.support.domain_strategies import A_SALE, RULES, events
from tests.support.examples import examples

PARTITIONS = 3
SHELVES = 2
TABLES = (PANES, TOPICS, SALES_ROWS, REVERSAL_ROWS, ANSWER_ROWS, COMMENT_ROWS)
ONE_BY_ONE = (SALES_ROWS, REVERSAL_ROWS, ANSWER_ROWS)
Rows = dict[Kept, dict[Key, Cells]]


def rows_after(stream: list[Event]) -> Rows:
    """All rows of the base tables after these events, as the workers make them."""
    customers: dict[str, Customer] = {}
    found: Rows = {kept: {} for kept in TABLES}
    for event in stream:
        customer = customers.setdefault(customer_of(event)[1], Customer(*customer_of(event)))
        if fold(customer, event, RULES) == 2 and isinstance(event, Feedback):
            key = (*customer_of(event), event.feedback_id)
            found[COMMENT_ROWS][key] = comment_of(event) or ("", "")
    for customer in customers.values():
        home = home_of(partition_key(customer.brand_id, customer.customer_id), PARTITIONS)
        own = contributions(customer, RULES)
        for pane, measures in own.panes.items():
            before = found[PANES].get((*pane, home), (0,) * len(MEASURES))
            found[PANES][*pane, home] = tuple(a + b for a, b in zip(before, measures, strict=True))
        for topic, counts in own.topics.items():
            before = found[TOPICS].get((*topic, home), (0,) * len(TOPIC_MEASURES))
            found[TOPICS][*topic, home] = tuple(a + b for a, b in zip(before, counts, strict=True))
        made: list[tuple[Kept, list[Journey | GivenBack | Answer]]] = [
            (SALES_ROWS, [*own.journeys.values()]),
            (REVERSAL_ROWS, [*own.given_back.values()]),
            (ANSWER_ROWS, [*own.answers.values()]),
        ]
        for kept, rows in made:
            for row in rows:
                named = row._asdict()
                found[kept][tuple(named[n] for n in kept.key)] = tuple(named[n] for n in kept.values)
    return found


def verdict(
    stream: list[Event], ends: list[int], cut_of: Callable[[Key], int], hurt: Callable[[Rows], object], chosen: Range
) -> list[Difference]:
    """What the tasks say when the row of a key was read at the moment `cut_of(key)`, and `hurt` changed the rows by hand.

    Moment n holds the first `ends[n]` events; a row that is not there was looked for at the first moment.
    """
    at = [rows_after(stream[:end]) for end in ends]
    shown: Rows = {kept: {} for kept in TABLES}
    moments: dict[tuple[Kept, Key], int] = {}
    for kept in TABLES:
        for key in {key for rows in at for key in rows[kept]}:
            moment = cut_of(key) if key in at[cut_of(key)][kept] else 0
            moments[kept, key] = moment
            if key in at[moment][kept]:
                shown[kept][key] = at[moment][kept][key]
    hurt(shown)
    with tempfile.TemporaryDirectory() as directory:
        asked = {kept.name: range(len(ends)) for kept in TABLES}
        job = Job(
            Settings(),
            RULES,
            Path(directory),
            SHELVES,
            SourceLayout(PARTITIONS, PARTITIONS),
            chosen,
            ({},) * len(ends),
            asked,
            100,
        )
        for kept, rows in shown.items():
            shelved = job.shelved(kept.name)
            for key, values in rows.items():
                shelved.put(job.shelf_of(kept, key), (moments.get((kept, key), 0), key, values))
            shelved.flush()
        laid = job.shelved("events")
        for place, event in enumerate(stream):
            moment = next((number for number, end in enumerate(ends) if place < end), len(ends))
            source = 1 if isinstance(event, Feedback) else 0
            home = home_of(record_key(event), PARTITIONS)
            laid.put(shelf_of(SHELVES, *customer_of(event)), (moment, source, home, encode(event)))
        laid.flush()
        parts = [task(job, number) for task in (count_customers, compare_sums) for number in range(SHELVES)]
    assert all(part.differing == len(part.differences) for part in parts)
    return [difference for part in parts for difference in part.differences]


@st.composite
def _cut_streams(draw: st.DrawFn) -> tuple[list[Event], list[int]]:
    stream = draw(events())
    ends = sorted(draw(st.lists(st.integers(0, len(stream)), min_size=1, max_size=4)))
    return stream, ends


@given(_cut_streams(), st.randoms(use_true_random=False))
@examples(200)
def test_rows_of_any_moments_agree_with_the_events_of_their_moments(
    moment: tuple[list[Event], list[int]], rng: Any
) -> None:
    stream, ends = moment
    chosen: dict[Key, int] = {}
    assert verdict(stream, ends, lambda key: chosen.setdefault(key, rng.randrange(len(ends))), _nothing, Range()) == []


@given(_cut_streams(), st.data())
@examples(200)
def test_a_row_changed_or_deleted_or_added_by_hand_is_named_with_both_values(
    moment: tuple[list[Event], list[int]], data: st.DataObject
) -> None:
    stream, ends = moment
    expected: list[tuple[str, Key, str]] = []

    def hurt(shown: Rows) -> None:
        told = [(kept, key) for kept in (PANES, TOPICS, *ONE_BY_ONE) for key in sorted(shown[kept], key=repr)]
        if not told:
            return
        kept, key = data.draw(st.sampled_from(told))
        values = shown[kept][key]
        what = data.draw(st.sampled_from(["changed", "deleted", "added"]))
        if what == "deleted":
            if any(values):
                expected.append((kept.name, key, ""))
            del shown[kept][key]
        elif what == "added":
            another = (*key[:1], "somebody else", *key[2:])
            shown[kept][another] = values
            expected.append((kept.name, another, ""))
        else:
            place = data.draw(st.integers(0, len(values) - 1))
            wrong = "else" if isinstance(values[place], str) else (values[place] or 0) + 1
            shown[kept][key] = (*values[:place], wrong, *values[place + 1 :])
            expected.append((kept.name, key, kept.values[place]))

    found = verdict(stream, ends, lambda _key: 0, hurt, Range())
    tables = {kept.name: kept for kept in TABLES}
    rows = {(d.table, tuple(d.key[name] for name in tables[d.table].key)) for d in found}
    assert rows == {(table, key) for table, key, _ in expected}
    for table, _, column in expected:
        if column:
            assert [d.column for d in found] == [column]
            assert found[0].expected != found[0].found
        elif table in {kept.name for kept in ONE_BY_ONE}:
            assert [(d.column, d.expected is None or d.found is None) for d in found] == [("", True)]


def _nothing(_rows: Rows) -> None:
    """Leaves the rows as they are."""


def test_only_what_happened_in_the_range_is_compared() -> None:
    moment = datetime.fromtimestamp(A_SALE.occurred_at / 1000, UTC)

    def lost(shown: Rows) -> None:
        for rows in shown.values():
            rows.clear()

    everything = verdict([A_SALE], [1], lambda _key: 0, lost, Range())
    assert {d.table for d in everything} == {"affiliate_panes", "journeys"}
    assert verdict([A_SALE], [1], lambda _key: 0, lost, Range(start=moment)) == everything
    assert verdict([A_SALE], [1], lambda _key: 0, lost, Range(end=moment)) == []
