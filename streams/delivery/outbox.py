"""The way from committed units to ClickHouse, as the event loop sees it: buffer, room, flush after flush.

Owns the buffer, the accounts of the claims, and the one writer thread, in which flush.py runs. Never sees uncommitted rows.
Invariants: while ClickHouse is away the buffer is bounded and owners wait for room; an account knows every position that
ClickHouse may have been told; all of it changes in the event loop alone.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from sinks.errors import RowsRefused
from sinks.writer import SinkPosition, Writer
from streams.brokers.topics import SOURCES, TopicPartition
from streams.delivery.buffer import Arrivals, Load
from streams.delivery.flush import Flush, FlushResult, Reached, Standing
from streams.delivery.flush_counts import FlushCounts
from streams.delivery.freshness import Gauge, LogEnd
from streams.delivery.writer_thread import WriterThread
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.rows import Rows

# The buffer holds this many flushes while another is in flight: one filling, and slack for a slow one.
_FLUSHES_BUFFERED: Final = 4


@dataclass(slots=True)
class Account:
    """What the outbox knows of one claim of a partition.

    It begins with the state that was found in ClickHouse. Flushes repeat that one until there is another: so ClickHouse says
    after each what it would not say if it had lost what the flush brought.
    """

    left: set[SinkPosition | None]  # what ClickHouse may say when it is as this owner left it; None: has no position
    on_moved: Callable[[], None]  # ClickHouse's position is not what this owner left there: claim again
    on_refused: Callable[[RowsRefused], None]  # ClickHouse refuses a row of this partition
    gauges: dict[str, Gauge]  # by topic; the owner's, from claim to claim
    reached: Reached  # everything below it was put
    flushed_offset: int = 0  # everything in the changelog below is in ClickHouse
    reports: int = 0


class Outbox:
    """Runs in one event loop; only the attempts of a flush run in a thread of their own."""

    def __init__(self, settings: Settings, timing: Timing, writer: Writer, generation: int, worker: str) -> None:
        self.ends: dict[TopicPartition, LogEnd] = {}  # kept up to date by the worker
        self.accounts: dict[int, Account] = {}  # by partition
        self.generation = generation
        self.counts = FlushCounts()
        self._settings = settings
        self._timing = timing
        self._writer = writer
        self._flusher = Flush(writer, generation, worker, timing.clock)
        self._load = Load()
        self._sending: Load | None = None
        self._thread = WriterThread(timing)
        self._changed = asyncio.Condition()
        self._flushing = asyncio.Lock()
        self._due = asyncio.Event()  # there are rows, or the flush should happen now
        self._full = asyncio.Event()

    async def position(self, partition: int) -> SinkPosition | None:
        """What ClickHouse says of a partition; waits while it is away, and for a flush under way, which may still report for
        an earlier claim."""
        async with self._flushing:
            ask = partial(self._thread.run, lambda: self._writer.positions([partition]))
            return (await self._thread.until_taken(ask)).get(partition)

    def open_account(self, partition: int, account: Account) -> None:
        """Called by a new owner, when it has claimed the partition."""
        self.accounts[partition] = account

    def close_account(self, partition: int) -> None:
        """Called when the owner lets go. Rows that are still buffered are sent all the same: they are committed."""
        self.accounts.pop(partition, None)

    def put(self, partition: int, rows: Rows, reached: Reached | None = None, arrivals: Arrivals | None = None) -> None:
        """Takes a partition's committed rows; `reached` when everything up to it has been put. `arrivals` of the records that
        will be queryable with them."""
        load = self._load
        load.put(partition, rows, arrivals)
        if reached is not None and partition in self.accounts:
            self.accounts[partition].reached = reached
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

    def held(self) -> dict[str, tuple[int, int]]:
        """The rows that wait for the next flush, and those of the one under way: how many, and their bytes."""
        loads = {"waiting": self._load, "sending": self._sending or Load()}
        return {stage: (load.count, load.size_bytes) for stage, load in loads.items()}

    def waits_for_clickhouse(self) -> bool:
        """Whether it is ClickHouse that keeps owners from going on: it is away, or slow."""
        return self._thread.is_waiting or not self.has_room()

    async def run(self) -> None:
        """Flushes for as long as the worker runs: at once after a quiet time, else every `flush_ms`, earlier when the buffer
        is full; and to report freshness."""
        monotonic, next_at = self._timing.clock.monotonic, 0.0
        while True:
            await _wait(self._due, self._timing.report_every_s)
            await _wait(self._full, next_at - monotonic())
            next_at = monotonic() + self._settings.flush_ms / 1000
            await self.flush()

    async def flush(self) -> None:
        """Sends everything that is buffered, however long it takes, and reports how far each partition is."""
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        load = self._sending = self._load
        self._load = Load()
        self._due.clear()
        self._full.clear()
        accounts = dict(self.accounts)
        reached = {partition: account.reached for partition, account in accounts.items()}
        async with self._changed:
            self._changed.notify_all()
        try:
            result = await self._thread.until_taken(lambda: self._attempt(load, accounts, reached))
        except BaseException:
            self.accounts.clear()  # rows are lost here: no position may pass them
            raise
        finally:
            self._sending = None
        self.counts.queryable(load.arrivals, {*result.moved, *result.refused}, self._timing.clock.wall_ms())
        for partition in result.moved:
            accounts[partition].on_moved()
        for partition in result.refused.keys() & accounts.keys():
            if self.accounts.get(partition) is accounts[partition]:
                self.close_account(partition)  # rows are missing: no later flush may report past them
            accounts[partition].on_refused(result.refused[partition])

    async def _attempt(self, load: Load, accounts: dict[int, Account], reached: dict[int, Reached]) -> FlushResult:
        """One attempt. Raises SinkUnavailable when another must follow."""
        standings = {partition: self._standing(account, reached[partition]) for partition, account in accounts.items()}
        begun = self._timing.clock.monotonic()
        result = await self._thread.run(lambda: self._flusher.attempt(load, standings))
        self.counts.attempted(result, self._timing.clock.monotonic() - begun)
        for partition, told in result.told.items():
            account = accounts[partition]
            account.reports += 1
            account.gauges.update(told.gauges)
            if result.failure is None:
                account.left, account.flushed_offset = {told.position}, told.position.changelog_offset
            else:
                account.left.add(told.position)  # the answer may be lost
        if result.failure is not None:
            raise result.failure
        return result

    def _standing(self, account: Account, reached: Reached) -> Standing:
        ends = {
            topic: self.ends[topic, reached.partition] for topic in SOURCES if (topic, reached.partition) in self.ends
        }
        return Standing(reached, frozenset(account.left), account.reports + 1, dict(account.gauges), ends)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, or so many seconds. (asyncio.wait_for may swallow a cancellation that comes with the event.)"""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
