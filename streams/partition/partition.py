"""The state of one partition: claimed, recovered, and changed by whole units only.

Owns the partition's transactional producer and its local copy. Never decides what changes. Invariants: after claim()
nobody else can change the state without this object learning of it (OwnershipLost) at its next commit; the local copy is
written after the transaction, never before.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from sinks.writer import SinkPosition
from streams.brokers.clients import aiokafka_settings
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, SOURCES
from streams.changelog import meta as metas
from streams.changelog import records
from streams.changelog.local_copy import CopySize, LocalCopy
from streams.changelog.meta import Applied, Log, Meta
from streams.changelog.reader import ChangelogReader, ChangelogRecord, changelog_record, reading, version_headers
from streams.errors import OwnershipLost
from streams.partition.cluster import Cluster
from streams.partition.dead_letter import DeadLetter, Header, dead_letter
from streams.partition.given_up import GivenUp
from streams.settings import Settings
from streams.timing import Clock, Timing
from streams.unit.unit import Unit

log = logging.getLogger(__name__)

_BATCH_BYTES: Final = 1_000_000  # a broker's default message.max.bytes; a greater record goes alone


class Partition:
    """One partition that is to be claimed: `claim()` once, and `close()` at the end, however it went.

    `log` is the partition of the source topics that is read: its own, but for a generation that is being built and takes
    from another one what lay there when there were fewer partitions.
    """

    def __init__(
        self, settings: Settings, timing: Timing, cluster: Cluster, number: int, log: int | None = None
    ) -> None:
        self._settings = settings
        self._timing = timing
        self._cluster = cluster
        self._number = number
        self._log = number if log is None else log
        self._changelog = cluster.names.changelog
        self._tps = [
            aiokafka.TopicPartition(self._changelog, number),
            *(aiokafka.TopicPartition(topic, self._log) for topic in SOURCES),
        ]
        self.recovery_remaining: int | None = None  # offsets of the changelog; None before it is known
        self._local: LocalCopy | None = None
        self._producer = aiokafka.AIOKafkaProducer(
            **aiokafka_settings(settings),
            transactional_id=cluster.names.transactional_id(number),
            acks="all",
            linger_ms=0,
            max_batch_size=min(_BATCH_BYTES, cluster.changelog_bytes_max, cluster.dead_letter_bytes_max),
            max_request_size=max(cluster.changelog_bytes_max, cluster.dead_letter_bytes_max),
            transaction_timeout_ms=round(timing.transaction_s_max * 1000),
        )

    async def claim(self, sink: SinkPosition | None) -> "Claimed":
        """Fences earlier owners, recovers the state and checks that everything still belongs together.

        `sink` is what ClickHouse says of this partition. Raises StateRefused, Misuse for a setting that is
        not the state's, or OwnershipLost when Kafka fails on the way.
        """
        try:
            await self._producer.start()  # InitProducerId: earlier owners are fenced and their open work aborted
            async with self._reading(self._tps) as reader:
                logs = await reader.logs(self._tps)
                metas.check_changelog(self._number, self._changelog, logs[self._changelog])
                local, read = await self._recover(reader, logs[self._changelog].end)
        except KafkaError as error:
            raise OwnershipLost(f"partition {self._number}: claiming failed: {error!r}") from error
        found = self._found(local.get(records.META), logs)
        if sink is not None:
            metas.check_sink(self._number, found, logs[self._changelog].end, sink.changelog_offset, sink.state_version)
        claimed = Claimed(
            self._number, self._cluster, self._timing.clock, self._producer, local, found, logs[self._changelog].end,
            lambda: self._reading(self._tps[:1]),
        )  # fmt: skip
        claimed.tells_the_group = self._log == self._number
        claimed.recovered_records = read
        await claimed.commit(Unit(found.version), found.claimed())  # proves that this owner can write
        return claimed

    def given_up(self) -> GivenUp:
        """The refusals that the changelog gave up."""
        return GivenUp(self._settings, self._timing.changelog_wait_s, self._cluster, self._number)

    def _found(self, raw: bytes | None, logs: dict[str, Log]) -> Meta:
        """The META that is there, or the first one, once it is seen to fit."""
        if raw:
            metas.check_format(self._number, raw)
        found = metas.decode(raw) if raw else metas.first(self._cluster.ground, logs)
        metas.check(self._number, found, self._cluster.ground, logs)
        return found

    def _reading(self, tps: Sequence[Any]) -> AbstractAsyncContextManager[ChangelogReader]:
        return reading(self._settings, tps, self._timing.changelog_wait_s)

    async def _recover(self, reader: ChangelogReader, end: int) -> tuple[LocalCopy, int]:
        """The local copy at the changelog's end, and how many records were read for it."""
        clock, now_ms = self._timing.clock.monotonic, self._timing.clock.wall_ms()
        # Half the time that Kafka keeps deletions: a younger copy has not missed one.
        age_ms_max = self._cluster.changelog_delete_retention_ms // 2
        local = self._local = LocalCopy(
            Path(self._settings.state_dir) / self._cluster.names.copies / str(self._number),
            self._cluster.cluster_id, self._cluster.changelog_topic_id, now_ms, age_ms_max,
        )  # fmt: skip
        if local.offset > end:
            local.discard()
        begun = told_at = clock()
        start, read = local.offset, 0
        self.recovery_remaining = end - start
        async for got in reader.chunks(start, end):
            if got[-1].offset >= end:  # nobody who was there before the fence wrote that
                raise OwnershipLost(f"partition {self._number}: another owner claimed it meanwhile")
            read += len(got)
            # Half read, it may lack deletions that are as old as its last record, however young it is itself.
            as_of_ms = min(got[-1].timestamp, now_ms)
            local.write(((r.key, r.value) for r in got), got[-1].offset + 1, as_of_ms)
            self.recovery_remaining = end - local.offset
            if clock() - told_at > self._timing.progress_every_s:
                told_at = clock()
                log.info(
                    "partition %d: %d %% of the changelog read, %d records/s",
                    self._number, 100 * (local.offset - start) / (end - start), read / (told_at - begun),
                    extra={"partition": self._number},
                )  # fmt: skip
        local.write((), local.offset, now_ms)
        self.recovery_remaining = 0
        return local, read

    def state_size(self) -> CopySize | None:
        """What the local copy holds; None while it is not open."""
        return self._local.size() if self._local is not None else None

    async def close(self) -> None:
        """Lets go of the partition; what is not committed is aborted by the next claim."""
        if self._local is not None:
            self._local.close()
            self._local = None
        with suppress(KafkaError):  # fenced, or Kafka is away: the next claim aborts what is open
            await self._producer.stop()


