"""A worker that is asked to stop ends in time, whatever is away; what it left undone is done by the next one."""

import time
from pathlib import Path

import pytest

from tests.support.domain_strategies import A_SALE
from tests.support.engines import engines
from tests.support.tricky import tricky_events

# Fewer than the 30 s after which supervisors kill: see stop_s_max in streams/timing.py, and a little for the machine.
END_S = 20.0


@pytest.mark.parametrize("away", ["Kafka", "ClickHouse"])
def test_a_worker_ends_in_time_whatever_is_away_and_nothing_is_lost(tmp_path: Path, away: str) -> None:
    events = tricky_events(9, 600, time.time_ns() // 1_000_000 - 3_600_000)
    with engines(tmp_path, POSVENTA_FLUSH_ROWS="200") as running:  # soon full: owners wait for room
        running.start_worker(0)
        half = len(events) // 2
        published = running.publish(events[:half])
        running.wait_for(lambda: running.applied() > 0, "the first units")
        if away == "Kafka":
            running.kafka.kill()
        else:
            running.clickhouse.kill()
            published += running.publish(events[half:])
            log = tmp_path / "worker-0.log"
            running.wait_for(lambda: "trying again" in log.read_text(), "the worker to notice")
        worker = running.workers.pop(0)
        worker.terminate()
        worker.wait(END_S)
        if away == "Kafka":
            running.kafka.start()
            published += running.publish(events[half:])
        else:
            running.clickhouse.start()
        running.start_worker(0)
        running.settle(published)
        assert running.differences(events) == []


def test_the_last_word_of_a_worker_that_fails_is_why(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        running.start_worker(0)
        running.settle(running.publish([A_SALE]))
        running.workers[0].terminate()
        assert running.workers[0].wait(30) == 0
        running.start_worker(0, POSVENTA_PANE="10m")
        assert running.workers[0].wait(60) == 2
        log = (tmp_path / "worker-0.log").read_text()
    (last,) = [line for line in log.splitlines() if line.startswith("posventa: ")]
    assert "pane" in last
    assert "Traceback" not in log[log.index(last) :]
