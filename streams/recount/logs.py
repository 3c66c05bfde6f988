"""The topics, read from their start: which records are events that count, and which were refused.

Owns the judgement of a record, made anew from its bytes. A customer who is full is the workers' to say, since it depends on
what came first: that refusal is taken from its dead letter. With every other letter the judgement must agree.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Assigned
from aiokafka.errors import KafkaError
from kafka.partitioner.default import murmur2

from schemas.codec import decode_feedback, decode_sale
from schemas.errors import Refused
from schemas.events import Event
from streams.batches.lenient import read_leniently
from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import DEAD_LETTERS, SALES
from streams.errors import Unavailable
from streams.settings import Settings

_RECORDS: Final = 4000  # at once
_WAIT_MS: Final = 200
_FUTURE_MS: Final = 10 * 60 * 1000  # contract: how far an event may be ahead of the broker's clock

_Place = tuple[str, int, int]  # topic, partition, offset


def judge(record: Any, partitions: int) -> Event | str | None:
    """What the contract says of a record of a source topic: an event that counts where it lies, the reason to refuse it, or
    None for what is neither: a tombstone, or an event that belongs elsewhere and was published again there."""
    if record.value is None:
        return None
    try:
        event: Event = (decode_sale if record.topic == SALES else decode_feedback)(record.value)
    except Refused as refused:
        return refused.reason
    if event.occurred_at > record.timestamp + _FUTURE_MS:
        return "from_the_future"
    key = f"{event.brand_id}:{event.customer_id}".encode()
    return event if record.key == key and home_of(key, partitions) == record.partition else None


def home_of(key: bytes, partitions: int) -> int:
    """The partition of a customer's key, by kafka-python's own hash."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def count_partitions(settings: Settings) -> int:
    """How many partitions the source topics have. Raises Unavailable."""
    return len(asyncio.run(_ends(settings, SALES)))


def read_letters(settings: Settings) -> dict[_Place, tuple[str, int]]:
    """Reason and time (epoch ms) of every refusal, by the record that was refused. Raises Unavailable."""
    letters = {}
    for partition, end in asyncio.run(_ends(settings, DEAD_LETTERS)).items():
        for records in read(settings, DEAD_LETTERS, partition, end):
            for record in records:
                why = {name: (value or b"").decode() for name, value in record.headers}
                place = why["source-topic"], int(why["source-partition"]), int(why["source-offset"])
                letters[place] = why["reason"], int(why["refused-at"])
    return letters


def read(settings: Settings, topic: str, partition: int, end: int) -> Iterator[list[Any]]:
    """The committed records of a topic's partition below offset `end`, from the log's start. Raises Unavailable."""
    with asyncio.Runner() as runner:
        batches = _read(settings, Assigned(topic, partition), end)
        while (records := runner.run(_next(batches))) is not None:
            yield records


async def _next(batches: AsyncIterator[list[Any]]) -> list[Any] | None:
    return await anext(batches, None)


async def _read(settings: Settings, tp: Any, end: int) -> AsyncIterator[list[Any]]:
    async with _consumer(settings) as consumer:
        consumer.assign([tp])
        position = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, position)
        while position < end:
            found = await consumer.getmany(tp, timeout_ms=_WAIT_MS, max_records=_RECORDS)
            if records := [record for record in found.get(tp, ()) if record.offset < end]:
                yield records
            position = await consumer.position(tp)  # markers of transactions move it too


async def _ends(settings: Settings, topic: str) -> Mapping[int, int]:
    async with _consumer(settings) as consumer:
        if topic not in await consumer.topics():
            return {}
        assigned = [Assigned(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        return {tp.partition: end for tp, end in (await consumer.end_offsets(assigned)).items()}


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[Any]:
    read_leniently()
    consumer = AIOKafkaConsumer(
        **aiokafka_settings(settings), isolation_level="read_committed", enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
    )  # fmt: skip
    try:
        await consumer.start()
        yield consumer
    except KafkaError as error:
        raise Unavailable(
            f"POSVENTA_KAFKA={settings.kafka}: no answer ({error}); is the broker running there?"
        ) from error
    finally:
        await consumer.stop()
