"""The process of a worker: the Faust application with its two agents, and how it starts and ends.

Owns what Faust is told, and which clock is the worker's. Never owns a partition.
"""

import asyncio
import gc
import logging
import os
import threading
from pathlib import Path
from typing import Any, Final

import faust
from faust.tables import TableManager
from faust.types import TP
from mode import CrashingSupervisor

from sinks.migrate import migrate
from sinks.writer import Writer
from streams import json_log
from streams.batches import BatchSchema, refuse_batches, register
from streams.brokers.admission import knock
from streams.brokers.creation import ensure_topics
from streams.brokers.topics import FEEDBACK, SALES, SOURCES, Names
from streams.generations.current import contradictions
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.credentials import faust_credentials
from streams.worker.ending import told
from streams.worker.leaving import leave_when_asked, stop_when_asked
from streams.worker.metrics import Metrics, listen
from streams.worker.state_directory import LeaveRequest, StateDirectory
from streams.worker.succession import Succession, settled
from streams.worker.worker import Worker

log = logging.getLogger(__name__)

# Batches on their way through an agent's stream; owners take them in at once.
_STREAM_BATCHES_MAX: Final = 8
# A unit makes some hundred thousand objects that live until the next flush and none in cycles: looking for cycles after
# every 700 of them, Python's default, finds nothing and costs CPU (docs/performance.md: garbage collection).
GC_THRESHOLDS: Final = (200_000, 50, 1000)


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


def make_app(
    settings: Settings, timing: Timing, writer: Writer, name: str, names: Names, succession: Succession,
    metrics: Metrics,
) -> faust.App:  # fmt: skip
    """The Faust application: membership, fetching and two agents over record batches. Whoever starts with the `name` of a
    worker that ended takes its place in the group."""
    register()
    refuse_batches(settings.refuse_damaged)
    app = faust.App(
        names.group,
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
        broker_heartbeat_interval=min(timing.heartbeat_every_s, settings.session_timeout / 4),
        broker_max_poll_interval=timing.poll_interval_s_max,
        broker_request_timeout=max(timing.request_s_max, settings.session_timeout * 2),
        broker_commit_interval=3600,  # nothing is ever acknowledged to Faust, so it has nothing to commit
        datadir=str(Path(settings.state_dir) / "faust"),
        TableManager=NoTables,
    )
    worker = Worker(settings, timing, app, writer, names, succession)

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def on_revoked(_app: faust.App, _revoked: set[TP], **_: Any) -> None:
        worker.rebalancing_since = timing.clock.monotonic()

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
        metrics.answer_from(asyncio.get_running_loop(), worker.samples)

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]
    async def on_shutdown(_app: faust.App, **_: Any) -> None:
        _end_at_the_latest(timing.stop_s_max)
        await worker.stop()

    return app


def _end_at_the_latest(seconds: float) -> None:
    """Ends the process although a server that is away still keeps a client waiting: what is committed is safe, and what
    is not is done again by the next owner."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def run(settings: Settings) -> None:
    """Runs one worker until SIGTERM or SIGINT, and exits 0 then. Returns when another generation takes over, which is to be
    run in its place by a process of its own. Raises why it can't go on."""
    if settings.log == "json":
        json_log.begin()  # before Faust does
    for library in ("aiokafka", "kafka"):
        logging.getLogger(library).setLevel(logging.WARNING)
    directory = StateDirectory(Path(settings.state_dir))
    request = LeaveRequest(Path(settings.state_dir))
    request.take_back()
    gc.set_threshold(*GC_THRESHOLDS)
    timing, metrics = Timing(), Metrics()
    if settings.metrics_listen:
        listen(metrics, settings.metrics_listen)
    knock(settings)  # before ClickHouse is asked: a refusal is told at once, whatever else is missing
    url = settings.clickhouse.get_secret_value()
    migrate(url)
    found = settled(settings, timing)
    for warning in contradictions(settings, found.register.recipe):
        log.warning("%s", warning)
    settings, names = found.settings, found.names
    for warning in ensure_topics(settings, wait_s=timing.start_s_max, names=names):
        log.warning("%s", warning)
    directory.forget_all_but(names.copies)
    succession = Succession(settings, timing, names.generation)
    app = make_app(settings, timing, Writer(url, names.generation), directory.name, names, succession, metrics)

    @app.task  # type: ignore[untyped-decorator]
    async def leaving() -> None:
        await stop_when_asked(request, timing)

    worker = SwiftlyEnded(
        app, loglevel="INFO", redirect_stdouts=False, workdir=None, quiet=settings.log == "json",
        logging_config=json_log.configuration() if settings.log == "json" else None,
    )  # fmt: skip
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if worker.crash_reason is not None and not succession.is_over_after_all():
            raise told(worker.crash_reason, settings, names.group) from worker.crash_reason
        if not succession.is_over:
            leave_when_asked(settings, request, directory.name)
            raise
    finally:
        directory.close()
