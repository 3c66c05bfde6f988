"""What the commands print with --json has the keys and types of the examples in docs/reference/commands.md."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.support.commands_page import example_of, fits
from tests.support.engines import Engines, engines

POSVENTA: Final = str(Path(sys.executable).with_name("posventa"))
ENOUGH_S: Final = 60
GROSS: Final = (
    "explain", "--brand", "acme", "--affiliate", "ana", "--currency", "EUR", "--measure", "gross",
)  # fmt: skip


def _lines(now: datetime) -> dict[str, list[dict[str, Any]]]:
    """A sale of two hours ago and what was said of it since."""
    who = {"brand_id": "acme", "customer_id": "cust-7", "affiliate_id": "ana"}
    sale = {
        "event_id": "evt-1", "sale_id": "order-42", "action": "PLACED", "product_id": "sku-9", "offering": "PHYSICAL",
        "amount": "49.90", "commission": "4.99", "currency": "EUR",
        "occurred_at": (now - timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    answer = {
        "event_id": "evt-2", "feedback_id": "survey-42", "action": "ANSWERED", "metric": "NPS", "score": 9,
        "findings": [{"verdict": "DONE_RIGHT", "topic": "delivery"}], "occurred_at": now.isoformat(),
    }  # fmt: skip
    return {"sales": [sale | who], "feedback": [answer | who, {"event_id": "evt-3"}]}


def _run(running: Engines, *command: str) -> tuple[int, Any]:
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
    }
    done = subprocess.run([POSVENTA, *command, "--json"], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def _watched(running: Engines) -> tuple[int, Any]:
    """Two looks of a lag that goes on until it is interrupted; the second."""
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
    }
    command = [POSVENTA, "lag", "--json", "--watch", "--max-seconds", "30"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        _, second = watching.stdout.readline(), watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
    return watching.returncode, json.loads(second)


def test_each_command_prints_what_its_example_shows(tmp_path: Path) -> None:
    printed: dict[str, tuple[int, Any]] = {}
    with engines(tmp_path) as running:
        printed["migrate"] = _run(running, "migrate")
        for topic, lines in _lines(datetime.now(UTC)).items():
            file = tmp_path / f"{topic}.jsonl"
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
            printed["publish"] = _run(running, "publish", "--topic", topic, str(file))
        running.start_worker(0)
        deadline = time.monotonic() + ENOUGH_S
        while _run(running, "lag")[0] or not (report := _run(running, "report"))[1]["topics"]:
            assert time.monotonic() < deadline, "the numbers of three events"
            time.sleep(0.2)
        printed |= {"report": report, "mark": _run(running, "mark", "acme:cust-7")}
        comments = tmp_path / "comments.jsonl"
        comments.write_text(
            json.dumps({"id": "survey-42", "comment": "Fast delivery, but the zip broke.", "language": "en"})
        )
        printed["read"] = _run(running, "read", str(comments))
        printed["explain"] = _run(running, *GROSS, "--window", "30d")
        assert printed["explain"][1]["total"] == "49.9000"
        assert _run(running, "migrate") == (0, {"applied": []})
        printed["lag"] = _watched(running)
    assert {command: code for command, (code, _) in printed.items()} == {
        "migrate": 0, "publish": 1, "report": 0, "lag": 0, "mark": 0, "explain": 0, "read": 0,
    }  # fmt: skip
    for command, (_, found) in printed.items():
        assert fits(found, example_of(command)), (command, found)
