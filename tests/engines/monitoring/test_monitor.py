"""posventa monitor, scraped as Prometheus scrapes it, against what is true: no worker, one that reads, servers gone."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import REASONS
from streams.embedded.child import free_port
from tests.support.engines import PARTITIONS, Engines, engines
from tests.support.processes import POSVENTA
from tests.support.tricky import tricky_events


class Scraped:
    """The monitor's address, and sums over what it serves."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/metrics"

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of a metric over all with these labels; None where it is absent."""
        text = urllib3.request("GET", self._url, timeout=10).data.decode()
        found = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found) if found else None


@contextmanager
def monitored(running: Engines, log: Path) -> Iterator[Scraped]:
    address = f"127.0.0.1:{free_port()}"
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
    }
    with log.open("wb") as written:
        monitor = subprocess.Popen(
            [POSVENTA, "monitor", "--listen", address], env=environment, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        running.wait_for(lambda: b"Ready" in log.read_bytes() or monitor.poll() is not None, "the monitor")
        yield Scraped(address)
    finally:
        monitor.send_signal(signal.SIGTERM)
        code = monitor.wait(30)
    assert code == 0, log.read_text()


def test_the_monitor_tells_the_truth_with_and_without_a_worker_and_a_server(tmp_path: Path) -> None:
    events = tricky_events(11, 100, time.time_ns() // 1_000_000 - 3_600_000)
    with engines(tmp_path) as running:
        published = running.publish(events)
        with monitored(running, tmp_path / "monitor.log") as scraped:
            assert scraped.total("kafka_consumergroup_group_lag") == published
            assert scraped.total("kafka_partition_latest_offset") == published
            assert scraped.total("kafka_consumergroup_group_offset") is None
            assert scraped.total("posventa_group_members") == 0
            assert scraped.total("posventa_status", status="no worker") == 2 * PARTITIONS
            assert scraped.total("posventa_complete_up_to_timestamp_seconds") is None

            running.start_worker(0)
            running.settle(published)
            running.wait_for(lambda: scraped.total("kafka_consumergroup_group_lag") == 0, "no lag")
            running.wait_for(lambda: scraped.total("posventa_status", status="no worker") == 0, "a worker")
            assert scraped.total("posventa_group_members") == 1
            assert scraped.total("posventa_generation") == 1
            refused = scraped.total("posventa_dead_letters_total")
            assert refused == running.query("SELECT count() FROM dead_letters FINAL")[0][0]
            assert all(scraped.total("posventa_dead_letters_total", reason=reason) is not None for reason in REASONS)

            running.clickhouse.stop()
            running.wait_for(lambda: scraped.total("posventa_reached", server="clickhouse") == 0, "ClickHouse missed")
            assert scraped.total("posventa_status") is None
            assert scraped.total("kafka_partition_latest_offset") is not None
            running.clickhouse.start()
            running.wait_for(lambda: scraped.total("posventa_reached", server="clickhouse") == 1, "ClickHouse back")


def test_an_address_that_is_none_or_taken_is_misuse(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        environment = os.environ | {
            "POSVENTA_KAFKA": running.kafka.bootstrap, "POSVENTA_CLICKHOUSE": running.clickhouse.url
        }  # fmt: skip
        for wrong in ("9464", running.kafka.bootstrap):
            done = subprocess.run(
                [POSVENTA, "monitor", "--listen", wrong], env=environment, capture_output=True, text=True, check=False,
                timeout=60,
            )  # fmt: skip
            assert done.returncode == 2, done.stderr
            assert done.stderr.startswith(f"posventa: --listen {wrong}: ")
