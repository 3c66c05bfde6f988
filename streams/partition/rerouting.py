"""Publishes records that fell on the wrong partition, or came under the wrong key, where they belong.

Owns one plain idempotent producer. Never processes them. Invariant: a re-routed record is acknowledged before the unit that
took it away commits; published twice it is a duplicate event, which changes nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from streams.brokers.clients import aiokafka_settings
from streams.brokers.partitioner import partition_for
from streams.errors import OwnershipLost
from streams.settings import Settings
from streams.unit.intake import Astray
from streams.unit.record import Record

HEADER: Final = "posventa-rerouted"
# An event is far smaller than what a topic takes; only headers, compressed by their publisher, can be too much for it.
_HEADERS_BYTES_MAX: Final = 100_000


class Rerouter:
    """Starts its producer when the first record is astray."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._settings = settings
        self._partitions = partitions
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def __call__(self, astray: Sequence[Astray]) -> None:
        """Publishes each record under its right key. Raises OwnershipLost when Kafka fails: the unit is made again."""
        try:
            producer = await self._started()
            sent = [await self._send(producer, *found) for found in astray]
            for acknowledged in sent:
                await acknowledged
        except KafkaError as error:
            await self.stop()  # a producer may be of no use for ever after an error: the next call starts another
            raise OwnershipLost(f"re-routing {len(astray)} records failed: {error!r}") from error

    async def _started(self) -> aiokafka.AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = aiokafka.AIOKafkaProducer(**aiokafka_settings(self._settings), enable_idempotence=True)
                await producer.start()
                self._producer = producer
            return self._producer

    async def _send(self, producer: aiokafka.AIOKafkaProducer, topic: str, key: bytes, record: Record) -> Any:
        headers = [*_kept(record.headers), (HEADER, b"1")]
        partition = partition_for(key, self._partitions)
        return await producer.send(topic, record.value, key=key, partition=partition, headers=headers)

    async def stop(self) -> None:
        """Ends the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError):
                await producer.stop()


def _kept(headers: Iterable[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """The publisher's headers, none when they are too much."""
    kept = [(name, value) for name, value in headers if name != HEADER]
    return kept if sum(len(name) + len(value or b"") for name, value in kept) <= _HEADERS_BYTES_MAX else []
