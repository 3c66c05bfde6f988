"""The real engines and real worker processes of one scenario: started, hurt and compared on purpose."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from schemas.codec import encode
from schemas.events import Event, Feedback, record_key
from streams.brokers.creation import ensure_topics
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.domain.rules import Rules
from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.embedded.kafka import EmbeddedKafka
from streams.settings import Settings
from tests.support.comparison import differences

PARTITIONS = 8
SETTLE_S = 120
RESTARTS_MAX = 10  # a worker that ends as often does not come back


class Engines:
    """Kafka, ClickHouse and any number of workers in one directory."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.kafka = EmbeddedKafka(directory / "kafka")
        self.clickhouse = EmbeddedClickHouse(directory / "clickhouse")
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        self._settings = settings

    def start(self) -> None:
        """Starts both engines and creates the topics."""
        self.kafka.start()
        self.clickhouse.start()
        ensure_topics(self.settings())

    def settings(self) -> Settings:
        """What the workers are configured with."""
        return Settings(kafka=self.kafka.bootstrap, clickhouse=self.clickhouse.url)

    def start_worker(self, number: int, **changes: str) -> None:
        """A worker process with a state directory of its own, which survives it; `changes` are variables of its own."""
        environment = os.environ | {
            "POSVENTA_KAFKA": self.kafka.bootstrap,
            "POSVENTA_CLICKHOUSE": self.clickhouse.url,
            "POSVENTA_STATE_DIR": str(self.directory / f"state-{number}"),
            "POSVENTA_SESSION_TIMEOUT": "6s",
            "POSVENTA_POLL_RECORDS_MAX": "500",  # many small units: more boundaries to be hurt at
            "POSVENTA_UNIT_RECORDS_MAX": "500",
            **self._settings,
            **changes,
        }
        with (self.directory / f"worker-{number}.log").open("ab") as log:
            self.workers[number] = subprocess.Popen(
                [str(Path(sys.executable).with_name("posventa")), "worker"], env=environment, stdout=log, stderr=log
            )

    def kill_worker(self, number: int) -> None:
        """SIGKILL, and a new one in its place."""
        self.workers[number].kill()
        self.workers[number].wait()
        self.start_worker(number)

    def pause_worker(self, number: int, seconds: float) -> None:
        """SIGSTOP for longer than the session; then it wakes up as a zombie."""
        self.workers[number].send_signal(signal.SIGSTOP)
        time.sleep(seconds)  # not a wait for something: the pause itself
        self.workers[number].send_signal(signal.SIGCONT)

    def publish(self, events: Iterable[Event]) -> int:
        """Publishes events as a brand platform would. Returns how many."""
        count = 0
        with producing(self.kafka.bootstrap) as producer:
            for event in events:
                key = record_key(event)
                topic = FEEDBACK if isinstance(event, Feedback) else SALES
                producer.send(topic, encode(event), key=key, partition=partition_for(key, PARTITIONS))
                count += 1
        return count

    def query(self, sql: str) -> list[Any]:
        """Rows of a query in database posventa."""
        client = clickhouse_connect.get_client(dsn=self.clickhouse.url, database="posventa")
        try:
            return list(client.query(sql).result_rows)
        finally:
            client.close()

    def command(self, sql: str) -> None:
        """Something done by hand in database posventa; a mutation is done when this returns."""
        client = clickhouse_connect.get_client(dsn=self.clickhouse.url, database="posventa")
        try:
            client.command(sql, settings={"mutations_sync": 1})
        finally:
            client.close()

    def applied(self) -> int:
        """How many offsets of the source topics are applied and in ClickHouse."""
        try:
            return int(self.query("SELECT sum(applied_offset) FROM freshness FINAL")[0][0])
        except clickhouse_connect.driver.exceptions.Error:
            return 0  # not migrated yet

    def settle(self, published: int) -> None:
        """Waits until so many offsets are applied and shown, restarting workers that ended, as a supervisor would."""
        self.wait_for(lambda: self.applied() >= published, f"{published} offsets to be applied")

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Polls a condition, with a deadline."""
        deadline = time.monotonic() + SETTLE_S
        restarts = 0
        while not condition():
            assert time.monotonic() < deadline, f"waited {SETTLE_S} s for {what}; {self.applied()} applied"
            for number, worker in list(self.workers.items()):
                if worker.poll() is not None:
                    restarts += 1
                    assert restarts < RESTARTS_MAX, (self.directory / f"worker-{number}.log").read_text()[-2000:]
                    self.start_worker(number)
            time.sleep(0.2)

    def offsets(self) -> int:
        """Where the logs of the source topics end, all together."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, isolation_level="read_committed")
        try:
            tps = [TopicPartition(t, p) for t in (SALES, FEEDBACK) for p in consumer.partitions_for_topic(t) or ()]
            return sum(consumer.end_offsets(tps).values())
        finally:
            consumer.close()

    def differences(self, events: list[Event]) -> list[str]:
        """What differs from the oracle."""
        return differences(self.clickhouse.url, events, Rules())

    def stop(self) -> None:
        """Ends everything by its process id."""
        for worker in self.workers.values():
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        for worker in self.workers.values():
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.clickhouse.stop()
        self.kafka.stop()


@contextmanager
def engines(directory: Path, **settings: str) -> Iterator[Engines]:
    """Engines that are stopped whatever happens."""
    found = Engines(directory, **settings)
    try:
        found.start()
        yield found
    finally:
        found.stop()


@contextmanager
def producing(bootstrap: str) -> Iterator[KafkaProducer]:
    """A plain producer, flushed in the end."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    try:
        yield producer
        producer.flush()
    finally:
        producer.close()


def read_all(bootstrap: str, topic: str) -> list[Any]:
    """The committed records of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            for polled in consumer.poll(timeout_ms=200).values():
                found += polled
        return found
    finally:
        consumer.close()
