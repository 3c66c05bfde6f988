"""When the next unread records reached the brokers: a look at the records themselves.

Owns the reading of one record a partition. Never joins the group. Reads as the workers read, so that what they can read
never stops this: with aiokafka and Faust, which take a second to load, and only lag.py asks for it, where records wait.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.batches.damage import DamagedBatch, refuse_batches
from streams.batches.lenient import read_leniently
from streams.brokers.admission import unanswered
from streams.brokers.clients import aiokafka_settings
from streams.settings import Settings

_POLL_MS: Final = 200
_ARRIVALS_S_MAX: Final = 5.0

Place = tuple[str, int]  # topic, partition


def arrivals_ms(settings: Settings, offsets: Mapping[Place, int]) -> dict[Place, int]:
    """The broker's time of the next record from each offset on; nothing where only markers of transactions are left, or
    what is next can't be read.

    Raises Unavailable when Kafka does not answer, NotAdmitted when it refuses.
    """
    try:
        return asyncio.run(_read(settings, offsets))
    except KafkaError as error:
        raise unanswered(settings, error) from error


async def _read(settings: Settings, offsets: Mapping[Place, int]) -> dict[Place, int]:
    arrived: dict[Place, int] = {}
    damaged: set[Place] = set()
    read_leniently()
    refuse_batches(settings.refuse_damaged)
    consumer = AIOKafkaConsumer(
        **aiokafka_settings(settings), isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(*place) for place in offsets])
        for place, offset in offsets.items():
            consumer.seek(TopicPartition(*place), offset)
        deadline = time.monotonic() + _ARRIVALS_S_MAX
        while len(arrived) + len(damaged) < len(offsets) and time.monotonic() < deadline:
            try:
                got = await consumer.getmany(timeout_ms=_POLL_MS)
            except DamagedBatch as error:  # nobody knows when it came; its worker says that it is stalled
                tp = TopicPartition(error.topic, error.partition)
                consumer.pause(tp)
                consumer.seek(tp, offsets[tuple(tp)])
                damaged.add(tuple(tp))
                continue
            for tp, found in got.items():
                arrived.setdefault((tp.topic, tp.partition), found[0].timestamp)
    finally:
        await consumer.stop()
    return arrived
