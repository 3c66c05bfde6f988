"""The ground that all measured programs stand on: one Kafka, one ClickHouse, the same source topics.

Owns the engines, and what it takes to begin anew between two programs. Everybody reports progress in the same table,
freshness, after their rows are in ClickHouse; so one look tells how far any of them is.
"""

import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from clickhouse_connect.driver.client import Client
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError
from pydantic import SecretStr

from bench.events import Totals
from bench.loading import Place
from bench.processes import cpu_s
from schemas.measures import MEASURES
from sinks.client import connect
from sinks.migrate import migrate
from sinks.tables import TABLES
from streams.brokers.clients import client_settings
from streams.brokers.creation import ensure_topics
from streams.embedded.child import Child
from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.embedded.kafka import EmbeddedKafka
from streams.settings import Settings

LOOK_S: Final = 0.1
_GONE_S_MAX: Final = 60.0
_STOP_S_MAX: Final = 15.0

_PROGRESS = """
SELECT topic, source_partition, applied_offset, worker FROM freshness FINAL
"""
_TOTALS = """
SELECT sum(sales), sum(gross), sum(commission), sum(refunded), sum(feedback) + sum(unlinked_feedback),
       (SELECT count() FROM journeys FINAL), (SELECT count() FROM answers FINAL)
FROM affiliate_panes FINAL
"""
_INSERTED = "SELECT sumIf(value, event = 'InsertedRows'), sumIf(value, event = 'InsertedBytes') FROM system.events"


class Look(NamedTuple):
    """What ClickHouse shows at a moment: monotonic time after the answer, offsets by place, and who reported them."""

    at: float
    applied: dict[Place, int]
    workers: set[str]

    @property
    def total(self) -> int:
        """Records that are applied and in ClickHouse."""
        return sum(self.applied.values())


class Wrong(Exception):
    """A program did not do the job: what it measured does not count."""


