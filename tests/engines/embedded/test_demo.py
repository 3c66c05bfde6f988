"""The demo ends in the report of all that it published, and leaves nothing behind. Its story: tests/pure/demo."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from streams.demo.cast import BRANDS
from tests.support.commands_page import keys_of
from tests.support.processes import POSVENTA

REPORT_S = 60  # from the start of the demo, at the latest


@pytest.mark.e2e
def test_the_demo_ends_with_a_report_of_all_that_it_published(tmp_path: Path) -> None:
    done = subprocess.run(
        [POSVENTA, "demo", "--json", "--seconds", "3", "--dir", str(tmp_path / "demo")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == keys_of("demo")
    assert found["freshness"][0]["lag_records"] == 0
    month = {(row["brand_id"], row["affiliate_id"]) for row in found["rolling"] if row["window"] == "30d"}
    assert month == {(brand.brand_id, seller.affiliate_id or "") for brand in BRANDS for seller in brand.affiliates}
    hour = [row["sales"] for row in found["rolling"] if row["window"] == "1h"]
    assert sum(hour) > 10
    assert found["web"].startswith("http://127.0.0.1:")


def processes_of(directory: Path) -> list[str]:
    """Running processes whose command line or environment (a demo's TMPDIR, inherited by all it starts) names it."""
    found = subprocess.run(["ps", "axeww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if str(directory) in line]


@pytest.mark.e2e
def test_the_demo_shows_everybody_and_its_page_and_leaves_no_process(tmp_path: Path) -> None:
    started_s = time.monotonic()
    done = subprocess.run(
        [POSVENTA, *"demo --seconds 3 --lang en --kafka-port 0 --http-port 0 --web-port 0".split()],
        capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started_s < REPORT_S
    for brand in BRANDS:
        for seller in brand.affiliates:
            assert (seller.affiliate_id or brand.brand_id) in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    assert not processes_of(tmp_path)
    assert not list(tmp_path.glob("posventa-demo-*"))


@pytest.mark.e2e
def test_a_demo_that_is_told_to_stop_leaves_no_process_and_no_directory(tmp_path: Path) -> None:
    ports = ["--kafka-port", "0", "--http-port", "0", "--web-port", "0"]
    with subprocess.Popen(
        [POSVENTA, "demo", "--seconds", "600", *ports],
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as running:  # fmt: skip
        assert running.stderr is not None
        assert any("streamed in" in line for line in running.stderr)
        assert len(processes_of(tmp_path)) == len(("demo", "kafka", "clickhouse", "worker", "web"))
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert not processes_of(tmp_path)
    assert not list(tmp_path.glob("posventa-demo-*"))
