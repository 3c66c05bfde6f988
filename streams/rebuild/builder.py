"""One process that builds some partitions of a new generation: owners as a worker has them, each with a feed of its own.

Owns them, and how far they may read: as far as the generation in use has come and its refusals are known. Never writes a step
of the register. Invariant: it ends when its generation is in use or given up, or when its parent ends.
"""

import asyncio
import ctypes
import gc
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiokafka.errors import KafkaError

from sinks.errors import SinkError
from sinks.writer import Writer
from streams.batches.lenient import read_leniently
from streams.brokers.logs import ends_of
from streams.brokers.topics import DEAD_LETTERS, SOURCES, Names, TopicPartition
from streams.changelog.meta import Applied
from streams.delivery.outbox import Outbox
from streams.generations.logs import SourceLayout, Span
from streams.partition.cluster import SharedLooks
from streams.partition.owner import Owner
from streams.partition.rerouting import Rerouter
from streams.partition.shared import Shared
from streams.rebuild.feed import Feed
from streams.rebuild.history import Past
from streams.rebuild.reach import Reach
from streams.rebuild.refusals import Refusals
from streams.rebuild.taking import move_on, spans_taken
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.app import GC_THRESHOLDS
from streams.worker.assignment import Assignment
from streams.worker.log_ends import LogEnds

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.3  # between two looks how far the generation in use has come
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LAST_FLUSH_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a builder is to do: which partitions of which generation, with settings that have its recipe."""

    settings: Settings
    generation: int
    numbers: tuple[int, ...]
    layout: SourceLayout
    log_level: int


def build(order: Order) -> None:
    """The entry point of the process."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is None or os.getppid() != parent.pid:
        return  # it died before the signal was set
    logging.basicConfig(level=order.log_level, format="%(asctime)s %(message)s")
    for library in ("aiokafka", "kafka"):
        logging.getLogger(library).setLevel(logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at the terminal it is for the parent, who ends us
    gc.set_threshold(*GC_THRESHOLDS)
    read_leniently()
    letters = len(ends_of(order.settings, DEAD_LETTERS))
    asyncio.run(Builder(order, Timing()).run(letters))


class Builder:
    """Used in one event loop."""

    def __init__(self, order: Order, timing: Timing) -> None:
        self._order = order
        self._settings, self._timing = order.settings, timing
        self._names = Names(order.generation)
        self._held: Set[TopicPartition] = frozenset()
        self._feeds: dict[int, Feed] = {}
        self._failure: asyncio.Future[None]
        self._changing = asyncio.Lock()  # the assignment

    async def run(self, letters: int) -> None:
        """Builds until the generation is in use or given up, or SIGTERM. Raises why it can't go on."""
        loop = asyncio.get_running_loop()
        self._failure = loop.create_future()
        loop.add_signal_handler(signal.SIGTERM, self._end)
        logs = {span.log for number in self._order.numbers for span in self._order.layout.spans(number)}
        async with Refusals(self._settings, logs, letters) as refusals, LogEnds(self._settings, self._timing) as ends:
            self._past = Past(self._order.layout, refusals)
            self._reach = Reach(self._settings, self._order.generation, self._past)
            self._wire()
            jobs = [self._outbox.run(), self._follow(), self._look(ends), *map(self._build, self._order.numbers)]
            tasks = [asyncio.create_task(self._guard(job)) for job in jobs]
            try:
                await self._failure
            finally:
                await self._stop(tasks)

    def _wire(self) -> None:
        settings, timing = self._settings, self._timing
        writer = Writer(settings.clickhouse.get_secret_value(), self._order.generation)
        who = f"{socket.gethostname()}:{os.getpid()}"
        self._outbox = Outbox(settings, timing, writer, self._order.generation, who)
        self._look_at = SharedLooks(settings, self._names, is_building=True)
        self._rerouter = Rerouter(settings, self._order.layout.partitions)
        shared = Shared(settings, timing, self._outbox, self._look_at, self._seek, self._rerouter, self._past)
        self._assignment = Assignment(
            partial(Owner, shared), self._fail, settings.poll_records_max, timing.let_go_s_max, self._hold
        )

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        async with self._changing:
            await self._assignment.stop()
        with suppress(TimeoutError, SinkError):
            await asyncio.wait_for(self._outbox.flush(), _LAST_FLUSH_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._rerouter.stop()

    async def _guard(self, job: Any) -> None:
        try:
            await job
        except Exception as error:
            await self._fail(error)

    async def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

    def _end(self) -> None:
        if not self._failure.done():
            self._failure.set_result(None)

    async def _seek(self, topic: str, partition: int, offset: int) -> None:
        if partition in self._feeds:
            self._feeds[partition].seek(topic, offset)

    def _hold(self, full: Set[TopicPartition]) -> None:
        self._held = full

    async def _look(self, ends: LogEnds) -> None:
        """Learns where the logs end, for the reports of how fresh this generation is."""
        while True:
            reading = dict(self._past.reading)
            with suppress(KafkaError):
                found = await ends.ask([(topic, source) for source in set(reading.values()) for topic in SOURCES])
                for number, source in reading.items():
                    self._outbox.ends.update({(t, number): found[t, source] for t in SOURCES if (t, source) in found})
            await asyncio.sleep(self._timing.look_every_s)

    async def _follow(self) -> None:
        await self._reach.follow()
        self._end()

    # Log after log.

    async def _build(self, number: int) -> None:
        spans = self._order.layout.spans(number)
        taken = await spans_taken(self._settings, self._timing, self._names, number)
        for span in spans[taken:]:
            await self._read(number, span)
            await move_on(self._settings, self._timing, self._look_at, number, span.log)
        await self._read(number, Span(number, None))  # all is taken: it is reported as this partition's own

    async def _read(self, number: int, span: Span) -> None:
        """Until all that the partition takes from a log is in its state; for ever if it is its own."""
        self._past.reading[number] = span.log
        feed = self._feeds[number] = Feed(
            self._settings, self._timing, number, span.log, self._limit_of(span), partial(self._applied, number),
            lambda: self._held, self._assignment.offer,
        )  # fmt: skip
        async with self._changing:
            await self._assignment.become({*self._assignment.owners, number})
        task = asyncio.create_task(self._guard(feed.run()))
        try:
            await self._taken(number, span)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with self._changing:
            await self._assignment.become(set(self._assignment.owners) - {number})

    async def _taken(self, number: int, span: Span) -> None:
        """Until all of a log is in the state, which nobody tells: it is looked at."""
        while True:
            if self._is_taken(number, span):
                return
            await asyncio.sleep(_LOOK_S)

    def _limit_of(self, span: Span) -> Callable[[str, int], int]:
        if span.ends is None:
            return self._reach.limit
        ends = dict(zip(SOURCES, span.ends, strict=True))
        return lambda topic, source: ends[topic]

    def _is_taken(self, number: int, span: Span) -> bool:
        if span.log == number:
            return False
        reached = self._applied(number)
        if reached is None or (span.ends is None and not self._reach.is_final):
            return False
        limit = self._limit_of(span)
        return all(reached[topic].offset == limit(topic, span.log) for topic in SOURCES)

    def _applied(self, number: int) -> dict[str, Applied] | None:
        account = self._outbox.accounts.get(number)
        return (account.reached.applied or None) if account else None
