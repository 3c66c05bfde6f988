"""Refusals are read back from their letters: all that were committed, whatever else stands in that topic."""

import asyncio
from pathlib import Path

from kafka import KafkaProducer

from streams.brokers.creation import ensure_topics
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES
from streams.changelog.meta import Applied, Ground
from streams.changelog.reader import ChangelogRecord
from streams.changelog.records import KeptRefusal
from streams.partition.cluster import Cluster
from streams.partition.given_up import GivenUp
from streams.settings import Settings
from streams.unit.marks import marker
from tests.support.brokers import broker_with
from tests.support.changelog import unpack_key, unpack_refusal

PARTITIONS = 2
WAIT_S = 0.02
PATIENCE_S = 60.0
LOOK_S = 1.0
GROUND = Ground(PARTITIONS, 300, 0, "sales-id", "feedback-id")
APPLIED = {SALES: Applied(100), FEEDBACK: Applied(50)}


def why(offset: str, topic: str = SALES, partition: str = "1") -> list[tuple[str, bytes]]:
    told = {
        "reason": "undecodable", "detail": "why", "source-topic": topic, "source-partition": partition,
        "source-offset": offset, "refused-at": "1700000000123",
    }  # fmt: skip
    return [(name, value.encode()) for name, value in told.items()]


def send(producer: KafkaProducer, partition: int, headers: list[tuple[str, bytes]]) -> None:
    producer.send(DEAD_LETTERS, b"refused", key=b"b:c", partition=partition, headers=headers).get(PATIENCE_S)


async def found(settings: Settings) -> list[ChangelogRecord]:
    given_up = GivenUp(settings, WAIT_S, Cluster("c", GROUND, "t", 86_400_000, 1 << 20, 1 << 20, GROUND.partitions), 1)
    return [record async for chunk in given_up.chunks(APPLIED) for record in chunk]


def test_every_committed_letter_of_the_partition_is_read_and_nothing_else(tmp_path: Path) -> None:
    with broker_with(tmp_path, {}) as broker:
        settings = Settings(kafka=broker.bootstrap, partitions=PARTITIONS)
        ensure_topics(settings)
        assert asyncio.run(found(settings)) == []  # of an empty topic

        dying = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="dying")
        dying.init_transactions()
        dying.begin_transaction()
        send(dying, 0, why("98"))
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        send(producer, 0, why("7"))  # after a transaction that is still open
        send(producer, 1, why("49", FEEDBACK))
        for odd in (why("8", partition="0"), why("100"), why("50", FEEDBACK), why("9", "elsewhere"), why("x"), []):
            send(producer, 1, odd)

        async def read_while_a_transaction_is_open() -> list[ChangelogRecord]:
            reading = asyncio.create_task(found(settings))
            done, _ = await asyncio.wait([reading], timeout=LOOK_S)
            assert not done
            await asyncio.to_thread(dying.abort_transaction)
            return await asyncio.wait_for(reading, PATIENCE_S)

        records = asyncio.run(read_while_a_transaction_is_open())
        producer.close()
        dying.close()
    kept = KeptRefusal("undecodable", "why", marker("sales-id", "feedback-id")(b"b:c"), 1_700_000_000_123)
    assert [(unpack_key(r.key), unpack_refusal(r.value or b""), r.version) for r in records] == [
        ((SALES, 1, 7), kept, 0),
        ((FEEDBACK, 1, 49), kept, 0),
    ]
