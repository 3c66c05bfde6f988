"""The way from committed units to ClickHouse: buffer, flush, sink position.

Owns the buffer and the one writer thread. Never sees uncommitted rows. Invariants: a sink position is reported only after
every row below it was acknowledged, by the very ClickHouse that is told; while it is away the buffer is bounded and owners
wait for room; a row that it refuses costs its own partition the report, and no other.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeVar

from sinks.errors import RowsRefused, SinkUnavailable
from sinks.tables import Table, unpack_row
from sinks.writer import SinkPosition, Writer
from streams.brokers.topics import SOURCES
from streams.changelog.meta import Applied
from streams.delivery.buffer import Load
from streams.delivery.freshness import Gauge, LogEnd
from streams.settings import Settings
from streams.unit.rows import Rows

log = logging.getLogger(__name__)

T = TypeVar("T")

# The buffer holds this many flushes while another is in flight: one filling, and slack for a slow one.
_FLUSHES_BUFFERED: Final = 4
# Contract: every 5 s or more often, also when idle.
_REPORT_EVERY_S: Final = 2.0
_RETRY_S_FIRST, _RETRY_S_MAX = 0.25, 5.0
# Reports of one claim are numbered below those of the next: 2^32 reports are 272 years at two a second.
_REPORTS_PER_CLAIM: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Mark:
    """A state that a partition had: what is in the changelog below `changelog_offset`. `applied` is empty while nothing but
    the position is known of it: that which a new owner found in ClickHouse."""

    partition: int
    claim: int
    changelog_offset: int
    version: int
    applied: dict[str, Applied]


@dataclass(slots=True)
class Account:
    """What the outbox knows of one claim of a partition.

    It begins with the mark that was found in ClickHouse. Flushes repeat that one until there is another: so ClickHouse says
    after each what it would not say if it had lost what the flush brought.
    """

    left: set[SinkPosition | None]  # what ClickHouse may say when it is as this owner left it; None: has no position
    on_moved: Callable[[], None]  # ClickHouse's position is not what this owner left there: claim again
    on_refused: Callable[[RowsRefused], None]  # ClickHouse refuses a row of this partition
    gauges: dict[str, Gauge]
    mark: Mark
    flushed_offset: int = 0  # everything in the changelog below is in ClickHouse
    reports: int = 0


class Outbox:
    """Buffers, flushes, reports. Runs in one event loop; only the writer runs in a thread of its own."""

    def __init__(self, settings: Settings, writer: Writer, generation: int, worker: str) -> None:
        self.ends: dict[tuple[str, int], LogEnd] = {}  # by topic and partition; kept up to date by the worker
        self.accounts: dict[int, Account] = {}  # by partition
        self.waiting_since: float | None = None  # monotonic time since when ClickHouse does not take a flush
        self._settings = settings
        self._writer = writer
        self.generation = generation
        self._worker = worker
        self._load = Load()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clickhouse")
        self._changed = asyncio.Condition()
        self._flushing = asyncio.Lock()
        self._due = asyncio.Event()  # there are rows, or the flush should happen now
        self._full = asyncio.Event()

    async def position(self, partition: int) -> SinkPosition | None:
        """What ClickHouse says of a partition; waits while it is away, and for a flush under way, which may still report for
        an earlier claim."""
        async with self._flushing:
            return (await self._retrying(lambda: self._writer.positions([partition]))).get(partition)

    def open_account(self, partition: int, account: Account) -> None:
        """Called by a new owner, when it has claimed the partition."""
        self.accounts[partition] = account

    def close_account(self, partition: int) -> None:
        """Called when the owner lets go. Rows that are still buffered are sent all the same: they are committed."""
        self.accounts.pop(partition, None)

    def put(self, partition: int, rows: Rows, mark: Mark | None = None) -> None:
        """Takes a partition's committed rows; `mark` when everything up to it has been put."""
        load = self._load
        load.put(partition, rows)
        if mark is not None and partition in self.accounts:
            self.accounts[partition].mark = mark
        self._due.set()
        if load.count >= self._settings.flush_rows or load.size_bytes >= self._settings.flush_bytes:
            self._full.set()

    async def room(self) -> None:
        """Waits until the buffer has room. An owner calls it before it makes a unit."""
        async with self._changed:
            await self._changed.wait_for(self.has_room)

    def has_room(self) -> bool:
        """Whether more rows may be put now."""
        s = self._settings
        load = self._load
        return load.count < s.flush_rows * _FLUSHES_BUFFERED and load.size_bytes < s.flush_bytes * _FLUSHES_BUFFERED

    async def run(self) -> None:
        """Flushes for as long as the worker runs: at once after a quiet time, else every `flush_ms`, earlier when the buffer
        is full; and to report freshness."""
        next_at = 0.0
        while True:
            await _wait(self._due, _REPORT_EVERY_S)
            await _wait(self._full, next_at - time.monotonic())
            next_at = time.monotonic() + self._settings.flush_ms / 1000
            await self.flush()

    async def flush(self) -> None:
        """Sends everything that is buffered, however long it takes, and reports how far each partition is."""
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        load, self._load = self._load, Load()
        self._due.clear()
        self._full.clear()
        accounts = dict(self.accounts)
        marks = {partition: account.mark for partition, account in accounts.items()}
        async with self._changed:
            self._changed.notify_all()
        try:
            moved, refused = await self._retrying(lambda: self._send(load, accounts, marks))
        except BaseException:
            self.accounts.clear()  # rows are lost here: no position may pass them
            raise
        for partition in moved:
            accounts[partition].on_moved()
        for partition in refused.keys() & accounts.keys():
            if self.accounts.get(partition) is accounts[partition]:
                self.close_account(partition)  # rows are missing: no later flush may report past them
            accounts[partition].on_refused(refused[partition])

    def _send(
        self, load: Load, accounts: dict[int, Account], marks: dict[int, Mark]
    ) -> tuple[list[int], dict[int, RowsRefused]]:
        """One attempt of a flush, in the writer's thread. Returns the partitions whose position in ClickHouse is not the one
        that this owner left, and those of which a row was refused: neither get a report.

        An attempt that fails is made again from its beginning: after an outage ClickHouse may be another one, without the
        rows that it had acknowledged. The positions are looked at after the inserts, so that what was emptied during these,
        without an outage, is noticed as well.
        """
        refused: dict[int, RowsRefused] = {}
        for table, rows in load.rows.items():
            refused |= self._insert(table, {partition: list(own.values()) for partition, own in rows.items()})
        found = self._writer.positions(accounts) if accounts else {}
        moved = [partition for partition, account in accounts.items() if found.get(partition) not in account.left]
        withheld = {*moved, *refused}
        self._report({partition: mark for partition, mark in marks.items() if partition not in withheld}, accounts)
        return moved, refused

    def _insert(self, table: Table, rows: dict[int, list[bytes]]) -> dict[int, RowsRefused]:
        """Inserts what ClickHouse takes: at once, or partition by partition. Returns why it refuses rows, by partition."""
        with suppress(RowsRefused):
            self._writer.insert(table, list(chain.from_iterable(rows.values())))
            return {}
        refused = {}
        for partition, own in rows.items():
            try:
                self._writer.insert(table, own)
            except RowsRefused as error:
                refused[partition] = self._blame(table, own, error)
        return refused

    def _blame(self, table: Table, rows: list[bytes], error: RowsRefused) -> RowsRefused:
        """The refusal of one row among these. The others are inserted on the way, or will be when it is."""
        while len(rows) > 1:
            half, rows = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            try:
                self._writer.insert(table, half)
            except RowsRefused as found:
                rows, error = half, found
        return RowsRefused(f"{error}; refused is {dict(zip(table.columns, unpack_row(rows[0]), strict=False))}")

    def _report(self, marks: dict[int, Mark], accounts: dict[int, Account]) -> None:
        now = _now_ms()
        rows: list[tuple[Any, ...]] = []
        told: dict[int, SinkPosition] = {}
        for partition, mark in marks.items():
            account = accounts[partition]
            account.reports += 1
            report = mark.claim * _REPORTS_PER_CLAIM + account.reports
            told[partition] = SinkPosition(partition, mark.changelog_offset, mark.claim, report, mark.version)
            account.left.add(told[partition])  # already now: the answer may be lost
            if mark.applied:
                rows += self._freshness(mark, account, report, now)
            else:
                self._writer.repeat(told[partition], SOURCES, self._worker)
        self._writer.report(rows)
        for partition, position in told.items():
            account = accounts[partition]
            account.left = {position}
            account.flushed_offset = position.changelog_offset

    def _freshness(self, mark: Mark, account: Account, report: int, now: int) -> Iterator[tuple[Any, ...]]:
        for topic in SOURCES:
            applied = mark.applied[topic]
            # Not asked yet: claim nothing.
            end = self.ends.get((topic, mark.partition)) or LogEnd(applied.offset, applied.offset + 1, 0)
            yield (
                self.generation, topic, mark.partition, mark.claim, report, mark.changelog_offset, mark.version,
                *account.gauges[topic].read(applied, end, now), now, self._worker,
            )  # fmt: skip

    async def _retrying(self, call: Callable[[], T]) -> T:
        """Runs a call in the writer's thread until ClickHouse takes it."""
        wait_s = _RETRY_S_FIRST
        while True:
            try:
                result = await asyncio.get_running_loop().run_in_executor(self._thread, call)
            except SinkUnavailable as error:
                self.waiting_since = self.waiting_since or time.monotonic()
                log.warning("%s; trying again in %.2f s", error, wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _RETRY_S_MAX)
            else:
                self.waiting_since = None
                return result


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, or so many seconds. (asyncio.wait_for may swallow a cancellation that comes with the event.)"""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
