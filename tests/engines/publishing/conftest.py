"""A broker with our topics, and what is published from now on."""

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from streams.brokers.creation import ensure_topics
from streams.brokers.topics import BY_SALE, FEEDBACK, SALES
from streams.settings import Settings


@pytest.fixture(scope="module")
def broker(kafka: str) -> str:
    """The broker's address."""
    ensure_topics(Settings(kafka=kafka))
    return kafka


class Tail:
    """What is published from now on."""

    def __init__(self, bootstrap: str) -> None:
        self.consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=10_000)
        partitions = [TopicPartition(topic, p) for topic in (SALES, FEEDBACK, BY_SALE) for p in range(8)]
        self.consumer.assign(partitions)
        self.begin: dict[Any, int] = self.consumer.end_offsets(partitions)
        for partition, offset in self.begin.items():
            self.consumer.seek(partition, offset)

    def read(self) -> list[Any]:
        """Every record up to the end as it is now."""
        ends = self.consumer.end_offsets(list(self.begin))
        count = sum(ends.values()) - sum(self.begin.values())
        return [next(self.consumer) for _ in range(count)]


@pytest.fixture
def tail(broker: str) -> Iterator[Tail]:
    """From here on."""
    tail = Tail(broker)
    yield tail
    tail.consumer.close()
