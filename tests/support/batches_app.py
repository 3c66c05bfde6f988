"""A Faust app over record batches in the loop of a test, and topics with everything legitimate between their records."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiokafka
import faust
from faust.types import TP
from kafka.admin import KafkaAdminClient, NewTopic

from streams.batches import BatchSchema, RecordBatch, register

WAIT_S = 30.0
SESSION_S = 1.5
Take = Callable[[RecordBatch], Awaitable[None]]


async def nothing_more(_: RecordBatch) -> None:
    """What a receiver does that only looks."""


class Receiver:
    """An app of one agent per topic. Remembers the batches it got, and what `take` did not raise on."""

    def __init__(self, bootstrap: str, group: str, topics: Iterable[str], datadir: Path, **settings: Any) -> None:
        register()
        self.batches: list[RecordBatch] = []
        self.take: Take = nothing_more
        self.assignments: list[set[TP]] = []
        self.committed: dict[tuple[str, int], int] = {}
        self.committed_when_assigned: dict[tuple[str, int], int] = {}
        self.app = faust.App(
            group,
            broker=f"batch://{bootstrap}",
            datadir=str(datadir),
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=SESSION_S,
            broker_heartbeat_interval=SESSION_S / 4,
            **settings,
        )
        self.app.on_partitions_assigned.connect(self._on_assigned, weak=False)
        for topic in topics:
            self.app.agent(self.app.topic(topic, schema=BatchSchema(), acks=False), name=topic)(self._receive)

    async def _receive(self, stream: Any) -> None:
        async for event in stream.noack().events():
            self.batches.append(event.value)
            await self.take(event.value)

    async def _on_assigned(self, _app: faust.App, assigned: set[TP], **_: Any) -> None:
        self.assignments.append(set(assigned))
        self.committed_when_assigned = dict(self.committed)

    async def __aenter__(self) -> "Receiver":
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.stop()

    def block(self) -> asyncio.Event:
        """Every batch waits until the event is set."""
        go_on = asyncio.Event()

        async def take(_: RecordBatch) -> None:
            await go_on.wait()

        self.take = take
        return go_on

    def of(self, topic: str, partition: int = 0) -> list[RecordBatch]:
        """The batches of one topic-partition, as they came."""
        return [batch for batch in self.batches if (batch.topic, batch.partition) == (topic, partition)]

    def values(self, topic: str, partition: int = 0) -> list[bytes]:
        """The records of one topic-partition, as they came."""
        return [record.value for batch in self.of(topic, partition) for record in batch]

    def end(self, topic: str, partition: int = 0) -> int:
        """How far it was delivered."""
        batches = self.of(topic, partition)
        return batches[-1].end if batches else 0


async def until(condition: Callable[[], bool], seconds: float = WAIT_S) -> None:
    """Polls a condition, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


def make_topic(bootstrap: str, name: str, partitions: int = 1, **configs: str) -> str:
    """A topic of the test's own."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        dotted = {key.replace("_", "."): value for key, value in configs.items()}
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dotted)])
    finally:
        admin.close()
    return name


async def publish(
    bootstrap: str, topic: str, values: Iterable[bytes], partition: int = 0, key: bytes | None = None
) -> None:
    """Plain records."""
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20) as producer:
        await asyncio.gather(*[await producer.send(topic, value, key=key, partition=partition) for value in values])


async def publish_in_transactions(bootstrap: str, topic: str, transactions: Iterable[tuple[list[bytes], bool]]) -> None:
    """One transaction for each list of values, committed or aborted."""
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic) as producer:
        for values, commits in transactions:
            await producer.begin_transaction()
            for value in values:
                await producer.send_and_wait(topic, value, partition=0)
            await (producer.commit_transaction() if commits else producer.abort_transaction())


async def read_plainly(bootstrap: str, topic: str) -> list[bytes]:
    """What a consumer without Faust finds in partition 0."""
    tp = aiokafka.TopicPartition(topic, 0)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        values: list[bytes] = []
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
    return values
