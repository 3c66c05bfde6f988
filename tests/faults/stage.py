"""The engines of a series of runs, kept alive between them, and the workers of one run.

Owns one Kafka, one ClickHouse, a directory, and every process in it; supervises workers as `posventa up` would. Never
knows what is tested. Invariant: after reset() nothing of the run before is left but the engines' processes.
"""

import json
import random
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Protocol

from kafka import IsolationLevel, TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove, OffsetSpec
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from sinks.migrate import migrate
from streams.brokers.creation import ensure_topics
from streams.brokers.groups import our_groups
from streams.brokers.lag import committed
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.errors import StateRefused
from streams.settings import Settings
from tests.faults.inputs import PARTITIONS, Input
from tests.faults.points import Plan
from tests.faults.rebuilding import Rebuilding
from tests.faults.snapshot import IN_USE, Snapshot, ask, snapshot
from tests.faults.worker import HurtWorker

_SETTLE_S: Final = 120
_LOOK_AGAIN_S: Final = 0.2
_REFUSAL: Final = f"{StateRefused.__name__}: "
_NO_REFUSAL: Final = "handed over"  # a worker that has not heard of it yet
_REPORTS_S: Final = 20
_HELD_BACK_S: Final = 3  # a unit comes every 0.1 s
_RESTARTS_MAX: Final = 20  # a worker that ends as often does not come back
_SOURCES: Final = [TopicPartition(topic, number) for topic in (SALES, FEEDBACK) for number in range(PARTITIONS)]


class Broken(AssertionError):
    """A run that came to no result: a point that was not reached, a worker that does not come back, a wait too long."""


class Kafka(Protocol):
    """One broker or three."""

    @property
    def bootstrap(self) -> str: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...


