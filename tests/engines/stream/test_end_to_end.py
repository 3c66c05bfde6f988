"""The whole job as a user runs it: posventa up, posventa publish, and ClickHouse equal to the oracle."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

from schemas.codec import encode
from schemas.events import Event, Feedback, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.domain.rules import Rules
from streams.embedded.password import as_writer, found_password
from streams.publishing.olist import read_olist
from tests.support.comparison import differences
from tests.support.engines import PARTITIONS, producing
from tests.support.places import OLIST
from tests.support.processes import POSVENTA
from tests.support.tricky import tricky_events

READY_S = 60
SETTLE_S = 90

pytestmark = pytest.mark.e2e


@contextmanager
def up(directory: Path, workers: int = 1) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A running `posventa up` and what it printed, ClickHouse's address with the password that base tables want; stopped by
    SIGTERM unless it is dead already."""
    ports = ("--kafka-port", "0", "--http-port", "0", "--web-port", "0")
    with (directory / "up.log").open("a") as log:
        process = subprocess.Popen(
            [POSVENTA, "up", "--json", "--dir", str(directory / "up"), "--workers", str(workers), *ports],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()  # ends with the process, at the latest
        assert line, (directory / "up.log").read_text()
        addresses = json.loads(line)
        password = found_password(directory / "up")
        assert password is not None
        yield addresses | {"clickhouse": as_writer(addresses["clickhouse"], password)}, process
        if process.poll() is None:
            process.terminate()
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def publish(kafka: str, events: list[Event]) -> None:
    with producing(kafka) as producer:
        for event in events:
            key = record_key(event)
            topic = FEEDBACK if isinstance(event, Feedback) else SALES
            producer.send(topic, encode(event), key=key, partition=partition_for(key, PARTITIONS))


def settle(clickhouse: str, published: int) -> None:
    """Waits until so many records are applied, as any BI tool can see it: by freshness alone."""
    deadline = time.monotonic() + SETTLE_S
    while (applied := _applied(clickhouse)) < published:
        assert time.monotonic() < deadline, f"{applied} of {published} offsets applied"
        time.sleep(0.2)


def _applied(clickhouse: str) -> int:
    try:
        with clickhouse_connect.get_client(dsn=clickhouse, database="posventa") as client:
            return int(client.query("SELECT sum(applied_offset) FROM freshness FINAL").result_rows[0][0])
    except clickhouse_connect.driver.exceptions.Error:
        return 0  # it was killed, and comes back


@pytest.mark.skipif(not OLIST.exists() and "CI" not in os.environ, reason="the Olist sample is not on this machine")
def test_real_orders_and_reviews_published_twice_equal_the_oracle_both_times(tmp_path: Path) -> None:
    events = list(read_olist(OLIST).events())
    with up(tmp_path) as (addresses, _):
        environment = os.environ | {
            "POSVENTA_KAFKA": addresses["kafka"],
            "POSVENTA_CLICKHOUSE": addresses["clickhouse"],
        }
        published = subprocess.run(
            [POSVENTA, "publish", "--olist", str(OLIST)], env=environment, check=True, capture_output=True, text=True
        )
        assert str(len(events)) in published.stdout.replace(",", "")
        settle(addresses["clickhouse"], len(events))
        assert differences(addresses["clickhouse"], events, Rules()) == []
        publish(addresses["kafka"], random.Random(1).sample(events, len(events)))
        settle(addresses["clickhouse"], 2 * len(events))
        assert differences(addresses["clickhouse"], events, Rules()) == []


def test_up_killed_mid_stream_goes_on_where_it_stopped(tmp_path: Path) -> None:
    events = tricky_events(9, 1500, time.time_ns() // 1_000_000 - 3_600_000)
    third = len(events) // 3
    with up(tmp_path, workers=2) as (addresses, process):
        publish(addresses["kafka"], events[:third])
        settle(addresses["clickhouse"], third // 2)
        publish(addresses["kafka"], events[third : 2 * third])
        process.send_signal(signal.SIGKILL)
        process.wait()
    with up(tmp_path, workers=1) as (addresses, _):
        publish(addresses["kafka"], events[2 * third :])
        settle(addresses["clickhouse"], len(events))
        assert differences(addresses["clickhouse"], events, Rules()) == []


def test_kafka_and_clickhouse_killed_mid_stream_come_back_and_nothing_is_lost(tmp_path: Path) -> None:
    events = tricky_events(10, 2000, time.time_ns() // 1_000_000 - 3_600_000)
    half = len(events) // 2
    with up(tmp_path) as (addresses, _):
        publish(addresses["kafka"], events[:half])
        os.kill(addresses["processes"]["clickhouse"], signal.SIGKILL)
        publish(addresses["kafka"], events[half:])
        os.kill(addresses["processes"]["kafka"], signal.SIGKILL)
        settle(addresses["clickhouse"], len(events))
        assert differences(addresses["clickhouse"], events, Rules()) == []
