"""A worker ends when input waits and nothing goes on, unless it is ClickHouse that it waits for."""

import time

import pytest

from sinks.tables import COMMENTS
from streams.brokers.topics import SALES, SOURCES
from streams.changelog.meta import Applied
from streams.delivery.freshness import Gauge, LogEnd
from streams.delivery.outbox import Account, Mark, Outbox
from streams.settings import Settings
from streams.worker.watchdog import Stuck, Watch
from tests.support.doubles import NoClickHouse

PARTITION = 3


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """One partition, of which a record waits."""
    monkeypatch.setattr("streams.worker.watchdog._STUCK_S", 0.0)
    found = Outbox(Settings(flush_rows=1), NoClickHouse(), 1, "test")
    mark = Mark(PARTITION, 1, 10, 10, {topic: Applied(5) for topic in SOURCES})
    gauges = {topic: Gauge(0) for topic in SOURCES}
    found.accounts[PARTITION] = Account({None}, lambda: None, lambda error: None, gauges, mark)
    found.ends[SALES, PARTITION] = LogEnd(6, 6, 0)
    return found


def looked_twice(outbox: Outbox) -> None:
    watch = Watch(Settings(), None, outbox, None)  # type: ignore[arg-type]
    for _ in range(2):
        watch._check_progress()
        time.sleep(0.001)


def test_no_progress_with_input_waiting_ends_loudly(outbox: Outbox) -> None:
    with pytest.raises(Stuck, match="input waits"):
        looked_twice(outbox)


def test_nothing_to_read_is_no_wedge(outbox: Outbox) -> None:
    outbox.ends[SALES, PARTITION] = LogEnd(5, 5, 0)
    looked_twice(outbox)


def test_waiting_for_a_clickhouse_that_is_away_is_no_wedge(outbox: Outbox) -> None:
    outbox.waiting_since = time.monotonic()
    looked_twice(outbox)


def test_waiting_for_room_while_clickhouse_is_slow_is_no_wedge(outbox: Outbox) -> None:
    outbox.put(0, {COMMENTS: dict.fromkeys(range(10), b"")})
    looked_twice(outbox)
