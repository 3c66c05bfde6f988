"""Partitions move calmly: who restarts takes its own place, and who stays is not disturbed."""

import re
import time
from pathlib import Path

from kafka.admin import KafkaAdminClient

from streams.brokers.topics import GROUP
from tests.support.engines import Engines, engines
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


def _members(running: Engines) -> list[str]:
    """The names of the group's members."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    try:
        described = admin.describe_groups([GROUP])
    finally:
        admin.close()
    group = described[GROUP] if isinstance(described, dict) else described[0]
    return [member["group_instance_id"] for member in group["members"]]
