"""posventa lag and posventa report, asked as ops and affiliates ask: without a worker, and with one."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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
