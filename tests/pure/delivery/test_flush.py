"""One attempt of a flush is a function of its snapshot and of what ClickHouse says; its result names all that it told."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sinks.errors import RowsRefused, SinkUnavailable
from sinks.tables import COMMENTS, FRESHNESS, Table, pack_row
from sinks.writer import SinkPosition
from streams.brokers.topics import SALES, SOURCES
from streams.changelog.meta import Applied
from streams.delivery.buffer import Load
from streams.delivery.flush import Flush, FlushResult, Reached, Standing
from streams.delivery.freshness import Gauge, LogEnd
from streams.timing import Clock
from tests.support.doubles import NoClickHouse

NOW = 1_000_000
LEFT = SinkPosition(0, 5, 1, (1 << 32) + 6, 5)
CLAIM = Reached(0, 1, 10, 10, {topic: Applied(10) for topic in SOURCES})
NEXT = SinkPosition(0, 10, 1, (1 << 32) + 7, 10)
STANDING = Standing(
    CLAIM, frozenset({LEFT}), 7, {topic: Gauge(0) for topic in SOURCES}, {SALES: LogEnd(10, 10, NOW - 5)}
)


class Recording(NoClickHouse):
    """Notes calls in their order; fails in the one that it is told to, or refuses rows."""

    def __init__(self, fails_in: str = "", refuses: Collection[bytes] = ()) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any]] = []
        self._fails_in = fails_in
        self._refuses = refuses

    def _note(self, call: str, what: Any) -> None:
        self.calls.append((call, what))
        if call == self._fails_in:
            raise SinkUnavailable("away")

    def insert(self, table: Table, rows: Collection[bytes]) -> None:
        """Takes rows."""
        self._note("insert", list(rows))
        if any(row in self._refuses for row in rows):
            raise RowsRefused("no")

    def positions(self, partitions: Collection[int]) -> dict[int, SinkPosition]:
        """As they were left."""
        self._note("positions", set(partitions))
        return {0: LEFT}

    def report(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Takes rows of freshness."""
        self._note("report", list(rows))

    def repeat(self, position: SinkPosition, topics: Sequence[str], worker: str, ends_age_seconds: float) -> None:
        """Takes a position."""
        self._note("repeat", (position, ends_age_seconds))


def row(name: str) -> bytes:
    return pack_row((1, "b", "c", name, "", "", 1))


def attempt(writer: Recording, rows: dict[int, list[str]], standings: dict[int, Standing]) -> FlushResult:
    """An attempt with comments of these names, by partition."""
    load = Load()
    for partition, names in rows.items():
        load.put(partition, {COMMENTS: {name: row(name) for name in names}})
    return Flush(writer, 1, "test", Clock(wall_ms=lambda: NOW)).attempt(load, standings)


def test_rows_come_first_then_a_look_at_the_positions_then_the_report() -> None:
    writer = Recording()
    result = attempt(writer, {0: ["a", "b"]}, {0: STANDING})
    assert [call for call, _ in writer.calls] == ["insert", "positions", "report"]
    assert result.failure is None
    assert result.told[0].position == NEXT
    reported = [dict(zip(FRESHNESS.columns, row, strict=True)) for row in writer.calls[-1][1]]
    assert [row["report"] for row in reported] == [NEXT.report] * 2
    assert [row["complete_up_to"] for row in reported] == [NOW - 5, 0]  # of the other topic no end is known yet
    assert result.told[0].gauges[SALES].complete_up_to == NOW - 5
    assert [row["ends_age_seconds"] for row in reported] == [0.005, NOW / 1000]


@pytest.mark.parametrize("fails_in", ["insert", "positions", "report"])
def test_an_attempt_that_fails_names_the_reports_whose_answer_may_be_lost(fails_in: str) -> None:
    result = attempt(Recording(fails_in), {0: ["a"]}, {0: STANDING})
    assert isinstance(result.failure, SinkUnavailable)
    assert {number: told.position for number, told in result.told.items()} == (
        {0: NEXT} if fails_in == "report" else {}
    )


def test_a_position_that_is_repeated_in_vain_is_named_as_well() -> None:
    found = replace(STANDING, reached=replace(CLAIM, applied={}))
    writer = Recording("repeat")
    result = attempt(writer, {}, {0: found})
    assert result.failure is not None
    assert result.told[0].position == NEXT
    assert writer.calls[-1] == ("repeat", (NEXT, NOW / 1000))  # of a topic nothing is known since its owner began


def test_who_moved_gets_no_report_and_the_snapshot_stays_as_it_was() -> None:
    moved = replace(STANDING, left=frozenset({None}))
    other = replace(STANDING, reached=replace(CLAIM, partition=1), left=frozenset({None}))
    writer = Recording()
    result = attempt(writer, {}, {0: moved, 1: other})
    assert result.moved == [0]
    assert set(result.told) == {1}
    assert other.gauges == {topic: Gauge(0) for topic in SOURCES}


def test_one_refused_row_is_found_and_costs_its_partition_the_report_alone() -> None:
    other = replace(STANDING, reached=replace(CLAIM, partition=1), left=frozenset({None}))
    writer = Recording(refuses={row("bad")})
    result = attempt(writer, {0: ["a", "b", "bad", "c"], 1: ["d"]}, {0: STANDING, 1: other})
    assert set(result.refused) == {0}
    assert "'feedback_id': '<3 characters>'" in str(result.refused[0])
    assert set(result.told) == {1}
    assert ("insert", [row("d")]) in writer.calls
