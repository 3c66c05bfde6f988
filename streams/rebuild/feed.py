"""What a partition of a new generation reads: one log of each source topic, without a consumer group, up to a limit that moves.

Owns one consumer and its positions. Never decides how far to read. Invariant: consecutive batches of a topic join, unless a
seek came between.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from streams.backoff import BackOff
from streams.batches import RecordBatch
from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import SOURCES, TopicPartition
from streams.changelog.meta import Applied
from streams.settings import Settings
from streams.timing import Timing

log = logging.getLogger(__name__)

_WAIT_MS: Final = 200
_LOOK_S: Final = 0.05  # between two looks whether there is more to read, or room
_FETCH_BYTES: Final = 2 << 20

Limit = Callable[[str, int], int]  # topic, log: the offset before which to stop


class Feed:
    """Of partition `number`, made from `source`. `applied` tells how far its owner is, None before it has claimed; `held` which
    topics of which partitions have enough waiting."""

    def __init__(
        self, settings: Settings, timing: Timing, number: int, source: int, limit: Limit,
        applied: Callable[[], dict[str, Applied] | None], held: Callable[[], Set[TopicPartition]],
        deliver: Callable[[RecordBatch], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._timing = timing
        self._number = number
        self._source = source
        self._limit = limit
        self._applied = applied
        self._held = held
        self._deliver = deliver
        self._positions: dict[str, int] = {}
        self._ahead: dict[str, RecordBatch] = {}  # fetched, and beyond the limit
        self._sought: dict[str, int] = {}

    def seek(self, topic: str, offset: int) -> None:
        """What comes next of a topic begins there."""
        self._positions.pop(topic, None)
        self._ahead.pop(topic, None)
        self._sought[topic] = offset

    async def run(self) -> None:
        """Reads until it is cancelled; starts anew when Kafka was away."""
        back_off = BackOff(self._timing.claim_again_s_first, self._timing.claim_again_s_max)
        while True:
            self._positions, self._ahead, self._sought = {}, {}, {}
            try:
                await self._read()
            except KafkaError as error:
                wait_s = back_off.wait_s()
                log.warning(
                    "partition %d: reading log %d: %r; again in %.1f s", self._number, self._source, error, wait_s
                )
                await asyncio.sleep(wait_s)

    async def _read(self) -> None:
        self._sought = await self._begun()
        consumer = aiokafka.AIOKafkaConsumer(
            **aiokafka_settings(self._settings), isolation_level="read_committed", enable_auto_commit=False,
            auto_offset_reset="none", max_partition_fetch_bytes=_FETCH_BYTES, fetch_max_wait_ms=_WAIT_MS,
        )  # fmt: skip
        consumer.assign([aiokafka.TopicPartition(topic, self._source) for topic in SOURCES])
        try:
            await consumer.start()
            while True:
                if not await self._poll(consumer):
                    await asyncio.sleep(_LOOK_S)
        finally:
            await consumer.stop()

    async def _begun(self) -> dict[str, int]:
        """Where to begin, once the owner has claimed its partition."""
        while True:
            applied = self._applied()
            if applied is not None:
                return {topic: applied[topic].offset for topic in SOURCES}
            await asyncio.sleep(_LOOK_S)

    async def _poll(self, consumer: Any) -> bool:
        """Whether anything was delivered."""
        for topic, offset in self._sought.items():
            consumer.seek(aiokafka.TopicPartition(topic, self._source), offset)
            self._positions[topic] = offset
        self._sought = {}
        held = self._held()
        open_topics = [topic for topic in SOURCES if (topic, self._number) not in held]
        delivered = any([await self._deliver_ahead(topic) for topic in open_topics])
        wanted = [
            topic for topic in open_topics
            if topic not in self._ahead and self._positions[topic] < self._limit(topic, self._source)
        ]  # fmt: skip
        if not wanted:
            return delivered
        tps = {topic: aiokafka.TopicPartition(topic, self._source) for topic in wanted}
        most = self._settings.poll_records_max
        found = await consumer.getmany(*tps.values(), timeout_ms=_WAIT_MS, max_records=most)
        for topic, tp in tps.items():
            if topic in self._sought:
                continue  # sought meanwhile: this is not what was asked for
            start, end = self._positions[topic], await consumer.position(tp)
            if end > start:
                self._positions[topic] = end
                self._ahead[topic] = RecordBatch(topic, self._number, start, end, list(found.get(tp, ())))
                delivered |= await self._deliver_ahead(topic)
        return delivered

    async def _deliver_ahead(self, topic: str) -> bool:
        """Delivers what lies below the limit of that which was fetched."""
        batch = self._ahead.pop(topic, None)
        if batch is None:
            return False
        limit = self._limit(topic, self._source)
        if batch.end <= limit:
            await self._deliver(batch)
            return True
        if batch.start < limit:
            below = [record for record in batch if record.offset < limit]
            await self._deliver(RecordBatch(topic, self._number, batch.start, limit, below))
        above = [record for record in batch if record.offset >= limit]
        self._ahead[topic] = RecordBatch(topic, self._number, max(batch.start, limit), batch.end, above)
        return batch.start < limit
