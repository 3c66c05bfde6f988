"""The state of one partition: claimed, recovered, and changed by whole units only.

Owns the partition's transactional producer and its local copy. Never decides what changes. Invariants: after claim()
nobody else can change the state without this object learning of it (OwnershipLost) at its next commit; the local copy is
written after the transaction, never before.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from sinks.writer import SinkPosition
from streams.brokers.clients import aiokafka_settings
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, GROUP, SOURCES, STATE
from streams.changelog import meta as metas
from streams.changelog import records
from streams.changelog.local_copy import LocalCopy
from streams.changelog.meta import Log, Meta
from streams.errors import OwnershipLost
from streams.partition.cluster import Cluster
from streams.partition.dead_letter import dead_letter
from streams.settings import Settings
from streams.unit.intake import Refusal
from streams.unit.unit import Unit

log = logging.getLogger(__name__)

_VERSION_HEADER: Final = "version"
_BATCH_BYTES: Final = 1_000_000  # a broker's default message.max.bytes; a greater record goes alone
# What a partition that is being read holds in memory; all of a worker's are read at once.
_RECORDS_PER_READ: Final = 2_000
_BYTES_PER_READ: Final = 1 << 20
_TELL_EVERY_S: Final = 5.0
# A read that passes only transaction markers moves the position and returns nothing; look again soon.
_READ_WAIT_MS: Final = 20
# Longest that a crashed owner's open transaction may hold back the readers of the dead letters.
_TRANSACTION_MS_MAX: Final = 60_000


@dataclass(frozen=True, slots=True)
class ChangelogRecord:
    """One record of the changelog; `version` is that of the unit which wrote it."""

    key: bytes
    value: bytes | None
    version: int


class Partition:
    """One partition's state. Use: `await claim()`, then get_many and commit, then `await close()`."""

    def __init__(self, settings: Settings, cluster: Cluster, number: int) -> None:
        self.number = number
        self.meta: Meta
        self.changelog_offset = 0  # where the changelog ends, as far as this owner knows
        self.claimed_offset = 0  # where it ended when this owner claimed: all that earlier ones left
        self.recovered_records = 0
        self._settings = settings
        self._cluster = cluster
        self._tp = aiokafka.TopicPartition(STATE, number)
        self._tps = [self._tp, *(aiokafka.TopicPartition(topic, number) for topic in SOURCES)]
        self._local: LocalCopy | None = None
        self._producer = aiokafka.AIOKafkaProducer(
            **aiokafka_settings(settings),
            transactional_id=f"posventa-{number}",
            acks="all",
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            max_request_size=max(cluster.changelog_bytes_max, cluster.letter_bytes_max),
            transaction_timeout_ms=_TRANSACTION_MS_MAX,
        )

    async def claim(self, sink: SinkPosition | None) -> None:
        """Fences earlier owners, recovers the state and checks that everything still belongs together.

        `sink` is what ClickHouse says of this partition. Raises StateRefused, or OwnershipLost when Kafka fails on the way.
        """
        try:
            await self._producer.start()  # InitProducerId: earlier owners are fenced and their open work aborted
            async with _reader(self._settings, self._tps) as consumer:
                logs = await _logs(consumer, self._tps)
                metas.check_changelog(self.number, logs[STATE])
                await self._recover(consumer, logs[STATE].end)
        except KafkaError as error:
            raise OwnershipLost(f"partition {self.number}: claiming failed: {error!r}") from error
        raw = self.local.get(records.META)
        found = metas.decode(raw) if raw else metas.first(self._cluster.ground, logs)
        metas.check(self.number, found, self._cluster.ground, logs)
        if sink is not None:
            metas.check_sink(self.number, found, logs[STATE].end, sink.changelog_offset, sink.state_version)
        self.meta = found
        self.changelog_offset = self.claimed_offset = logs[STATE].end
        await self.commit(Unit(found.version), found.claimed())  # proves that this owner can write

    @property
    def local(self) -> LocalCopy:
        """The local copy; there is one from claim() to close()."""
        assert self._local is not None
        return self._local

    async def changelog_from(self, offset: int) -> AsyncIterator[list[ChangelogRecord]]:
        """What earlier owners left in the changelog from an offset on, in chunks. Raises OwnershipLost."""
        if offset >= self.claimed_offset:
            return
        try:
            async with _reader(self._settings, [self._tp]) as consumer:
                async for got in self._read(consumer, offset, self.claimed_offset):
                    yield [ChangelogRecord(r.key, r.value, _version(r)) for r in got]
        except KafkaError as error:
            raise OwnershipLost(f"partition {self.number}: reading the changelog failed: {error!r}") from error

    async def _recover(self, consumer: Any, end: int) -> None:
        directory = Path(self._settings.state_dir) / str(self.number)
        now_ms = time.time_ns() // 1_000_000
        # Half the time that Kafka keeps deletions: a younger copy has not missed one.
        age_ms_max = self._cluster.changelog_delete_retention_ms // 2
        self._local = LocalCopy(
            directory, self._cluster.cluster_id, self._cluster.changelog_topic_id, now_ms, age_ms_max
        )
        if self._local.offset > end:
            self._local.discard()
        begun = told_at = time.monotonic()
        start = self._local.offset
        async for got in self._read(consumer, start, end):
            if got[-1].offset >= end:  # nobody who was there before the fence wrote that
                raise OwnershipLost(f"partition {self.number}: another owner claimed it meanwhile")
            self.recovered_records += len(got)
            self._local.write(((r.key, r.value) for r in got), got[-1].offset + 1, now_ms)
            if time.monotonic() - told_at > _TELL_EVERY_S:
                told_at = time.monotonic()
                log.info(
                    "partition %d: %d %% of the changelog read, %d records/s", self.number,
                    100 * (self._local.offset - start) / (end - start), self.recovered_records / (told_at - begun),
                )  # fmt: skip

    async def _read(self, consumer: Any, start: int, end: int) -> AsyncIterator[list[Any]]:
        """The changelog's records in between, in chunks that are not empty."""
        consumer.seek(self._tp, start)
        consumer.resume(self._tp)
        while await consumer.position(self._tp) < end:
            got = await consumer.getmany(self._tp, timeout_ms=_READ_WAIT_MS, max_records=_RECORDS_PER_READ)
            if records_read := got.get(self._tp):
                yield records_read

    async def commit(self, unit: Unit, meta: Meta) -> None:
        """Makes a unit, and the META after it, part of the state: all or nothing. Raises OwnershipLost when it may not
        have been, or when another owner has the partition."""
        unit.changed[records.META] = metas.encode(meta)
        offsets = {
            aiokafka.TopicPartition(topic, self.number): applied.offset
            for topic, applied in meta.applied.items()
            if applied != self.meta.applied[topic]
        }
        try:
            await self._producer.begin_transaction()
            end = await self._send_changes(unit)
            if offsets:
                await self._producer.send_offsets_to_transaction(offsets, GROUP)
            await self._producer.commit_transaction()
        except KafkaError as error:
            raise OwnershipLost(f"partition {self.number}: a commit failed: {error!r}") from error
        self.local.write(unit.changed.items(), end, time.time_ns() // 1_000_000)
        self.meta, self.changelog_offset = meta, end

    async def _send_changes(self, unit: Unit) -> int:
        """Sends the changed records, META last, and the dead letters. Returns the changelog offset after them."""
        headers = [(_VERSION_HEADER, unit.version.to_bytes(8, "big"))]
        futures, batch = [], self._producer.create_batch()
        for key, value in unit.changed.items():
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                futures.append(await self._send(batch))
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        last = await self._send(batch)
        letters = [await self._send_letter(refusal, unit.refused_at) for refusal in unit.refusals]
        await asyncio.gather(*futures, *letters)
        return int((await last).offset) + int(batch.record_count())

    async def _send(self, batch: Any) -> Any:
        batch.close()
        return await self._producer.send_batch(batch, STATE, partition=self.number)

    async def _send_letter(self, refusal: Refusal, refused_at: int) -> Any:
        record = refusal.record
        letter = dead_letter(refusal, refused_at, self._cluster.letter_bytes_max)
        partitions = self._cluster.ground.partitions
        partition = self.number if record.key is None else partition_for(record.key, partitions)
        return await self._producer.send(
            DEAD_LETTERS, letter.value, key=letter.key, partition=partition, headers=letter.headers
        )

    async def close(self) -> None:
        """Lets go of the partition; what is not committed is aborted by the next claim."""
        if self._local is not None:
            self._local.close()
            self._local = None
        with suppress(KafkaError):  # fenced, or Kafka is away: the next claim aborts what is open
            await self._producer.stop()


@asynccontextmanager
async def _reader(settings: Settings, tps: list[Any]) -> AsyncIterator[Any]:
    """A consumer without a group that reads committed records only. It is assigned `tps`, all paused.

    Never assigned anew: aiokafka's consumer may then hang when it is stopped at once.
    """
    consumer = aiokafka.AIOKafkaConsumer(
        **aiokafka_settings(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=_BYTES_PER_READ,
    )
    consumer.assign(tps)
    consumer.pause(*tps)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _logs(consumer: Any, tps: list[Any]) -> dict[str, Log]:
    """Where the logs of this partition's three topics start and end (the last stable offset). The first is the changelog: its
    end is asked for before the others', so that what it has applied lies below them."""
    starts = await consumer.beginning_offsets(tps)
    ends = await consumer.end_offsets(tps[:1]) | await consumer.end_offsets(tps[1:])
    return {tp.topic: Log(starts[tp], ends[tp]) for tp in tps}


def _version(record: Any) -> int:
    return int.from_bytes(dict(record.headers)[_VERSION_HEADER], "big")