def empty(kafka: Kafka, replication: int) -> None:
    """Deletes the group and every topic, and creates the topics anew."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        for group in our_groups(admin):
            with suppress(KafkaError):  # the group is not there before the first run
                members = admin.describe_groups([group])[group]["members"]
                if members:
                    admin.remove_group_members(group, [MemberToRemove(member["member_id"]) for member in members])
                admin.delete_groups([group])
        changelogs = [topic for topic in admin.list_topics() if topic.startswith(STATE)]
        for topic in (SALES, FEEDBACK, DEAD_LETTERS, *changelogs):
            with suppress(UnknownTopicOrPartitionError):
                admin.delete_topics([topic])
    finally:
        admin.close()
    ensure_topics(Settings(kafka=kafka.bootstrap, kafka_replication=replication, partitions=PARTITIONS))


def _source_ends(bootstrap: str) -> dict[TopicPartition, int]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        specs = dict.fromkeys(_SOURCES, OffsetSpec.LATEST)
        found = admin.list_partition_offsets(specs, isolation_level=IsolationLevel.READ_COMMITTED)
        return {tp: at.offset for tp, at in found.items()}
    finally:
        admin.close()


class Stage:
    """Use: start(); then for each run reset(), a case, settle(), snapshot(); then stop()."""

    def __init__(self, directory: Path, kafka: Kafka, replication: int = 1) -> None:
        self.kafka = kafka
        self.clickhouse = EmbeddedClickHouse(directory / "clickhouse")
        self.sink = ""  # where workers are told that ClickHouse is
        self.input: Input
        self.workers: dict[int, HurtWorker] = {}
        self.rebuilding: Rebuilding | None = None
        self.closing = ExitStack()  # what a case has built for one run
        self.run_directory = directory / "run"
        self._replication = replication
        self._mutant: str | None = None
        self._restarts = 0
        self._own_clickhouse = self.clickhouse
        self._own_kafka = kafka

    def start(self) -> None:
        """Starts both engines."""
        self.kafka.start()
        self.clickhouse.start()
        migrate(self.clickhouse.url)

    def stop(self) -> None:
        """Ends everything."""
        self._end_run()
        self._own_clickhouse.stop()
        self._own_kafka.stop()

    def reset(self, chosen: Input, mutant: str | None = None) -> None:
        """Empties Kafka and ClickHouse for a run with this input; `mutant` is what its workers lack."""
        self._end_run()
        shutil.rmtree(self.run_directory, ignore_errors=True)
        self.run_directory.mkdir(parents=True)
        self.use_kafka(self._own_kafka)
        self.use_clickhouse(self._own_clickhouse)
        self.input, self._mutant, self._restarts = chosen, mutant, 0

    def use_kafka(self, kafka: Kafka) -> None:
        """Another Kafka, which runs already, for this run; it is emptied."""
        self.kafka = kafka
        empty(kafka, self._replication)

    def use_clickhouse(self, clickhouse: EmbeddedClickHouse) -> None:
        """Another ClickHouse, which runs already, for this run; it is emptied."""
        self.clickhouse, self.sink = clickhouse, clickhouse.url
        empty_tables(clickhouse.url)

    def publish_head(self) -> None:
        """The first part of the input."""
        self.input.publish_head(self.kafka.bootstrap)

    def publish_tail(self) -> None:
        """The rest of it."""
        self.input.publish_tail(self.kafka.bootstrap)

    def start_worker(self, number: int, plan: Plan | None = None) -> HurtWorker:
        """A worker with a state directory of its own, which survives it."""
        log = self.run_directory / f"worker-{number}.log"
        environment = self.environment(self.state(number))
        self.workers[number] = worker = HurtWorker(environment, log, plan, self._mutant)
        return worker

    def environment(self, state: Path) -> dict[str, str]:
        """What a process of this stage is told, with a state directory of its own."""
        return {
            "POSVENTA_KAFKA": self.kafka.bootstrap,
            "POSVENTA_KAFKA_REPLICATION": str(self._replication),
            "POSVENTA_CLICKHOUSE": self.sink,
            "POSVENTA_PARTITIONS": str(PARTITIONS),
            "POSVENTA_STATE_DIR": str(state),
            # Many small units and flushes: many boundaries to be hurt at.
            "POSVENTA_POLL_RECORDS_MAX": "100",
            "POSVENTA_UNIT_RECORDS_MAX": "60",
            "POSVENTA_FLUSH_ROWS": "50",
            "POSVENTA_FLUSH_MS": "50",
        }

    def state(self, number: int) -> Path:
        """The state directory of a worker."""
        return self.run_directory / f"state-{number}"

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Polls a condition, with a deadline, and starts workers again that ended, without their faults."""
        deadline = time.monotonic() + _SETTLE_S
        while not condition():
            if time.monotonic() > deadline:
                raise Broken(f"waited {_SETTLE_S} s for {what}\n{self.said()}")
            for number, worker in list(self.workers.items()):
                if not worker.running:
                    self._start_again(number, worker)
            time.sleep(_LOOK_AGAIN_S)

    def _start_again(self, number: int, ended: HurtWorker) -> None:
        lines = ended.log.read_text(errors="replace").splitlines()
        refusals = [line for line in lines if _REFUSAL in line and _NO_REFUSAL not in line]
        if refusals:  # nothing that the matrix does is a reason to refuse the state
            raise Broken(refusals[-1])
        self._restarts += 1
        if self._restarts > _RESTARTS_MAX:
            raise Broken(f"workers ended {_RESTARTS_MAX} times\n{self.said()}")
        self.start_worker(number)

    def said(self) -> str:
        """The ends of the workers' logs, for a message to people."""
        logs = sorted(self.run_directory.glob("worker-*.log"))
        return "\n".join(f"{log.name}: ...{log.read_text(errors='replace')[-800:]}" for log in logs)

    def number(self, sql: str) -> int:
        """What ClickHouse answers; 0 while it does not."""
        try:
            return int(json.loads(ask(self.clickhouse.url, sql)[0])[0])
        except OSError:
            return 0

    def applied(self) -> int:
        """How many offsets of the sources are applied and in ClickHouse."""
        return self.number(f"SELECT sum(applied_offset) FROM freshness FINAL WHERE {IN_USE}")

    def claims(self) -> int:
        """How often partitions were claimed, as far as ClickHouse was told: the sum over the partitions."""
        return self.number(
            f"SELECT intDiv(sum(claim), {len(_SOURCES) // PARTITIONS}) FROM freshness FINAL WHERE {IN_USE}"
        )

    def applied_more_than(self, share: float) -> Callable[[], bool]:
        """A condition: more than this share of what is published so far is applied."""
        published = sum(self.ends().values())
        return lambda: self.applied() > published * share

    def settle(self) -> None:
        """Waits until everything published is applied and shown."""
        self.wait_for(self._settled, "everything to be applied")

    def _settled(self) -> bool:
        """Asked in this order: a unit's records astray are published before it is applied."""
        applied = self.applied()
        if applied < self.input.lengths().total():
            return False
        try:
            return applied == sum(self.ends().values())
        except KafkaError:
            return False

    def ends(self) -> dict[TopicPartition, int]:
        """The ends of the source logs."""
        return _source_ends(self.kafka.bootstrap)

    def snapshot(self) -> Snapshot:
        """What the run has left behind. Call it when everything is settled; it is taken again while the owner of a moment
        ago has not reported yet."""
        deadline = time.monotonic() + _REPORTS_S
        while True:
            taken = snapshot(self.clickhouse.url, self.kafka.bootstrap, self.input.lengths())
            if taken.reported or time.monotonic() > deadline:
                return taken

    def _end_run(self) -> None:
        if self.rebuilding is not None:
            self.rebuilding.end()
            self.rebuilding = None
        for worker in self.workers.values():
            worker.end()
        self.workers.clear()
        self.closing.close()


def at_some_point(stage: Stage, rng: random.Random) -> None:
    """Goes on until a random share of what is published is applied."""
    stage.wait_for(stage.applied_more_than(rng.uniform(0.0, 0.5)), "progress")


def is_held_back(stage: Stage) -> bool:
    """Whether workers, in some seconds, made no unit of all that waits for them."""
    settings = Settings(kafka=stage.kafka.bootstrap)
    before = sum(committed(settings).values())
    time.sleep(_HELD_BACK_S)
    return before == sum(committed(settings).values()) < sum(stage.ends().values())


def empty_tables(clickhouse: str) -> None:
    """All that hold rows of the stream."""
    tables = "SELECT name FROM system.tables WHERE database = 'posventa' AND engine LIKE '%MergeTree'"
    for (name,) in map(json.loads, ask(clickhouse, tables)):
        if name != "schema_versions":
            ask(clickhouse, f"TRUNCATE TABLE {name}")
