"""Partitions move calmly: who restarts takes its own place, and who stays is not disturbed."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from streams.brokers.topics import GROUP
from tests.support.engines import Engines, engines
from tests.support.processes import POSVENTA, gone
from tests.support.tricky import tricky_events

SESSION_S = 6.0  # of tests.support.engines


def newest() -> int:
    return time.time_ns() // 1_000_000 - 3_600_000


def claims(running: Engines) -> dict[int, int]:
    """How many owners each partition has had, as its owner last reported."""
    return dict(running.query("SELECT source_partition, max(claim) FROM freshness FINAL GROUP BY source_partition"))


def test_a_killed_worker_is_back_long_before_its_session_ends(tmp_path: Path) -> None:
    session_s = 60
    events = tricky_events(11, 300, newest())
    with engines(tmp_path, POSVENTA_SESSION_TIMEOUT=f"{session_s}s") as running:
        running.start_worker(0)
        published = running.publish(events[: len(events) // 2])
        running.settle(published)
        published += running.publish(events[len(events) // 2 :])
        begun = time.monotonic()
        running.kill_worker(0)
        running.settle(published)
        assert time.monotonic() - begun < session_s / 2
        assert running.differences(events) == []
        members = _members(running)
        assert len(members) == 1
        assert members[0] == (tmp_path / "state-0" / "worker").read_text()


def test_who_joins_and_leaves_disturbs_no_partition_that_stays(tmp_path: Path) -> None:
    events = tricky_events(14, 600, newest())
    thirds = [events[start::3] for start in range(3)]
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = running.publish(thirds[0])
        running.settle(published)
        first = claims(running)
        running.start_worker(1)
        running.wait_for(lambda: claims(running) != first, "partitions to move")
        published += running.publish(thirds[1])
        running.settle(published)
        joined = claims(running)
        stayed = {number for number in first if joined[number] == first[number]}
        assert len(stayed) == len(first) // 2
        leaving = running.workers.pop(1)
        leaving.terminate()
        published += running.publish(thirds[2])
        running.settle(published)
        assert leaving.wait(20) == 0
        left = claims(running)
        assert {number: left[number] for number in stayed} == {number: first[number] for number in stayed}
        assert all(left[number] == joined[number] + 1 for number in first.keys() - stayed)
        assert running.differences(events) == []
        pauses = [float(s) for s in re.findall(r"fetched for ([\d.]+) s", (tmp_path / "worker-0.log").read_text())]
        assert len(pauses) == 3
        assert max(pauses[1:]) < SESSION_S


@pytest.mark.parametrize("is_running", [True, False])
def test_who_leaves_for_good_hands_over_at_once(tmp_path: Path, is_running: bool) -> None:
    session_s = 120
    events = tricky_events(16, 300, newest())
    half = len(events) // 2
    with engines(tmp_path, POSVENTA_SESSION_TIMEOUT=f"{session_s}s") as running:
        running.start_worker(0)
        running.start_worker(1)
        published = running.publish(events[:half])
        running.settle(published)
        running.wait_for(lambda: len(_members(running)) == 2, "both to be members")
        running.wait_for(lambda: len(workers_of(running)) == 2, "both to own partitions")
        before = claims(running)
        leaving = running.workers.pop(1)
        if not is_running:
            leaving.kill()
            leaving.wait()
        begun = time.monotonic()
        left = leave(running, 1)
        took_s = time.monotonic() - begun
        assert (left.returncode, left.stdout) == (0, "left: its partitions go to the other workers\n"), left.stderr
        assert _members(running) == [(tmp_path / "state-0" / "worker").read_text()]
        published += running.publish(events[half:])
        running.settle(published)
        handed_over_s = time.monotonic() - begun
        assert handed_over_s < session_s / 3, (took_s, handed_over_s)
        print(f"left in {took_s:.1f} s, all applied by the other worker after {handed_over_s:.1f} s")
        moved = [number for number, claim in claims(running).items() if claim != before[number]]
        assert len(moved) == len(before) // 2
        assert running.differences(events) == []
        if is_running:
            assert leaving.wait(20) == 0
            assert "left the group" in (tmp_path / "worker-1.log").read_text()
        assert gone(leaving.pid)
        assert leave(running, 1).stdout == "it was not in the group\n"
        assert not (tmp_path / "state-1" / "leave").exists()


def workers_of(running: Engines) -> set[str]:
    """Who reports partitions."""
    return {worker for (worker,) in running.query("SELECT DISTINCT worker FROM freshness FINAL")}


def leave(running: Engines, number: int) -> subprocess.CompletedProcess[str]:
    """What an operator types for a worker that is to go."""
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_STATE_DIR": str(running.directory / f"state-{number}"),
    }
    command = [POSVENTA, "worker", "--leave"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _members(running: Engines) -> list[str]:
    """The names of the group's members."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    try:
        described = admin.describe_groups([GROUP])
    finally:
        admin.close()
    group = described[GROUP] if isinstance(described, dict) else described[0]
    return [member["group_instance_id"] for member in group["members"]]
