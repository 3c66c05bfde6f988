"""Watches the ends of the source logs and this worker's own progress.

Owns two consumers without a group. Never consumes. Invariant: a worker that makes no progress although input waits and
ClickHouse takes what it is given ends loudly, so that its supervisor starts another.
"""

import asyncio
import faulthandler
import logging
import time
from collections import Counter
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import SOURCES
from streams.delivery.freshness import LogEnd
from streams.delivery.outbox import Outbox
from streams.errors import PosventaError
from streams.settings import Settings
from streams.worker.assignment import Assignment

log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
_TELL_EVERY_S: Final = 10.0
# A broker restart, a rebalance and a recovery each take less; more is a wedge.
_STUCK_S: Final = 180.0


class Stuck(PosventaError):
    """No progress with input waiting."""


class Watch:
    """`positions` gives the fetch positions of this worker's consumer by (topic, partition)."""

    def __init__(self, settings: Settings, assignment: Assignment, outbox: Outbox, positions: Any) -> None:
        self._settings = settings
        self._assignment = assignment
        self._outbox = outbox
        self._positions = positions
        self._seen: dict[tuple[str, int], int] = {}
        self._progress_at = time.monotonic()
        self._told: Counter[str] = Counter()
        self._told_at = time.monotonic()

    async def run(self) -> None:
        """Runs as long as the worker. Raises Stuck."""
        consumers = [
            aiokafka.AIOKafkaConsumer(**aiokafka_settings(self._settings), isolation_level=level)
            for level in ("read_committed", "read_uncommitted")
        ]
        try:
            for consumer in consumers:
                await consumer.start()
            while True:
                try:
                    await self._look(*consumers)
                except KafkaError as error:
                    log.warning("the ends of the source topics can't be read: %r", error)
                await asyncio.sleep(_EVERY_S)
        finally:
            for consumer in consumers:
                await consumer.stop()

    async def _look(self, stable: Any, high: Any) -> None:
        tps = [aiokafka.TopicPartition(topic, number) for number in self._assignment.owners for topic in SOURCES]
        if not tps:
            return
        checked_at = time.time_ns() // 1_000_000
        ends, highs = await stable.end_offsets(tps), await high.end_offsets(tps)
        for tp in tps:
            self._outbox.ends[tp.topic, tp.partition] = LogEnd(ends[tp], highs[tp], checked_at)
        self._check_progress()
        self._log_tally()
        fetched = self._positions()
        for number, owner in list(self._assignment.owners.items()):
            await owner.fetch_what_is_missing(
                {topic: fetched[topic, number] for topic in SOURCES if (topic, number) in fetched}
            )

    def _log_tally(self) -> None:
        if time.monotonic() - self._told_at < _TELL_EVERY_S:
            return
        tally: Counter[str] = Counter()
        for owner in self._assignment.owners.values():
            tally.update(owner.tally)
        if tally != self._told:
            log.info("records so far: %s", ", ".join(f"{count} {what}" for what, count in sorted(tally.items())))
        self._told, self._told_at = tally, time.monotonic()

    def _check_progress(self) -> None:
        now = time.monotonic()
        reached = {
            (topic, partition): account.mark.applied[topic].offset
            for partition, account in self._outbox.accounts.items() if account.mark.applied
            for topic in SOURCES
        }  # fmt: skip
        waiting = any(
            self._outbox.ends[tp].stable > offset for tp, offset in reached.items() if tp in self._outbox.ends
        )
        clickhouse_is_waited_for = self._outbox.waiting_since is not None or not self._outbox.has_room()
        if reached != self._seen or not waiting or clickhouse_is_waited_for:
            self._seen, self._progress_at = reached, now
        elif now - self._progress_at > _STUCK_S:
            faulthandler.dump_traceback()
            raise Stuck(f"input waits but nothing was applied for {_STUCK_S:.0f} s; stacks are above")
