"""One worker: who owns which partition, and the services around them.

Owns the wiring and the order of starting and stopping. Never holds state of its own.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Coroutine, Set
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Any

import faust
from faust.types import TP

from sinks.errors import SinkError
from sinks.writer import Writer
from streams.batches import positions
from streams.brokers.topics import Names, TopicPartition
from streams.delivery.outbox import Outbox
from streams.histogram import SECONDS, Histogram
from streams.monitoring import catalogue
from streams.monitoring.exposition import Sample
from streams.partition.cluster import SharedLooks
from streams.partition.owner import Owner
from streams.partition.rerouting import Rerouter
from streams.partition.shared import Shared
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.assignment import Assignment
from streams.worker.figures import figures
from streams.worker.succession import Succession
from streams.worker.watchdog import Watchdog

log = logging.getLogger(__name__)


class Worker:
    """Everything between the agents and the two ends. Made before the event loop runs, started inside it."""

    def __init__(
        self, settings: Settings, timing: Timing, app: faust.App, writer: Writer, names: Names, succession: Succession
    ) -> None:
        self._timing = timing
        self._app = app
        self._writer = writer
        self.rebalancing_since = timing.clock.monotonic()
        self._rebalances = Histogram(SECONDS)
        self._tasks: list[asyncio.Task[None]] = []
        self._outbox = Outbox(settings, timing, writer, names.generation, f"{socket.gethostname()}:{os.getpid()}")
        self._rerouter = Rerouter(settings, settings.partitions)
        shared = self._shared = Shared(
            settings, timing, self._outbox, SharedLooks(settings, names), self._seek, self._rerouter
        )
        self.assignment = Assignment(
            partial(Owner, shared), self._fail, settings.poll_records_max, timing.let_go_s_max, self._hold
        )
        self._watchdog = Watchdog(settings, timing, self.assignment, self._outbox, self._fetch_positions)
        self._succession = succession

    def start(self) -> None:
        """Starts the flushes, the watchdog and the look for another generation. Called once, inside the event loop."""
        services = (self._outbox, self._watchdog, self._succession)
        self._tasks = [asyncio.create_task(self._guard(service.run())) for service in services]

    async def stop(self) -> None:
        """Finishes the units in the making, flushes once more if ClickHouse is there, and lets go."""
        await self.assignment.stop()
        with suppress(TimeoutError, SinkError):
            await asyncio.wait_for(self._outbox.flush(), self._timing.last_flush_s_max)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._rerouter.stop()
        self._writer.close()

    async def become(self, partitions: set[int]) -> None:
        """Follows the group's decision: partitions that stay go on with what was fetched all the while."""
        before = set(self.assignment.owners)
        await self.assignment.become(partitions)
        pause_s = self._timing.clock.monotonic() - self.rebalancing_since
        self._rebalances.add(pause_s)
        log.info(
            "rebalanced: %d partitions stay, %s come, %s go; nothing was fetched for %.2f s",
            len(before & partitions), sorted(partitions - before) or "none", sorted(before - partitions) or "none",
            pause_s,
        )  # fmt: skip

    def samples(self) -> list[Sample]:
        """What a scrape is told. Called in the event loop."""
        who = Sample(catalogue.WORKER, (version("posventa-server"), str(self._outbox.generation)), 1)
        return [who, *figures(self.assignment.owners, self._outbox, self._shared.counts, self._rebalances)]

    async def _seek(self, topic: str, partition: int, offset: int) -> None:
        await self._app.consumer.seek(TP(topic, partition), offset)

    def _hold(self, full: Set[TopicPartition]) -> None:
        self._app.consumer.held = frozenset(TP(*tp) for tp in full)

    def _fetch_positions(self) -> dict[TopicPartition, int]:
        return {(tp.topic, tp.partition): at for tp, at in positions(self._app.consumer).items()}

    async def _guard(self, service: Coroutine[Any, Any, None]) -> None:
        try:
            await service
        except Exception as error:
            await self._fail(error)

    async def _fail(self, error: BaseException) -> None:
        log.error("this worker ends: %s", error, exc_info=error)
        await self._app.crash(error)
