"""One worker: the Faust application, its two agents, and the services around them.

Owns the wiring and the order of starting and stopping. Never holds state of its own.
"""

import asyncio
import gc
import logging
import os
import socket
import threading
import time
from collections.abc import Set
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust
from faust.tables import TableManager
from faust.types import TP
from kafka.errors import KafkaError
from mode import CrashingSupervisor

from sinks.errors import SinkError
from sinks.migrate import migrate
from sinks.writer import Writer
from streams.batches import BatchSchema, positions, register
from streams.brokers.creation import ensure_topics
from streams.brokers.topics import FEEDBACK, GROUP, SALES, SOURCES
from streams.delivery.outbox import Outbox
from streams.errors import OwnershipLost
from streams.partition.cluster import Cluster, look_at
from streams.partition.owner import Owner
from streams.partition.rerouting import Rerouter
from streams.settings import Settings
from streams.worker.assignment import Assignment
from streams.worker.credentials import faust_credentials
from streams.worker.state_directory import StateDirectory
from streams.worker.watchdog import Watch

log = logging.getLogger(__name__)

# Batches on their way through an agent's stream; owners take them in at once.
_STREAM_BATCHES_MAX = 8
# Far beyond any wait for ClickHouse: once Kafka's limit is exceeded, a worker does not come back for minutes.
_POLL_INTERVAL_S_MAX = 30 * 24 * 3600
# A heartbeat's answer is how a worker hears of a rebalance, and nobody fetches until the last one has heard.
_HEARTBEAT_S = 0.5
_START_WAIT_S = 60
# A unit makes some hundred thousand objects that live until the next flush and none in cycles: looking for cycles after
# every 700 of them, Python's default, finds nothing and costs CPU (docs/performance.md: garbage collection).
GC_THRESHOLDS = (200_000, 50, 1000)
# What a last flush leaves undone the next owner sends again.
_LAST_FLUSH_S_MAX = 5.0
# A unit in the making and a last flush; supervisors kill after 30 s.
_STOP_S_MAX = 15.0


class Worker:
    """Everything between the agents and the two ends. Made before the event loop runs, started inside it."""

    def __init__(self, settings: Settings, app: faust.App, writer: Writer) -> None:
        self._settings = settings
        self._app = app
        self._writer = writer
        self.rebalancing_since = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._looks = Looks(settings)
        self.assignment = Assignment(self._make_owner, self._fail, settings.poll_records_max, self._hold)
        self._outbox = Outbox(settings, writer, writer.generation(), f"{socket.gethostname()}:{os.getpid()}")
        self._rerouter = Rerouter(settings, settings.partitions)
        self._watch = Watch(settings, self.assignment, self._outbox, self._fetch_positions)

    def start(self) -> None:
        """Starts the flushes and the watch. Called once, inside the event loop."""
        self._tasks = [asyncio.create_task(self._guard(service.run())) for service in (self._outbox, self._watch)]

    async def stop(self) -> None:
        """Finishes the units in the making, flushes once more if ClickHouse is there, and lets go."""
        await self.assignment.stop()
        with suppress(TimeoutError, SinkError):
            await asyncio.wait_for(self._outbox.flush(), _LAST_FLUSH_S_MAX)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._rerouter.stop()
        self._writer.close()

    async def become(self, partitions: set[int]) -> None:
        """Follows the group's decision: partitions that stay go on with what was fetched all the while."""
        before = set(self.assignment.owners)
        await self.assignment.become(partitions)
        log.info(
            "rebalanced: %d partitions stay, %s come, %s go; nothing was fetched for %.2f s",
            len(before & partitions), sorted(partitions - before) or "none", sorted(before - partitions) or "none",
            time.monotonic() - self.rebalancing_since,
        )  # fmt: skip

    def _make_owner(self, number: int, on_taken: Any) -> Owner:
        return Owner(
            self._settings, number, self._outbox, self._outbox.generation,
            self._looks, self._seek, self._rerouter, on_taken,
        )  # fmt: skip

    async def _seek(self, topic: str, partition: int, offset: int) -> None:
        await self._app.consumer.seek(TP(topic, partition), offset)

    def _hold(self, full: Set[tuple[str, int]]) -> None:
        self._app.consumer.held = frozenset(TP(*tp) for tp in full)

    def _fetch_positions(self) -> dict[tuple[str, int], int]:
        return {(tp.topic, tp.partition): at for tp, at in positions(self._app.consumer).items()}

    async def _guard(self, service: Any) -> None:
        try:
            await service
        except Exception as error:
            await self._fail(error)

    async def _fail(self, error: BaseException) -> None:
        log.error("this worker ends: %s", error, exc_info=error)
        await self._app.crash(error)


