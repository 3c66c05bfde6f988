"""A bare aiokafka loop over both source topics: what Kafka and Python could do at most. No decoding, no state, no sink."""

import gc
import time
from typing import Any

import aiokafka

from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import FEEDBACK, SALES
from streams.settings import Settings


async def read(settings: Settings, count: int, keep: list[Any] | None = None) -> float:
    """Seconds for so many records from the beginning; they are added to `keep` when they are wanted."""
    tps = [aiokafka.TopicPartition(topic, p) for topic in (SALES, FEEDBACK) for p in range(settings.partitions)]
    consumer = aiokafka.AIOKafkaConsumer(**aiokafka_settings(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(tps)
        await consumer.seek_to_beginning()
        gc.collect()
        begun, seen = time.monotonic(), 0
        while seen < count:
            got = await consumer.getmany(timeout_ms=100, max_records=settings.poll_records_max)
            for batch in got.values():
                seen += len(batch)
                if keep is not None:
                    keep += batch
        return time.monotonic() - begun
    finally:
        await consumer.stop()
