"""The records of a topic, read once from where to where: for commands that look at topics, not for workers.

Owns one consumer at a time. Never joins a group and never commits an offset. Reads as the workers read, committed records
alone, so that what they can read never stops this.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Assigned
from aiokafka.errors import KafkaError as NoBroker
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.batches.damage import DamagedBatch, refuse_batches
from streams.batches.lenient import read_leniently
from streams.brokers.admission import knock, unanswered
from streams.brokers.clients import aiokafka_settings, client_settings
from streams.brokers.damage import damaged
from streams.settings import Settings

_RECORDS: Final = 4000  # at once
_WAIT_MS: Final = 200
_BOOTSTRAP_MS: Final = 10_000
_FETCH_BYTES: Final = 4 << 20


def ends_of(settings: Settings, topic: str) -> dict[int, int]:
    """Where the log of each partition ends; nothing when there is no such topic. Raises Unavailable, NotAdmitted."""
    knock(settings)
    try:
        consumer = KafkaConsumer(
            **client_settings(settings), isolation_level="read_committed", enable_auto_commit=False,
            bootstrap_timeout_ms=_BOOTSTRAP_MS,
        )  # fmt: skip
        try:
            partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
            return {tp.partition: end for tp, end in consumer.end_offsets(partitions).items()}
        finally:
            consumer.close()
    except KafkaError as error:
        raise unanswered(settings, error) from error


def read(settings: Settings, topic: str, partition: int, end: int, start: int = 0) -> Iterator[list[Any]]:
    """The committed records of a partition from offset `start`, or where its log starts, to below `end`. Raises Unavailable,
    Damaged."""
    with asyncio.Runner() as runner:
        batches = _read(settings, Assigned(topic, partition), start, end)
        while (records := runner.run(_next(batches))) is not None:
            yield records


def newest_records(
    settings: Settings, partitions: Mapping[str, int], count: int, seconds: float
) -> tuple[list[Any], list[str]]:
    """The newest committed records of all partitions of these topics, at most `count` of each, in the order of their
    offsets; and what of them is damaged, in words.

    What can't be had within so many seconds is left out. Raises Unavailable.
    """
    tps = [Assigned(topic, number) for topic, found in partitions.items() for number in range(found)]
    return asyncio.run(_newest(settings, tps, count, seconds))


async def _newest(settings: Settings, tps: list[Any], count: int, seconds: float) -> tuple[list[Any], list[str]]:
    records: list[Any] = []
    places: list[str] = []
    async with _consumer(settings) as consumer:
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        starts = await consumer.beginning_offsets(tps)
        for tp in tps:
            consumer.seek(tp, max(starts[tp], ends[tp] - count))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not all([await consumer.position(tp) >= ends[tp] for tp in tps]):
            try:
                got = await consumer.getmany(*tps, timeout_ms=_WAIT_MS, max_records=_RECORDS)
            except DamagedBatch as error:
                places.append(str(error))
                tp = Assigned(error.topic, error.partition)
                consumer.seek(tp, ends[tp])
                continue
            for tp, found in got.items():
                records += [record for record in found if record.offset < ends[tp]]
    return records, places


async def _next(batches: AsyncIterator[list[Any]]) -> list[Any] | None:
    return await anext(batches, None)


async def _read(settings: Settings, tp: Any, start: int, end: int) -> AsyncIterator[list[Any]]:
    async with _consumer(settings) as consumer:
        consumer.assign([tp])
        position = max(start, (await consumer.beginning_offsets([tp]))[tp])
        consumer.seek(tp, position)
        while position < end:
            found = await consumer.getmany(tp, timeout_ms=_WAIT_MS, max_records=_RECORDS)
            if records := [record for record in found.get(tp, ()) if record.offset < end]:
                yield records
            position = await consumer.position(tp)  # markers of transactions move it too


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[Any]:
    read_leniently()
    refuse_batches(settings.refuse_damaged)
    consumer = AIOKafkaConsumer(
        **aiokafka_settings(settings), isolation_level="read_committed", enable_auto_commit=False,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )  # fmt: skip
    try:
        await consumer.start()
        yield consumer
    except DamagedBatch as error:
        raise damaged(error) from error
    except NoBroker as error:
        raise unanswered(settings, error) from error
    finally:
        await consumer.stop()