class Ground:
    """Use as a context manager. One client, so for one thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings: Settings  # what connects to this ground
        self.url: str  # ClickHouse's
        self._engines: dict[str, Child] = {}
        self._client: Client

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._stop()

    def _start(self) -> None:
        """One after the other, so that no two find the same free port."""
        kafka = EmbeddedKafka(self.directory / "kafka")
        kafka.start()
        assert kafka.child is not None
        self._engines["kafka"] = kafka.child
        clickhouse = EmbeddedClickHouse(self.directory / "clickhouse")
        self._engines["clickhouse"] = clickhouse.child
        clickhouse.start()
        self.url = clickhouse.url
        self.settings = Settings(kafka=kafka.bootstrap, clickhouse=SecretStr(self.url))
        ensure_topics(self.settings)
        migrate(self.url)
        self._client = connect(self.url)

    def _stop(self) -> None:
        for engine in reversed(self._engines.values()):
            engine.stop(_STOP_S_MAX)

    def worker(self, number: int, state_dir: Path) -> Child:
        """A posventa worker, not yet started."""
        command = [sys.executable, str(Path(sys.executable).with_name("posventa")), "worker"]
        environment = {
            "POSVENTA_KAFKA": self.settings.kafka, "POSVENTA_CLICKHOUSE": self.url, "POSVENTA_STATE_DIR": str(state_dir)
        }  # fmt: skip
        return Child(command, self.directory / "logs" / f"worker-{number}.log", environment)

    def look(self) -> Look:
        """How far the running program is."""
        rows = self._client.query(_PROGRESS).result_rows
        return Look(time.monotonic(), {(topic, p): offset for topic, p, offset, _ in rows}, {row[3] for row in rows})

    def wait_until(self, condition: Callable[[Look], bool], running: Iterable[Child], seconds: float) -> Look:
        """The first look of which it holds. Raises Wrong when a program ends before, or the time is up."""
        deadline = time.monotonic() + seconds
        while not condition(look := self.look()):
            for child in running:
                if not child.running:
                    raise Wrong(f"it ended (exit {child.exit_code}):\n{child.last_lines(15)}")
            if time.monotonic() > deadline:
                raise Wrong(f"after {seconds:.0f} s {look.total} records were applied")
            time.sleep(LOOK_S)
        return look

    def check(self, expected: Totals) -> None:
        """Raises Wrong when the tables show anything else."""
        found = Totals(*self._client.query(_TOTALS).result_rows[0])
        if found != expected:
            raise Wrong(f"ClickHouse shows {found}, expected {expected}")

    def check_sums(self, expected: list[int]) -> None:
        """Raises Wrong when a measure, added up over all panes, is anything else (in the order of MEASURES)."""
        columns = ", ".join(f"sum({measure})" for measure in MEASURES)
        found = self._client.query(f"SELECT {columns} FROM affiliate_panes FINAL").result_rows[0]  # noqa: S608 - our own
        if odd := [f"{m}: {a} for {b}" for m, a, b in zip(MEASURES, found, expected, strict=True) if a != b]:
            raise Wrong(f"ClickHouse shows other sums than expected: {', '.join(odd)}")

    def inserted(self) -> tuple[int, int]:
        """Rows and (uncompressed) bytes that ClickHouse was ever given."""
        rows, size = self._client.query(_INSERTED).result_rows[0]
        return int(rows), int(size)

    def engines_cpu_s(self) -> dict[str, float]:
        """CPU seconds so far of Kafka and ClickHouse."""
        return {name: cpu_s(engine.pid) for name, engine in self._engines.items() if engine.pid}

    def logs_bytes(self, topics: Collection[str]) -> int:
        """Bytes in the logs of topics: everything written to them, since nothing is compacted so soon."""
        data = self.directory / "kafka" / "data"
        partitions = [f"{topic}-{number}" for topic in topics for number in range(self.settings.partitions)]
        # By their full names: a deleted topic's directories are there for a while, named alike.
        return sum(log.stat().st_size for partition in partitions for log in data.glob(f"{partition}/*.log"))

    def topics(self) -> set[str]:
        """All topics there are."""
        admin = KafkaAdminClient(**client_settings(self.settings))
        try:
            return set(admin.list_topics())
        finally:
            admin.close()

    def create(self, topics: Collection[str]) -> None:
        """More source topics, like posventa's own."""
        admin = KafkaAdminClient(**client_settings(self.settings))
        try:
            config = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
            admin.create_topics(
                [NewTopic(topic, self.settings.partitions, 1, topic_configs=config) for topic in topics]
            )
        finally:
            admin.close()

    def begin_anew(self, kept: Collection[str]) -> None:
        """Empty tables, and of Kafka nothing but the topics in `kept` (names that begin with __ are Kafka's own)."""
        for table in TABLES:
            self._client.command(f"TRUNCATE TABLE {table.name}")
        admin = KafkaAdminClient(**client_settings(self.settings))
        try:
            if doomed := sorted(topic for topic in admin.list_topics() if topic not in kept and topic[:2] != "__"):
                admin.delete_topics(doomed)
            _wait_until(lambda: set(admin.list_topics()).isdisjoint(doomed), f"topics {doomed} to be deleted")
            # A worker keeps its place in the group for a session after it ended; its offsets must not be found again.
            _wait_until(lambda: _no_groups(admin), "the last program's consumer group to be deleted")
        finally:
            admin.close()
        ensure_topics(self.settings)


def _no_groups(admin: KafkaAdminClient) -> bool:
    """Deletes the groups that have no member any more; whether none is left."""
    if groups := [group["group_id"] for group in admin.list_groups()]:
        with suppress(KafkaError):  # of those that have
            admin.delete_groups(groups)
    return not admin.list_groups()


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _GONE_S_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise Wrong(f"waited {_GONE_S_MAX:.0f} s for {what}")
        time.sleep(LOOK_S)