class NoTables(TableManager):  # type: ignore[misc]
    """Faust's own waits a second for tables to be declared. Here are none."""

    async def on_start(self) -> None:
        """Called once, when the application starts."""
        await self._update_channels()
        await self.recovery.start()


class SwiftlyEnded(faust.Worker):  # type: ignore[misc]
    """mode's own waits a second, when everything has ended, before it closes the event loop."""

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)


class Looks:
    """Looks at the cluster on behalf of claims: those that come while one is under way share the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        self._seen: Cluster | None = None

    async def __call__(self) -> Cluster:
        """What the cluster was at some time after the call. Raises OwnershipLost while Kafka is away."""
        asked = self._begun
        async with self._one_at_a_time:
            if self._seen is None or self._begun == asked:
                self._begun += 1
                self._seen = None
                try:
                    self._seen = await asyncio.to_thread(look_at, self._settings)
                except KafkaError as error:
                    raise OwnershipLost(f"Kafka at {self._settings.kafka} does not answer: {error!r}") from error
            return self._seen


def make_app(settings: Settings, writer: Writer, name: str) -> faust.App:
    """The Faust application: membership, fetching and two agents over record batches. Whoever starts with the `name` of a
    worker that ended takes its place in the group."""
    register()
    app = faust.App(
        GROUP,
        broker=[f"batch://{address.strip()}" for address in settings.kafka.split(",")],
        broker_credentials=faust_credentials(settings),
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=name,
        stream_buffer_maxsize=_STREAM_BATCHES_MAX,
        broker_max_poll_records=settings.poll_records_max,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=min(_HEARTBEAT_S, settings.session_timeout / 4),
        broker_max_poll_interval=_POLL_INTERVAL_S_MAX,
        broker_request_timeout=max(90.0, settings.session_timeout * 2),
        broker_commit_interval=3600,  # nothing is ever acknowledged to Faust, so it has nothing to commit
        datadir=str(Path(settings.state_dir) / "faust"),
        TableManager=NoTables,
    )
    worker = Worker(settings, app, writer)

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def on_revoked(_app: faust.App, _revoked: set[TP], **_: Any) -> None:
        worker.rebalancing_since = time.monotonic()

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
    async def on_assigned(_app: faust.App, assigned: set[TP], **_: Any) -> None:
        await worker.become({tp.partition for tp in assigned if tp.topic in SOURCES})

    @app.agent(app.topic(SALES, schema=BatchSchema(), acks=False), supervisor_strategy=CrashingSupervisor)  # type: ignore[untyped-decorator]
    async def sales(stream: Any) -> None:
        async for event in stream.noack().events():
            await worker.assignment.offer(event.value)

    @app.agent(app.topic(FEEDBACK, schema=BatchSchema(), acks=False), supervisor_strategy=CrashingSupervisor)  # type: ignore[untyped-decorator]
    async def feedback(stream: Any) -> None:
        async for event in stream.noack().events():
            await worker.assignment.offer(event.value)

    @app.task  # type: ignore[untyped-decorator]
    async def services() -> None:
        worker.start()

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]
    async def on_shutdown(_app: faust.App, **_: Any) -> None:
        _end_at_the_latest(_STOP_S_MAX)
        await worker.stop()

    return app


def _end_at_the_latest(seconds: float) -> None:
    """Ends the process although a server that is away still keeps a client waiting: what is committed is safe, and what
    is not is done again by the next owner."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def run(settings: Settings) -> None:
    """Runs one worker until SIGTERM or SIGINT; never returns: exits 0 when stopped, 1 when it failed."""
    for library in ("aiokafka", "kafka"):
        logging.getLogger(library).setLevel(logging.WARNING)
    directory = StateDirectory(Path(settings.state_dir))
    gc.set_threshold(*GC_THRESHOLDS)
    ensure_topics(settings, wait_s=_START_WAIT_S)
    url = settings.clickhouse.get_secret_value()
    migrate(url)
    app = make_app(settings, Writer(url), directory.name)
    SwiftlyEnded(app, loglevel="INFO", redirect_stdouts=False, workdir=None).execute_from_commandline()
