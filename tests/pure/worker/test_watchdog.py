"""A worker ends when input waits and nothing goes on, unless it is ClickHouse that it waits for."""

import asyncio
from collections.abc import Collection, Set
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from sinks.errors import SinkUnavailable
from sinks.tables import COMMENTS
from sinks.writer import SinkPosition
from streams.brokers.topics import SALES, SOURCES
from streams.changelog.meta import Applied
from streams.delivery.flush import Reached
from streams.delivery.freshness import Gauge, LogEnd
from streams.delivery.outbox import Account, Outbox
from streams.errors import Stuck
from streams.settings import Settings
from streams.timing import Clock, Timing
from streams.worker.watchdog import Watchdog
from tests.support.doubles import NoClickHouse, until

PARTITION = 3


@dataclass
class Watched:
    """An outbox, its watchdog, and the clock of both."""

    now: float = 0.0
    stopped: Set[str] = frozenset()  # topics whose next batch can't be read
    timing: Timing = field(init=False)
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.timing = Timing(Clock(monotonic=lambda: self.now))
        self.outbox = Outbox(Settings(flush_rows=1), self.timing, NoClickHouse(), 1, "test")

    def pass_time(self) -> None:
        """As long as a worker may be stuck, and a second."""
        assignment: Any = SimpleNamespace(owners={PARTITION: SimpleNamespace(stopped=lambda: self.stopped)})
        watchdog = Watchdog(Settings(), self.timing, assignment, self.outbox, dict)
        watchdog.check_progress()
        self.now += self.timing.stuck_s
        watchdog.check_progress()
        self.now += 1
        watchdog.check_progress()


@pytest.fixture
def watched() -> Watched:
    """One partition, of which a record waits."""
    found = Watched()
    reached = Reached(PARTITION, 1, 10, 10, {topic: Applied(5) for topic in SOURCES})
    gauges = {topic: Gauge(0) for topic in SOURCES}
    found.outbox.accounts[PARTITION] = Account({None}, lambda: None, lambda error: None, gauges, reached)
    found.outbox.ends[SALES, PARTITION] = LogEnd(6, 6, 0)
    return found


def test_no_progress_with_input_waiting_ends_loudly(watched: Watched) -> None:
    with pytest.raises(Stuck, match="input waits"):
        watched.pass_time()
    assert watched.now == watched.timing.stuck_s + 1


def test_who_waits_for_what_nobody_can_read_is_not_stuck(watched: Watched) -> None:
    watched.stopped = {SALES}
    watched.pass_time()
    watched.outbox.ends[SOURCES[1], PARTITION] = LogEnd(6, 6, 0)
    with pytest.raises(Stuck, match="input waits"):
        watched.pass_time()


def test_nothing_to_read_is_no_wedge(watched: Watched) -> None:
    watched.outbox.ends[SALES, PARTITION] = LogEnd(5, 5, 0)
    watched.pass_time()


class Away(NoClickHouse):
    """Answers nothing."""

    def positions(self, partitions: Collection[int]) -> dict[int, SinkPosition]:
        """Fails."""
        raise SinkUnavailable("away")


def test_waiting_for_a_clickhouse_that_is_away_is_no_wedge(watched: Watched) -> None:
    async def scenario() -> None:
        accounts = watched.outbox.accounts
        watched.outbox = Outbox(Settings(), watched.timing, Away(), 1, "test")
        watched.outbox.accounts, watched.outbox.ends = accounts, {(SALES, PARTITION): LogEnd(6, 6, 0)}
        flush = asyncio.create_task(watched.outbox.flush())
        await until(watched.outbox.waits_for_clickhouse)
        watched.pass_time()
        flush.cancel()
        await asyncio.gather(flush, return_exceptions=True)

    asyncio.run(scenario())


def test_waiting_for_room_while_clickhouse_is_slow_is_no_wedge(watched: Watched) -> None:
    watched.outbox.put(0, {COMMENTS: dict.fromkeys(range(10), b"")})
    watched.pass_time()
