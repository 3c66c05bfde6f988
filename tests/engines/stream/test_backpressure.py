"""Whatever ails ClickHouse or Kafka for longer than a session: consumption pauses, the worker stays in its group, its memory is
bounded, nothing is lost, and it catches up by itself."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.brokers.lag import read_lag
from tests.faults.proxy import Mischief, Proxy
from tests.support.engines import Engines, engines
from tests.support.tricky import tricky_events

CUSTOMERS: Final = 1000
TROUBLE_S: Final = 7.5  # the workers' session ends after 6
KAFKA_AWAY_S: Final = 4.0  # within a session: who can't reach the group for longer has to leave it
# MEMORY_LIMIT_EXCEEDED, NOT_ENOUGH_SPACE, TOO_MANY_SIMULTANEOUS_QUERIES, TOO_MANY_PARTS.
REFUSALS: Final = (241, 243, 202, 252)
# Then what waits for ClickHouse is at most four flushes of 200 rows and a unit of each partition.
SMALL_UNITS: Final = {"POSVENTA_POLL_RECORDS_MAX": "50", "POSVENTA_UNIT_RECORDS_MAX": "50"}
GROWTH_MB_MAX: Final = 80


@contextmanager
def refusing(running: Engines, proxy: Proxy) -> Iterator[None]:
    """Every refusal in its turn."""
    proxy.mischief.refuse_status, proxy.mischief.refuse_code = 500, REFUSALS[0]
    log = running.directory / "worker-0.log"
    turns = threading.Thread(target=_take_turns, args=(proxy.mischief, log))
    turns.start()
    yield
    proxy.mischief.refuse_status = 0
    turns.join()
    assert _untold(log) == []


def _take_turns(mischief: Mischief, log: Path) -> None:
    """Until the worker has told of each: who else asks ClickHouse meanwhile takes no turn."""
    while mischief.refuse_status:
        mischief.refuse_code = next(iter(_untold(log)), REFUSALS[0])
        time.sleep(0.02)


def _untold(log: Path) -> list[int]:
    text = log.read_text()
    return [code for code in REFUSALS if f"Code: {code}." not in text]


@contextmanager
def slow(running: Engines, proxy: Proxy) -> Iterator[None]:
    """Each request takes long enough that a flush, of several, takes longer than a session."""
    proxy.mischief.delay_s = 3.0
    yield
    proxy.mischief.delay_s = 0.0


@contextmanager
def hanging(running: Engines, _: Proxy) -> Iterator[None]:
    """It takes requests and does not answer."""
    with paused(running.clickhouse.child.pid):
        yield


@contextmanager
def paused(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_clickhouse_in_trouble_pauses_consumption_and_no_more(tmp_path: Path) -> None:
    troubles = (refusing, slow, hanging)
    events = tricky_events(12, CUSTOMERS, time.time_ns() // 1_000_000 - 3_600_000)
    first, *rest = (events[start :: len(troubles) + 1] for start in range(len(troubles) + 1))
    with engines(tmp_path, POSVENTA_FLUSH_ROWS="200", **SMALL_UNITS) as running, Proxy(running.clickhouse.url) as proxy:
        running._settings["POSVENTA_CLICKHOUSE"] = proxy.url
        running.start_worker(0)
        pid = running.workers[0].pid
        published = running.publish(first)
        running.settle(published)
        calm_mb = resident_mb(pid)
        for trouble, more in zip(troubles, rest, strict=True):
            running.wait_for(lambda: lag(running) == 0, "a calm beginning")
            with trouble(running, proxy):
                published += running.publish(more)
                time.sleep(TROUBLE_S)  # the trouble itself
                assert lag(running) > len(more) // 2, trouble.__name__
                assert resident_mb(pid) - calm_mb < GROWTH_MB_MAX, trouble.__name__
            running.settle(published)
        assert running.differences(events) == []
        assert_undisturbed(running, pid)


def test_a_slow_kafka_is_waited_for(tmp_path: Path) -> None:
    events = tricky_events(13, 300, time.time_ns() // 1_000_000 - 3_600_000)
    with engines(tmp_path, POSVENTA_SESSION_TIMEOUT="10s") as running:
        running.start_worker(0)
        pid = running.workers[0].pid
        half = len(events) // 2
        published = running.publish(events[:half])
        running.wait_for(lambda: running.applied() > 0, "the first units")
        assert running.kafka.child is not None
        with paused(running.kafka.child.pid):
            time.sleep(KAFKA_AWAY_S)
        published += running.publish(events[half:])
        running.settle(published)
        assert running.differences(events) == []
        assert_undisturbed(running, pid)


def assert_undisturbed(running: Engines, pid: int) -> None:
    """The same process, in the generation of the group in which it began."""
    assert running.workers[0].pid == pid
    assert running.workers[0].poll() is None
    log = (running.directory / "worker-0.log").read_text()
    assert log.count("Executing _on_partitions_assigned") == 1


def lag(running: Engines) -> int:
    """Records that are not committed yet."""
    return sum(found.lag_records for found in read_lag(running.settings(), time.time_ns() // 1_000_000))


def resident_mb(pid: int) -> int:
    """What a process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024
