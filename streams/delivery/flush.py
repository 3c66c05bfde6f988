"""One attempt of a flush, in the writer's thread: insert, blame, look at the positions, report.

Owns what is said to ClickHouse, and in which order. Never touches what the event loop owns: it gets a snapshot that nobody
changes, and returns what came of it. Invariant: a position is reported only after every row below it was acknowledged, by the
very ClickHouse that is told; a row that it refuses costs its own partition the report, and no other.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from sinks.errors import RowsRefused, SinkUnavailable
from sinks.tables import Table, unpack_row
from sinks.writer import SinkPosition, Writer
from streams.brokers.topics import SOURCES
from streams.changelog.meta import Applied
from streams.delivery.buffer import Load
from streams.delivery.freshness import Gauge, LogEnd
from streams.timing import Clock

# Of a row's texts those that may stand in a log: never an id of a customer or a sale, nor what a customer wrote.
_TEXTS_SHOWN: Final = frozenset({"brand_id", "affiliate_id", "currency"})

# Reports of one claim are numbered below those of the next: 2^32 reports are 272 years at two a second.
_REPORTS_PER_CLAIM: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Reached:
    """A state that a partition had: what is in the changelog below `changelog_offset`. `applied` is empty while nothing but
    the position is known of it: that which a new owner found in ClickHouse."""

    partition: int
    claim: int
    changelog_offset: int
    version: int
    applied: dict[str, Applied]

    def position(self, report: int) -> SinkPosition:
        """What the claim's report of that number says."""
        number = self.claim * _REPORTS_PER_CLAIM + report
        return SinkPosition(self.partition, self.changelog_offset, self.claim, number, self.version)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a claim stands when an attempt begins."""

    reached: Reached  # everything below it is in the load, or in ClickHouse
    left: frozenset[
        SinkPosition | None
    ]  # what ClickHouse may say when it is as this owner left it; None: has no position
    report: int  # the number of the claim's next report
    gauges: Mapping[str, Gauge]
    ends: Mapping[str, LogEnd]  # by topic, as far as they are known


@dataclass(frozen=True, slots=True)
class Told:
    """A report, and the gauges after it."""

    position: SinkPosition
    gauges: Mapping[str, Gauge]


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What came of an attempt, by partition.

    `told` holds every report that ClickHouse may have taken, also of an attempt that failed: its answer may be lost.
    """

    told: Mapping[int, Told] = field(default_factory=dict)
    moved: Sequence[int] = ()  # the position in ClickHouse is not one that this owner left
    refused: Mapping[int, RowsRefused] = field(default_factory=dict)
    failure: SinkUnavailable | None = None  # ClickHouse went away: everything must be sent again
    acknowledged: Mapping[str, int] = field(default_factory=dict)  # rows by table, whatever came afterwards


class Flush:
    """Attempts, one after the other."""

    def __init__(self, writer: Writer, generation: int, worker: str, clock: Clock) -> None:
        self._writer = writer
        self._generation = generation
        self._worker = worker
        self._clock = clock
        self._acknowledged: Counter[str] = Counter()  # in this attempt

    def attempt(self, load: Load, standings: Mapping[int, Standing]) -> FlushResult:
        """Sends a load and reports how the claims stand; those that moved, or of which a row was refused, get no report.

        An attempt that fails is made again from its beginning: after an outage ClickHouse may be another one, without the
        rows that it had acknowledged. The positions are looked at after the inserts, so that what was emptied during these,
        without an outage, is noticed as well.
        """
        told: dict[int, Told] = {}
        refused: dict[int, RowsRefused] = {}
        acknowledged = self._acknowledged = Counter()
        try:
            for table, rows in load.rows.items():
                refused |= self._insert(table, {partition: list(own.values()) for partition, own in rows.items()})
            found = self._writer.positions(standings) if standings else {}
            moved = [number for number, own in standings.items() if found.get(number) not in own.left]
            withheld = {*moved, *refused}
            self._report({number: own for number, own in standings.items() if number not in withheld}, told)
        except SinkUnavailable as failure:
            return FlushResult(told, failure=failure, acknowledged=acknowledged)
        return FlushResult(told, moved, refused, acknowledged=acknowledged)

    def _insert(self, table: Table, rows: dict[int, list[bytes]]) -> dict[int, RowsRefused]:
        """Inserts what ClickHouse takes: at once, or partition by partition. Returns why it refuses rows, by partition."""
        with suppress(RowsRefused):
            self._send(table, list(chain.from_iterable(rows.values())))
            return {}
        refused = {}
        for partition, own in rows.items():
            try:
                self._send(table, own)
            except RowsRefused as error:
                refused[partition] = self._blame(table, own, error)
        return refused

    def _blame(self, table: Table, rows: list[bytes], error: RowsRefused) -> RowsRefused:
        """The refusal of one row among these. The others are inserted on the way, or will be when it is."""
        while len(rows) > 1:
            half, rows = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            try:
                self._send(table, half)
            except RowsRefused as found:
                rows, error = half, found
        return RowsRefused(f"{error}; refused is {_shown(table, unpack_row(rows[0]))}")

    def _send(self, table: Table, rows: list[bytes]) -> None:
        self._writer.insert(table, rows)
        self._acknowledged[table.name] += len(rows)

    def _report(self, standings: Mapping[int, Standing], told: dict[int, Told]) -> None:
        """Reports, and says in `told` before each what it will be."""
        now = self._clock.wall_ms()
        rows: list[tuple[Any, ...]] = []
        for partition, standing in standings.items():
            position = standing.reached.position(standing.report)
            gauges = dict(standing.gauges)
            told[partition] = Told(position, gauges)
            if standing.reached.applied:
                rows += self._freshness(standing, position, gauges, now)
            else:
                age_s = max(gauges[topic].ends_age_s(standing.ends.get(topic), now) for topic in SOURCES)
                self._writer.repeat(position, SOURCES, self._worker, age_s)
        self._writer.report(rows)

    def _freshness(
        self, standing: Standing, position: SinkPosition, gauges: dict[str, Gauge], now: int
    ) -> Iterator[tuple[Any, ...]]:
        for topic in SOURCES:
            applied = standing.reached.applied[topic]
            # Not asked yet: claim nothing.
            end = standing.ends.get(topic) or LogEnd(applied.offset, applied.offset + 1, 0)
            gauges[topic], freshness = gauges[topic].read(applied, end, now)
            yield (
                self._generation, topic, position.partition, position.claim, position.report,
                position.changelog_offset, position.state_version, *freshness, now, self._worker,
            )  # fmt: skip


def _shown(table: Table, row: Sequence[object]) -> dict[str, object]:
    """A row for the log: texts that do not belong there as their length."""
    return {
        column: f"<{len(value)} characters>" if isinstance(value, str) and column not in _TEXTS_SHOWN else value
        for column, value in zip(table.columns, row, strict=False)
    }
