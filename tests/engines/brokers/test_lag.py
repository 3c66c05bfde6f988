"""posventa lag and posventa report, asked as ops and affiliates ask: without a worker, and with one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import NoError
from kafka.structs import OffsetAndMetadata, TopicPartition

from sinks.client import connect
from streams.brokers.topics import GROUP, SOURCES, STATE
from tests.support.engines import PARTITIONS, Engines, engines
from tests.support.processes import POSVENTA
from tests.support.tricky import tricky_events


def run(running: Engines, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
    }
    return subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)


def ask(running: Engines, *command: str) -> tuple[int, Any]:
    done = run(running, POSVENTA, *command)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def loads_faust(running: Engines) -> bool:
    """Whether lag did. It needs Faust's consumer only to see how old waiting records are."""
    imported = run(running, sys.executable, "-X", "importtime", POSVENTA, "lag").stderr
    assert "streams.brokers.lag" in imported
    return any(line.rpartition("|")[2].strip() == "faust" for line in imported.splitlines())


def test_lag_is_told_without_a_worker_and_gone_after_one_caught_up(tmp_path: Path) -> None:
    events = tricky_events(11, 100, time.time_ns() // 1_000_000 - 3_600_000)
    with engines(tmp_path) as running:
        published = running.publish(events)
        code, rows = ask(running, "lag")
        assert code == 1
        assert len(rows) == 2 * PARTITIONS
        assert sum(row["lag_records"] for row in rows) == published
        assert {row["status"] for row in rows} == {"no worker"}
        assert all(row["lag_seconds"] > 0 for row in rows if row["lag_records"])
        assert loads_faust(running)

        running.start_worker(0)
        running.settle(published)
        running.wait_for(lambda: ask(running, "lag")[0] == 0, "no lag")
        _, rows = ask(running, "lag")
        assert sum(row["lag_records"] for row in rows) == 0
        assert not loads_faust(running)

        code, report = ask(running, "report", "--at", "2100-01-01")
        assert (code, report["rolling"]) == (0, [])
        code, report = ask(running, "report", "--affiliate", "ana")
        assert code == 0
        assert {row["affiliate_id"] for row in report["rolling"]} == {"ana"}
        assert report["freshness"][0]["status"] == "ok"
        assert ask(running, "report", "--brand", "nobody")[0] == 1


def statuses(running: Engines) -> set[str]:
    code, rows = ask(running, "lag")
    found = {row["status"] for row in rows}
    assert code == (0 if found <= {"ok", "idle"} else 1)
    return found


def stop_worker(running: Engines) -> None:
    worker = running.workers.pop(0)
    worker.terminate()
    worker.wait(20)


def test_what_cannot_be_known_is_not_called_fine(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        published = running.publish(tricky_events(11, 10, time.time_ns() // 1_000_000))
        running.start_worker(0)
        running.settle(published)
        running.wait_for(lambda: statuses(running) == {"ok"}, "no lag")

        assert running.kafka.child is not None
        assert running.kafka.child.pid is not None
        os.kill(running.kafka.child.pid, signal.SIGSTOP)
        try:
            asked = "SELECT DISTINCT status FROM freshness_now"
            running.wait_for(lambda: running.query(asked) == [("stalled",)], "a frozen Kafka to be noticed")
            _, rows = ask(running, "lag")
            assert {row["status"] for row in rows} == {"stalled"}
            assert len(rows) == 2 * PARTITIONS
        finally:
            os.kill(running.kafka.child.pid, signal.SIGCONT)
        running.wait_for(lambda: statuses(running) == {"ok"}, "Kafka to be heard again")

        running.clickhouse.stop()
        assert statuses(running) == {"unknown"}


def test_offsets_of_the_group_that_are_not_the_states_are_not_believed(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        published = running.publish(tricky_events(11, 10, time.time_ns() // 1_000_000))
        running.start_worker(0)
        running.settle(published)
        stop_worker(running)
        admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
        try:
            # as when they expired: nothing new comes, and yet all is applied
            tps = [TopicPartition(topic, number) for topic in SOURCES for number in range(PARTITIONS)]
            offsets = dict.fromkeys(tps, OffsetAndMetadata(0, "", -1))
            running.wait_for(
                lambda: set(admin.alter_group_offsets(GROUP, offsets).values()) == {NoError},
                "the worker's session to end",
            )
            assert sum(row["lag_records"] for row in ask(running, "lag")[1]) == published
            running.start_worker(0)
            running.wait_for(lambda: statuses(running) == {"ok"}, "the claims to tell the group where they are")
            assert sum(row["lag_records"] for row in ask(running, "lag")[1]) == 0
            stop_worker(running)
            # a start from nothing, with the group left
            admin.delete_topics([STATE])
            running.wait_for(lambda: STATE not in admin.list_topics(), "the changelog to be gone")
        finally:
            admin.close()
        client = connect(running.clickhouse.url)
        client.command("DROP DATABASE posventa")
        client.close()
        _, rows = ask(running, "lag")
        assert sum(row["lag_records"] for row in rows) == published
        assert {row["status"] for row in rows} == {"no worker"}
        running.start_worker(0)
        running.settle(published)
