"""The owner of one partition: claims it, sends again what ClickHouse lacks, then turns batches into units.

Owns the partition's inbox. Never ends for a record, nor for a row that ClickHouse refuses: after a failure the partition is
claimed again, and other partitions go on. Invariant: one unit at a time; the next sees all of the last.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from sinks.errors import RowsRefused, SinkRefused
from sinks.writer import SinkPosition
from streams.batches import RecordBatch
from streams.brokers.topics import SOURCES
from streams.changelog import records
from streams.delivery.freshness import Gauge
from streams.delivery.outbox import Account, Mark, Outbox
from streams.domain.rules import Rules
from streams.errors import OwnershipLost, StateRefused
from streams.partition.cluster import Cluster
from streams.partition.failures import Setbacks
from streams.partition.inbox import Inbox, Taken, Waiting
from streams.partition.partition import Partition
from streams.settings import Settings
from streams.unit.rows import RowMaker, Rows
from streams.unit.unit import Bench, Unit, make_unit

log = logging.getLogger(__name__)

Seek = Callable[[str, int, int], Awaitable[None]]  # topic, partition, offset
Reroute = Callable[[list[tuple[bytes, Any]]], Awaitable[None]]
LookAt = Callable[[], Awaitable[Cluster]]

# Room in the changelog's greatest batch for key, headers and framing: a key has at most 401 characters of 4 bytes.
_RECORD_OVERHEAD_BYTES: Final = 4096
# Changelog records whose rows are sent again before other partitions have their turn: some milliseconds.
_SENT_IN_A_TURN: Final = 100
# A transaction costs Kafka milliseconds of CPU however small it is, and rows wait for a flush anyway.
_UNIT_EVERY_S: Final = 0.1
# A unit of so many times fewer records than it may have begins at once.
_ENOUGH_SHARE: Final = 8
# A delivery that is missing this long is fetched again.
_MISSING_S: Final = 10.0
# A seek has taken effect long before.
_SEEK_AGAIN_S: Final = 5.0


class Owner:
    """Runs from start() to stop(). Batches are handed in by put(), in the order of their offsets per topic."""

    def __init__(
        self, settings: Settings, number: int, outbox: Outbox, generation: int, look_at: LookAt, seek: Seek,
        reroute: Reroute, on_taken: Callable[[], None],
    ) -> None:  # fmt: skip
        self.number = number
        self.tally: Counter[str] = Counter()  # records since the start, by what became of them
        self.claimed = False  # whether the partition is claimed now, and units are made
        self._settings = settings
        self._outbox = outbox
        self._look_at, self._seek, self._reroute, self._on_taken = look_at, seek, reroute, on_taken
        self._rules = Rules(settings.pane, settings.attribution_window * 1000, settings.customer_events_max)
        self._rows = RowMaker(generation, number, self._rules)
        self._inbox = Inbox()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._moved = False
        self._refused: RowsRefused | None = None
        self._gauges = {topic: Gauge(time.time_ns() // 1_000_000) for topic in SOURCES}
        self._setbacks = Setbacks(number, settings.unit_records_max)
        self._partition: Partition | None = None
        self._letters: list[tuple[int, bytes]] = []  # changelog offset and key of refusals still to be deleted
        self._applied_at = time.monotonic()
        self._next_unit_at = 0.0  # monotonic
        self._sought: dict[str, tuple[int, float]] = {}  # by topic: the offset of the last seek, and when

    def put(self, batch: RecordBatch) -> None:
        """Takes a batch; it is processed, or skipped, or dropped when the owner stops."""
        self._inbox.put(batch)
        self._wake.set()

    def waiting(self, topic: str) -> Waiting:
        """How much of a topic waits here."""
        return self._inbox.waiting[topic]

    def stop(self) -> None:
        """Ends run() after the unit that is being made."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Owns the partition until stop(). Raises StateRefused or SinkRefused, when no partition could go on; loses nothing
        either way."""
        try:
            while not self._stopping.is_set():
                self._setbacks.claiming()
                try:
                    await self._own()
                except (StateRefused, SinkRefused):
                    raise
                except Exception as error:
                    wait_s = self._setbacks.failed(error)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), wait_s)
        finally:
            self._inbox.clear()
            self._on_taken()

    async def _own(self) -> None:
        """One claim, from beginning to end."""
        cluster = await self._look_at()
        partition = self._partition = Partition(self._settings, cluster, self.number)
        self._moved, self._refused = False, None
        self._sought.clear()
        try:
            found = await self._outbox.position(self.number)
            await self._claim(partition, found)
            self.claimed = True
            bench = Bench(
                self.number, cluster.ground.partitions, self._rules,
                cluster.changelog_bytes_max - _RECORD_OVERHEAD_BYTES, self._rows,
            )  # fmt: skip
            while not self._stopping.is_set() and not self._moved and not self._refused:
                await self._wait_for_batches()
                await self._make_unit(partition, bench)
            if self._refused:
                raise self._refused
            if self._moved:
                log.warning("partition %d: ClickHouse is not as it was left; sending again", self.number)
        finally:
            self.claimed = False
            self._outbox.close_account(self.number)
            self._partition = None
            await partition.close()

    async def _claim(self, partition: Partition, found: SinkPosition | None) -> None:
        begun = time.monotonic()
        await partition.claim(found)
        offset, version = (found.changelog_offset, found.state_version) if found else (0, 0)
        mark = Mark(self.number, partition.meta.claims, offset, version, {})
        self._outbox.open_account(
            self.number, Account({found}, self._when_moved, self._when_refused, self._gauges, mark)
        )
        sent = 0
        async for chunk in partition.changelog_from(offset):
            for start in range(0, len(chunk), _SENT_IN_A_TURN):
                await asyncio.sleep(0)
                await self._outbox.room()
                turn = chunk[start : start + _SENT_IN_A_TURN]
                rows: Rows = {}
                for record in turn:
                    self._rows.of_record(rows, record.key, record.value, records.pack(record.version))
                sent += sum(map(len, rows.values()))
                self._outbox.put(self.number, rows)
        self._letters = [(partition.changelog_offset, key) for key in partition.local.keys_of(records.LETTER)]
        self._outbox.put(self.number, {}, self._mark(partition))
        self._applied_at = time.monotonic()
        log.info(
            "partition %d: claimed (owner number %d) in %.2f s, %d changelog records read, %d rows sent again",
            self.number, partition.meta.claims, time.monotonic() - begun, partition.recovered_records, sent,
        )  # fmt: skip

    def _when_moved(self) -> None:
        self._moved = True
        self._wake.set()

    def _when_refused(self, error: RowsRefused) -> None:
        self._refused = error
        self._wake.set()

    async def _wait_for_batches(self) -> None:
        """Until there is something to do: at once after a quiet time, else when the last unit is a while ago or there is
        enough for the next."""
        await self._outbox.room()
        while not self._is_due():
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._next_unit_at - time.monotonic() if self._inbox else None):
                    await self._wake.wait()
        self._next_unit_at = time.monotonic() + _UNIT_EVERY_S

    def _is_due(self) -> bool:
        if self._stopping.is_set() or self._moved or self._refused:
            return True
        records = sum(waiting.records for waiting in self._inbox.waiting.values())
        enough = records * _ENOUGH_SHARE >= self._setbacks.records_max
        return bool(self._inbox) and (enough or time.monotonic() >= self._next_unit_at)

    async def _make_unit(self, partition: Partition, bench: Bench) -> None:
        taken = self._inbox.take(self._setbacks.records_max, partition.meta.applied)
        self._on_taken()
        self._setbacks.trying(taken.records)
        try:
            for missing in taken.missing:
                await self._fetch_again(missing.topic, missing.expected, f"delivered from {missing.found}")
            if taken.applied:
                await self._apply(taken, partition, bench)
        except BaseException:
            self._inbox.put_back(taken)
            raise
        self._setbacks.went_on()

    async def _apply(self, taken: Taken, partition: Partition, bench: Bench) -> None:
        meta = partition.meta.advanced(taken.applied)
        now_ms = time.time_ns() // 1_000_000
        unit = make_unit(bench, partition.local.get_many, meta.version, taken.records, now_ms)
        if unit.astray:
            await self._reroute(unit.astray)
        self._delete_flushed_letters(unit)
        await partition.commit(unit, meta)
        self._letters += [(partition.changelog_offset, key) for key in unit.letters]
        self._outbox.put(self.number, unit.rows, self._mark(partition))
        self._applied_at = time.monotonic()
        self.tally.update(
            events=unit.events, refused=len(unit.refusals), rerouted=len(unit.astray), tombstones=unit.tombstones
        )

    async def _fetch_again(self, topic: str, offset: int, found: str) -> None:
        now = time.monotonic()
        sought, at = self._sought.get(topic, (-1, 0.0))
        if sought == offset and now - at < _SEEK_AGAIN_S:
            return  # this was fetched before the seek took effect
        if sought == offset:
            raise OwnershipLost(
                f"{topic}[{self.number}]: {found}, although {offset} was sought: claiming again will tell why"
            )
        self._sought[topic] = (offset, now)
        log.warning("%s[%d]: %s, expected %d: fetching again from there", topic, self.number, found, offset)
        await self._seek(topic, self.number, offset)

    async def fetch_what_is_missing(self, fetched: dict[str, int]) -> None:
        """Called now and then with the fetch positions: what was fetched but never delivered is fetched again."""
        if self._partition is None or self._stopping.is_set() or self._inbox:
            return
        applied = getattr(self._partition, "meta", None)
        if applied is None or time.monotonic() - self._applied_at < _MISSING_S:
            return
        for topic, position in fetched.items():
            if position > applied.applied[topic].offset:
                self._applied_at = time.monotonic()
                self._sought.pop(topic, None)  # what never came tells nothing of the log: seek, however often
                await self._fetch_again(topic, applied.applied[topic].offset, f"nothing came up to {position}")

    def _delete_flushed_letters(self, unit: Unit) -> None:
        account = self._outbox.accounts.get(self.number)
        flushed = account.flushed_offset if account else 0
        unit.changed.update((key, None) for offset, key in self._letters if offset <= flushed)
        self._letters = [letter for letter in self._letters if letter[0] > flushed]

    def _mark(self, partition: Partition) -> Mark:
        meta = partition.meta
        return Mark(self.number, meta.claims, partition.changelog_offset, meta.version, meta.applied)
