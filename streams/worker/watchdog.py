"""Looks once a second: where the source logs end, whether this worker goes on, what it has done, and what never came.

Owns when it looks, and the tally in the log. Never consumes. Invariant: a worker that makes no progress although input waits
and ClickHouse takes what it is given ends loudly, so that its supervisor starts another.
"""

import asyncio
import faulthandler
import logging
from collections import Counter
from collections.abc import Callable, Mapping

from aiokafka.errors import KafkaError

from streams.brokers.topics import SOURCES, TopicPartition
from streams.delivery.outbox import Outbox
from streams.errors import Stuck
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.assignment import Assignment
from streams.worker.log_ends import LogEnds
from streams.worker.progress import Progress

log = logging.getLogger(__name__)


class Watchdog:
    """`positions` gives the fetch positions of this worker's consumer."""

    def __init__(
        self, settings: Settings, timing: Timing, assignment: Assignment, outbox: Outbox,
        positions: Callable[[], Mapping[TopicPartition, int]],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._timing = timing
        self._now = timing.clock.monotonic
        self._assignment = assignment
        self._outbox = outbox
        self._positions = positions
        self._progress = Progress(timing.stuck_s, self._now())
        self._told: Counter[str] = Counter()
        self._told_at = self._now()

    async def run(self) -> None:
        """Runs as long as the worker. Raises Stuck, or KafkaError when Kafka is away at the beginning."""
        async with LogEnds(self._settings, self._timing) as ends:
            while True:
                try:
                    await self._look(ends)
                except KafkaError as error:
                    log.warning("the ends of the source topics can't be read: %r", error)
                await asyncio.sleep(self._timing.look_every_s)

    async def _look(self, ends: LogEnds) -> None:
        owned = [(topic, number) for number in self._assignment.owners for topic in SOURCES]
        if owned:
            self._outbox.ends.update(await ends.ask(owned))
            self.check_progress()
            self._tell_tally()
            await self._fetch_what_is_missing()

    def check_progress(self) -> None:
        """Raises Stuck when nothing was applied for too long."""
        outbox = self._outbox
        stopped = {(topic, number) for number, owner in self._assignment.owners.items() for topic in owner.stopped()}
        applied = {
            (topic, partition): account.reached.applied[topic].offset
            for partition, account in outbox.accounts.items() if account.reached.applied
            for topic in SOURCES if (topic, partition) not in stopped
        }  # fmt: skip
        if self._progress.is_stuck(applied, outbox.ends, outbox.waits_for_clickhouse(), self._now()):
            faulthandler.dump_traceback()
            raise Stuck(f"input waits but nothing was applied for {self._timing.stuck_s:.0f} s; stacks are above")

    def _tell_tally(self) -> None:
        if self._now() - self._told_at < self._timing.tally_every_s:
            return
        tally: Counter[str] = Counter()
        for owner in self._assignment.owners.values():
            tally.update(owner.tally)
        if tally != self._told:
            log.info("records so far: %s", ", ".join(f"{count} {what}" for what, count in sorted(tally.items())))
        self._told, self._told_at = tally, self._now()

    async def _fetch_what_is_missing(self) -> None:
        fetched = self._positions()
        for number, owner in list(self._assignment.owners.items()):
            await owner.fetch_what_is_missing(
                {topic: fetched[topic, number] for topic in SOURCES if (topic, number) in fetched}
            )
