"""A real worker, scraped as Prometheus scrapes it, against what was published and what ClickHouse has."""

import subprocess
import time
from pathlib import Path
from shutil import which

import pytest
import urllib3
from kafka import KafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from schemas.codec import encode
from schemas.events import Event, Sale
from streams.brokers.topics import FEEDBACK, SALES
from streams.embedded.child import free_port
from streams.monitoring.catalogue import OF_A_WORKER
from tests.support.engines import PARTITIONS, Engines, engines, producing
from tests.support.tricky import tricky_events

NUMBERS = ("affiliate_panes", "topic_panes", "journeys", "answers", "comments", "reversals", "dead_letters")


class Scraped:
    """What a worker serves at an address."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/metrics"

    def text(self) -> str:
        """As it stands."""
        return str(urllib3.request("GET", self._url, timeout=10, retries=False).data.decode())

    def names(self) -> set[str]:
        """The metrics, without those of the process."""
        found = list(text_string_to_metric_families(self.text()))
        return {f.name + "_total" * (f.type == "counter") for f in found if not f.name.startswith("process_")}

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of a metric over all with these labels; None where it is absent, or nobody answers."""
        try:
            text = self.text()
        except urllib3.exceptions.HTTPError:
            return None
        found = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"posventa_worker_{name}" and labels.items() <= sample.labels.items()
        ]
        return sum(found) if found else None


def publish_odd_ones(producer: KafkaProducer, sale: Event) -> None:
    """A tombstone, something that is no event, and an event under a wrong key."""
    producer.send(SALES, None, key=b"k", partition=1)
    producer.send(FEEDBACK, b"no event", key=b"k", partition=2)
    producer.send(SALES, encode(sale), key=b"wrong", partition=3)


def test_a_scrape_agrees_with_what_was_published_and_what_clickhouse_has(tmp_path: Path) -> None:
    events = tricky_events(12, 200, time.time_ns() // 1_000_000 - 3_600_000)
    scraped = Scraped(address := f"127.0.0.1:{free_port()}")
    with engines(tmp_path) as running:
        running.start_worker(0, POSVENTA_METRICS_LISTEN=address)
        running.publish(events)
        with producing(running.kafka.bootstrap) as producer:
            publish_odd_ones(producer, next(event for event in events if isinstance(event, Sale)))
        read = len(events) + 3 + 1  # the one under a wrong key comes once more
        running.settle(read)
        running.wait_for(lambda: scraped.total("event_to_queryable_seconds_count") == read, "all to be queryable")

        assert scraped.names() == {metric.name for metric in OF_A_WORKER}
        assert scraped.total("answers") == 1
        assert scraped.total("records_total") == read == running.offsets()
        assert scraped.total("unit_records_sum") == read
        assert scraped.total("unit_seconds_count") == scraped.total("unit_records_count")
        assert scraped.total("tombstones_total") == 1
        assert scraped.total("rerouted_total", topic=SALES) == 1
        refused = running.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason")
        assert ("undecodable", 1) in refused
        assert {r: scraped.total("dead_letters_total", reason=r) for r, _ in refused} == dict(refused)
        assert scraped.total("dead_letters_total") == sum(count for _, count in refused)
        for table in NUMBERS:
            sent = scraped.total("rows_total", table=table)
            assert sent is not None
            assert sent >= running.query(f"SELECT count() FROM {table} FINAL")[0][0], table
        assert scraped.total("rows_total", table="dead_letters") == sum(count for _, count in refused)
        assert scraped.total("flush_seconds_count", outcome="taken")
        assert scraped.total("flush_seconds_count", outcome="away") == 0
        assert scraped.total("buffered_rows") == scraped.total("waiting_records") == 0
        assert scraped.total("claimed") == scraped.total("claims_total") == PARTITIONS
        assert scraped.total("failures_total") == scraped.total("stopped") == scraped.total("recovery_remaining") == 0
        assert (scraped.total("state_keys_estimate") or 0) > 0
        assert (scraped.total("rebalance_seconds_count") or 0) >= 1
        complete_is_as_reported(running, scraped)
        what_the_checker_says(scraped.text())


def complete_is_as_reported(running: Engines, scraped: Scraped) -> None:
    """Between what ClickHouse has heard before the scrape, and what it has heard after it."""
    asked = "SELECT complete_up_to FROM freshness_now WHERE topic = 'posventa.sales.v1' AND partition = 3"
    before = running.query(asked)[0][0].timestamp()
    said = scraped.total("complete_up_to_timestamp_seconds", topic=SALES, partition="3")
    assert said is not None
    assert said >= before
    running.wait_for(lambda: running.query(asked)[0][0].timestamp() >= said, "ClickHouse to have heard that")


def what_the_checker_says(text: str) -> None:
    """Prometheus's own, where it is installed (make promtool)."""
    if (promtool := which("promtool")) is None:
        pytest.skip("promtool is not installed: make promtool")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_outage_and_a_restart_show_at_the_worker(tmp_path: Path) -> None:
    events = tricky_events(14, 100, time.time_ns() // 1_000_000 - 3_600_000)
    half = len(events) // 2
    scraped = Scraped(address := f"127.0.0.1:{free_port()}")
    with engines(tmp_path, POSVENTA_METRICS_LISTEN=address) as running:
        running.start_worker(0)
        running.settle(published := running.publish(events[:half]))
        running.clickhouse.stop()
        running.publish(events[half:])
        running.wait_for(lambda: scraped.total("waits_for_clickhouse") == 1, "the outage to show")
        running.wait_for(lambda: (scraped.total("flush_seconds_count", outcome="away") or 0) > 0, "an attempt")
        assert (scraped.total("buffered_rows") or 0) > 0
        assert scraped.total("event_to_queryable_seconds_count") == published
        running.clickhouse.start()
        running.settle(len(events))
        running.wait_for(
            lambda: scraped.total("event_to_queryable_seconds_count") == len(events), "all to be queryable"
        )
        assert scraped.total("waits_for_clickhouse") == scraped.total("buffered_rows") == 0

        running.kill_worker(0)
        running.wait_for(lambda: scraped.total("claimed") == PARTITIONS, "the same port, and all partitions again")
        assert scraped.total("records_total") is None
        assert scraped.total("claims_total") == PARTITIONS


def test_an_address_that_is_taken_or_none_is_misuse_before_anything_starts(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        for wrong in (running.kafka.bootstrap, "9465"):
            running.start_worker(0, POSVENTA_METRICS_LISTEN=wrong)
            assert running.workers.pop(0).wait(30) == 2
            assert f"posventa: POSVENTA_METRICS_LISTEN={wrong}: " in (tmp_path / "worker-0.log").read_text()
