"""The cases in which a disk is full: ClickHouse's, that of the local state, and Kafka's own.

Owns how each comes to be full and gets room again. Each is a tmpfs of its own, so a mount is needed.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

import aiokafka
from aiokafka.errors import KafkaError
from kafka.admin import KafkaAdminClient, NewTopic

from sinks.migrate import migrate
from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.embedded.kafka import EmbeddedKafka
from tests.faults.small_disk import small_disk
from tests.faults.stage import Broken, Stage, at_some_point
from tests.faults.worker import HurtWorker


def kafka_disk_full(stage: Stage, rng: random.Random) -> int:
    """Somebody else's topic fills the broker's disk, and the broker ends. It gets room and is started again."""
    directory = stage.run_directory / "kafka"
    disk = stage.closing.enter_context(small_disk(directory / "data", _KAFKA_MIB))
    kafka = EmbeddedKafka(directory)
    stage.closing.callback(kafka.kill)
    kafka.start()
    stage.use_kafka(kafka)
    stage.publish_head()
    stage.start_worker(0)
    at_some_point(stage, rng)
    asyncio.run(fill_with_a_foreign_topic(kafka.bootstrap))
    stage.wait_for(lambda: kafka.child is not None and not kafka.child.running, "the broker to end")
    time.sleep(rng.uniform(0, 3))
    disk.grow(2 * _KAFKA_MIB)
    kafka.start()
    stage.publish_tail()
    return 1


_KAFKA_MIB: Final = 96


async def fill_with_a_foreign_topic(bootstrap: str) -> None:
    """Publishes until the broker takes no more."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(_FOREIGN, 1, 1)])
    admin.close()
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, request_timeout_ms=_TAKEN_MS_MAX)
    await producer.start()
    try:
        for _ in range(2 * _KAFKA_MIB):
            await producer.send_and_wait(_FOREIGN, random.randbytes(_FOREIGN_BYTES))
    except KafkaError:
        return
    finally:
        await producer.stop()
    raise Broken(f"a broker on {_KAFKA_MIB} MiB took twice as much")


_FOREIGN: Final = "somebody.else"
_FOREIGN_BYTES: Final = 900_000
_TAKEN_MS_MAX: Final = 10_000


def clickhouse_disk_full(stage: Stage, rng: random.Random) -> int:
    """ClickHouse's disk has no room left for some seconds."""
    disk = stage.closing.enter_context(small_disk(stage.run_directory / "disk", _CLICKHOUSE_MIB))
    clickhouse = EmbeddedClickHouse(disk.path / "clickhouse")
    stage.closing.callback(clickhouse.kill)
    clickhouse.start()
    migrate(clickhouse.url)
    stage.use_clickhouse(clickhouse)
    stage.publish_head()
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    disk.fill()
    stage.publish_tail()
    stage.wait_for(lambda: _REFUSED in worker.log.read_text(), "ClickHouse to refuse an insert")
    time.sleep(rng.uniform(0, 3))
    disk.free()
    return 1


_CLICKHOUSE_MIB: Final = 64
_REFUSED: Final = "cannot take this now"  # sinks/errors.py


def state_disk_full(stage: Stage, rng: random.Random) -> int:
    """The disk of the worker's local state has no room left for some seconds. The worker goes on with what it has."""
    with_a_full_state_disk(stage, rng, lambda worker: None)
    return 1


def state_disk_full_and_killed(stage: Stage, rng: random.Random) -> int:
    """The same, and the worker dies meanwhile: what was on the disk is still good."""
    with_a_full_state_disk(stage, rng, lambda worker: worker.end())
    return 2


def with_a_full_state_disk(stage: Stage, rng: random.Random, meanwhile: Callable[[HurtWorker], None]) -> None:
    """In mid-stream, until the worker has told of it and some seconds have passed."""
    disk = stage.closing.enter_context(small_disk(stage.state(0), _STATE_MIB))
    stage.publish_head()
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    disk.fill()
    stage.publish_tail()
    stage.wait_for(lambda: _NO_ROOM in worker.log.read_text(), "the worker to notice")
    meanwhile(worker)
    deadline = time.monotonic() + rng.uniform(0, 3)
    stage.wait_for(lambda: time.monotonic() > deadline, "some seconds")  # who died comes back meanwhile
    disk.free()
    if _THROWN_AWAY in worker.log.read_text():
        raise Broken(f"a good local copy was thrown away\n{stage.said()}")


_NO_ROOM: Final = "no room to "  # streams/changelog/local_copy.py, twice
_THROWN_AWAY: Final = "is thrown away"
_STATE_MIB: Final = 8