class Claimed:
    """A partition that this owner has claimed, for as long as its commits go through. Made by Partition.claim()."""

    def __init__(
        self, number: int, cluster: Cluster, clock: Clock, producer: Any, local: LocalCopy, meta: Meta,
        changelog_offset: int, read_again: Callable[[], AbstractAsyncContextManager[ChangelogReader]],
    ) -> None:  # fmt: skip
        self.meta = meta
        self.local = local
        self.changelog_offset = changelog_offset  # where the changelog ends, as far as this owner knows
        self.tells_the_group = True  # its offsets are of this partition's own log
        self.recovered_records = 0  # read to bring the local copy to where it is
        self._claimed_offset = changelog_offset  # where it ended at the claim: all that earlier owners left
        # What the group was told. Nothing yet: its offsets may have expired, or be those of a state that was thrown away.
        self._told: Mapping[str, Applied] = {}
        self._number = number
        self._cluster = cluster
        self._clock = clock
        self._producer = producer
        self._read_again = read_again

    async def changelog_from(self, offset: int) -> AsyncIterator[list[ChangelogRecord]]:
        """What earlier owners left in the changelog from an offset on, in chunks. Raises OwnershipLost."""
        if offset >= self._claimed_offset:
            return
        try:
            async with self._read_again() as reader:
                async for got in reader.chunks(offset, self._claimed_offset):
                    yield [changelog_record(record) for record in got]
        except KafkaError as error:
            raise OwnershipLost(f"partition {self._number}: reading the changelog failed: {error!r}") from error

    def gave_up_refusals_above(self, offset: int) -> bool:
        """Whether the changelog gave up refusals above an offset that is ClickHouse's: it had their rows, and is another one
        now."""
        # An older version noted nothing of what it gave up.
        seen = records.unpack_count(self.local.get(records.GIVEN_UP)) or min(1, self._claimed_offset)
        return offset < seen

    async def commit(self, unit: Unit, meta: Meta) -> None:
        """Makes a unit, and the META after it, part of the state: all or nothing. Raises OwnershipLost when it may not
        have been, or when another owner has the partition."""
        unit.changed[records.META] = metas.encode(meta)
        offsets = {
            aiokafka.TopicPartition(topic, self._number): applied.offset
            for topic, applied in meta.applied.items()
            if self.tells_the_group and applied != self._told.get(topic)
        }
        try:
            await self._producer.begin_transaction()
            end = await self._send_changes(unit)
            if offsets:
                await self._producer.send_offsets_to_transaction(offsets, self._cluster.names.group)
            await self._producer.commit_transaction()
        except KafkaError as error:
            raise OwnershipLost(f"partition {self._number}: a commit failed: {error!r}") from error
        self.local.write(unit.changed.items(), end, self._clock.wall_ms())
        self.meta, self.changelog_offset, self._told = meta, end, meta.applied

    async def _send_changes(self, unit: Unit) -> int:
        """Sends the changed records, META last, and the dead letters. Returns the changelog offset after them."""
        headers = version_headers(unit.version)
        changes = await self._send(
            self._cluster.names.changelog, self._number, ((key, value, headers) for key, value in unit.changed.items())
        )
        letters = [await self._send(DEAD_LETTERS, partition, found) for partition, found in self._letters(unit).items()]
        await asyncio.gather(*(future for batches in (changes, *letters) for future, _ in batches))
        last, records_in_it = changes[-1]
        return int((await last).offset) + records_in_it

    async def _send(
        self, topic: str, partition: int, sent: Iterable[tuple[bytes | None, bytes | None, Sequence[Header]]]
    ) -> list[tuple[Any, int]]:
        """Sends records in their order, in as few batches as hold them. Returns each batch's future and number of records."""
        futures = []
        batch = self._producer.create_batch()  # send() takes no record that has neither key nor value
        for key, value, headers in sent:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                futures.append(await self._send_batch(batch, topic, partition))
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        futures.append(await self._send_batch(batch, topic, partition))
        return futures

    async def _send_batch(self, batch: Any, topic: str, partition: int) -> tuple[Any, int]:
        batch.close()
        return await self._producer.send_batch(batch, topic, partition=partition), int(batch.record_count())

    def _letters(self, unit: Unit) -> dict[int, list[DeadLetter]]:
        """The dead letters by the partition where they go: that of the key, or this one without."""
        found: dict[int, list[DeadLetter]] = defaultdict(list)
        for refusal in unit.refusals:
            key = refusal.record.key
            partition = self._number if key is None else partition_for(key, self._cluster.ground.partitions)
            found[partition].append(dead_letter(refusal, unit.refused_at, self._cluster.dead_letter_bytes_max))
        return found
