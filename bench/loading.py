"""Puts events into Kafka: all at once, before a clock starts, or at a steady rate while one runs.

Owns when a record is due, and how batches are made; both are what a publisher with a linger does. Never measures
anything itself: a paced run hands back when each record was due.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import aiokafka

from schemas.codec import encode
from schemas.events import Event, Feedback, record_key
from streams.brokers.clients import aiokafka_settings
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.settings import Settings

# As posventa's own Publisher has it.
_BATCH_BYTES: Final = 64 * 1024
_IN_FLIGHT_MAX: Final = 200
# How often what became due is sent: a publisher's linger.
TICK_S: Final = 0.02

Place = tuple[str, int]  # topic and partition


class Record(NamedTuple):
    """An event as bytes, and where it goes."""

    place: Place
    key: bytes
    value: bytes


def records_of(
    events: Iterable[Event], partitions: int, topics: tuple[str, str] = (SALES, FEEDBACK)
) -> Iterator[Record]:
    """The records of events, in their order; `topics` are those of sales and of feedback."""
    for event in events:
        key = record_key(event)
        topic = topics[1] if isinstance(event, Feedback) else topics[0]
        yield Record((topic, partition_for(key, partitions)), key, encode(event))


async def load(settings: Settings, records: Iterable[Record]) -> None:
    """Publishes everything as fast as it goes, in the order of the records of each partition."""
    async with _producer(settings) as producer:
        open_batches: dict[Place, Any] = {}
        waiting: list[Any] = []
        for place, key, value in records:
            batch = open_batches.get(place) or open_batches.setdefault(place, producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None) is None:
                waiting.append(await _send(producer, place, batch))
                batch = open_batches[place] = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
            if len(waiting) >= _IN_FLIGHT_MAX:
                await asyncio.gather(*waiting)
                waiting.clear()
        waiting += [await _send(producer, place, batch) for place, batch in open_batches.items()]
        await asyncio.gather(*waiting)


class Pace:
    """A steady stream of records, whatever becomes of them: it never waits for anybody but the clock.

    `due` tells, by place, when (monotonic seconds) each record was due, in the order of offsets from `first_offset` on.
    """

    def __init__(self, settings: Settings, rate: int) -> None:
        self.due: dict[Place, list[float]] = defaultdict(list)
        self.late_s_max = 0.0  # how far sending ever was behind the clock
        self._settings = settings
        self._rate = rate
        self._stopping = asyncio.Event()
        self._unsent: list[Any] = []

    def stop(self) -> None:
        """Ends run() after what is due now."""
        self._stopping.set()

    async def run(self, records: Iterator[Record], seconds: float) -> None:
        """Publishes `rate` records a second until so many seconds have passed, or stop(), or there are no more."""
        async with _producer(self._settings) as producer:
            begun, sent, acknowledged = time.monotonic(), 0, set[Any]()
            while (now := time.monotonic()) < begun + seconds and not self._stopping.is_set():
                count = int((now - begun) * self._rate) - sent
                if count:
                    self.late_s_max = max(self.late_s_max, now - begun - sent / self._rate)
                    batches: dict[Place, Any] = {}
                    for number in range(sent, sent + count):
                        place, key, value = next(records)
                        batch = batches.get(place) or batches.setdefault(place, producer.create_batch())
                        batch.append(key=key, value=value, timestamp=None)
                        self.due[place].append(begun + (number + 1) / self._rate)
                    for place, batch in batches.items():
                        future = await _send(producer, place, batch)
                        acknowledged.add(future)
                        future.add_done_callback(acknowledged.discard)
                    sent += count
                await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - now)))
            await asyncio.gather(*acknowledged)


async def _send(producer: Any, place: Place, batch: Any) -> Any:
    batch.close()
    return await producer.send_batch(batch, place[0], partition=place[1])


@asynccontextmanager
async def _producer(settings: Settings) -> Any:
    producer = aiokafka.AIOKafkaProducer(
        **aiokafka_settings(settings), acks="all", max_batch_size=_BATCH_BYTES, enable_idempotence=True
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
