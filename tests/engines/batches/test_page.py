"""docs/batches.md: its example, run."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.pure.batches.test_library import ALONE, lift
from tests.support.batches_app import make_topic, publish, publish_in_transactions, until
from tests.support.places import ROOT


def test_the_example_of_the_page_counts_orders_with_a_copy_alone(kafka: str, tmp_path: Path) -> None:
    lift(tmp_path)
    page = (ROOT / "docs" / "batches.md").read_text()
    example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    topic = make_topic(kafka, "orders")
    asyncio.run(publish(kafka, topic, [b"one", b"two"]))
    program = tmp_path / "counting.py"
    program.write_text(ALONE + example.replace("streams.batches", "lifted").replace("127.0.0.1:9092", kafka))
    environment = os.environ | {"FAUST_DATADIR": str(tmp_path / "data"), "FAUST_WEB_ENABLED": "false"}
    log = tmp_path / "log"
    with log.open("w") as out:
        worker = subprocess.Popen(
            [sys.executable, str(program), "worker", "-l", "warn"],
            cwd=tmp_path, env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        asyncio.run(until(lambda: "[b'one', b'two']" in log.read_text()))
        asyncio.run(publish_in_transactions(kafka, topic, [([b"no"], False), ([b"three"], True)]))
        asyncio.run(until(lambda: "[b'three']" in log.read_text()))
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)
    assert log.read_text().count("b'one'") == 1
