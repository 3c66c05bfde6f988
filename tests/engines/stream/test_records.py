"""Whatever a record looks like on the wire, it is counted or refused, and the stream goes on."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiokafka
import pytest
from kafka import KafkaProducer

from schemas.codec import encode
from schemas.events import partition_key
from streams.batches.unpacking import UNPACKED_BYTES_MAX
from streams.brokers.creation import ensure_topics
from streams.brokers.lag import read_lag
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, SALES
from streams.errors import OwnershipLost
from streams.partition.rerouting import Rerouter
from streams.settings import Settings
from tests.support.domain_strategies import A_SALE
from tests.support.engines import PARTITIONS, Engines, engines, producing, read_all

SALE = A_SALE._replace(occurred_at=1_750_000_000_000)
KEY = partition_key(SALE.brand_id, SALE.customer_id)
PARTITION = partition_for(KEY, PARTITIONS)
CODECS = ("gzip", "snappy", "lz4", "zstd")
SALES_A_CODEC = 100  # one batch, large enough to be worth compressing


def _publish(running: Engines, values: list[bytes], compression: str, key: bytes | None = KEY) -> int:
    producer = KafkaProducer(
        bootstrap_servers=running.kafka.bootstrap,
        compression_type=compression,
        max_request_size=64 << 20,
        linger_ms=500,
    )
    try:
        for value in values:
            producer.send(SALES, value, key=key, partition=PARTITION)
        producer.flush()
    finally:
        producer.close()
    return len(values)


async def _publish_with_headers(bootstrap: str, value: bytes, headers: list[Any]) -> int:
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(SALES, value, key=KEY, partition=PARTITION, headers=headers)
    finally:
        await producer.stop()
    return 1


def test_every_codec_null_headers_and_a_record_greater_than_any_letter_stop_nothing(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = 0
        for codec in CODECS:
            sales = [SALE._replace(event_id=f"{codec}-{n}", sale_id=f"{codec}-{n}") for n in range(SALES_A_CODEC)]
            published += _publish(running, [encode(sale) for sale in sales], codec)
        for value in (encode(SALE), b"bad"):
            headers = [("nothing", None), ("bytes", b"\xff")]
            published += asyncio.run(_publish_with_headers(running.kafka.bootstrap, value, headers))
        for key in (KEY, None):
            published += _publish(running, [b"\xff" * (16 << 20)], "gzip", key)
        published += _publish(running, [encode(SALE._replace(event_id="last", sale_id="last"))], "gzip")
        running.settle(published)
        assert running.query("SELECT count() FROM journey") == [(len(CODECS) * SALES_A_CODEC + 2,)]
        assert running.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason") == [("undecodable", 3)]


def test_bombs_are_refused_unread_and_cost_little_memory(tmp_path: Path) -> None:
    bomb = bytes(UNPACKED_BYTES_MAX + (16 << 20))
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = 0
        for codec in ("gzip", "lz4", "zstd"):  # snappy packs to a twentieth at best: no broker takes so great a batch
            for _ in range(3):
                published += _publish(running, [bomb], codec)
            published += _publish(running, [encode(SALE._replace(event_id=codec, sale_id=codec))], codec)
        running.settle(published)
        assert running.query("SELECT count() FROM journey") == [(3,)]
        told = running.query("SELECT reason, detail FROM dead_letters FINAL")
        assert len(told) == 9
        assert all(reason == "undecodable" and detail.endswith("stays there, unread") for reason, detail in told)
        letters = read_all(running.kafka.bootstrap, DEAD_LETTERS)
        assert [(letter.key, letter.value) for letter in letters] == [(None, None)] * 9
        status = Path(f"/proc/{running.workers[0].pid}/status").read_text()
        peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        assert peak_kib < 700 << 10


class Latin(str):
    """A header name of a publisher who does not know that Kafka's strings are UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("latin-1")


def test_a_header_name_that_is_no_utf8_stops_nothing_and_costs_nothing(tmp_path: Path) -> None:
    wrong_key = b"another"
    with engines(tmp_path) as running:
        headers = [(Latin("piñata"), b"x")]
        with producing(running.kafka.bootstrap) as producer:
            for key, value in (
                (KEY, encode(SALE)),
                (KEY, b"bad"),
                (wrong_key, encode(SALE._replace(sale_id="astray"))),
            ):
                producer.send(SALES, value, key=key, partition=PARTITION, headers=headers)
            producer.send(SALES, encode(SALE._replace(sale_id="last")), key=KEY, partition=PARTITION)
        assert sum(lag.lag_records for lag in read_lag(running.settings(), 2_000_000_000_000)) == 4
        running.start_worker(0)
        running.settle(5)  # one of the four is published again
        assert running.query("SELECT sale_id FROM journey ORDER BY sale_id") == [("astray",), ("last",), ("s1",)]
        assert running.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason") == [("undecodable", 1)]


def test_a_rerouter_whose_producer_failed_starts_another(kafka: str) -> None:
    settings = Settings(kafka=kafka)
    ensure_topics(settings)
    astray: list[Any] = [(SALES, KEY, SimpleNamespace(topic=SALES, value=encode(SALE), headers=()))]

    async def scenario() -> None:
        rerouter = Rerouter(settings, settings.partitions)
        try:
            await asyncio.gather(rerouter(astray), rerouter(astray))
            assert rerouter._producer is not None
            await rerouter._producer.stop()  # what a fatal error leaves: a producer that refuses everything
            with pytest.raises(OwnershipLost):
                await rerouter(astray)
            await rerouter(astray)
        finally:
            await rerouter.stop()

    asyncio.run(scenario())
