"""Partitions move calmly: who restarts takes its own place, and who stays is not disturbed."""

import time
from pathlib import Path

from kafka.admin import KafkaAdminClient

from streams.partition import GROUP
from tests.engines import Engines, engines
from tests.tricky import tricky_events


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


def _members(running: Engines) -> list[str]:
    """The names of the group's members."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    try:
        described = admin.describe_groups([GROUP])
    finally:
        admin.close()
    group = described[GROUP] if isinstance(described, dict) else described[0]
    return [member["group_instance_id"] for member in group["members"]]
