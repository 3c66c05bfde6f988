"""What a version left behind: the records of all topics and the rows of all tables, in one compressed file.

Owns the file's form. Never knows what the records mean, so that it need not change with them.
"""

import asyncio
import json
import lzma
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import aiokafka
import msgpack
from kafka import KafkaConsumer, TopicPartition

from sinks import migrate as migrations

DIRECTORY: Final = Path(__file__).parent
DATABASE: Final = "posventa"
_CHANGELOG: Final = "posventa.state.v1"
_LETTERS: Final = "posventa.dead-letters.v1"


@dataclass(frozen=True)
class Kept:
    """`records` are [offset, key, value, headers] by topic and partition; `rows` are lines of JSON by table; `migrations` the
    files that made the tables."""

    records: dict[str, list[list[Any]]]
    rows: dict[str, bytes]
    migrations: list[str]


def take(bootstrap: str, clickhouse: str, topics: list[str]) -> Kept:
    """From engines in which nothing happens any more."""
    tables = _ask(
        clickhouse, f"SELECT name FROM system.tables WHERE database = '{DATABASE}' AND engine LIKE '%MergeTree'"
    )
    names = [json.loads(line)["name"] for line in tables.splitlines()]
    rows = {name: _ask(clickhouse, f"SELECT * FROM {name}") for name in names if name != "schema_versions"}
    files = sorted(path.name for path in migrations.MIGRATIONS.glob("*.sql"))
    return Kept({topic: list(_records(bootstrap, topic)) for topic in topics}, rows, files)


def _records(bootstrap: str, topic: str) -> Iterator[list[Any]]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    try:
        for number in sorted(consumer.partitions_for_topic(topic) or ()):
            tp, found = TopicPartition(topic, number), []
            consumer.assign([tp])
            consumer.seek_to_beginning(tp)
            end = consumer.end_offsets([tp])[tp]
            while consumer.position(tp) < end:
                for record in consumer.poll(timeout_ms=200).get(tp, ()):
                    found.append([record.offset, record.key, record.value, [list(header) for header in record.headers]])
            yield found
    finally:
        consumer.close()


def write(kept: Kept, version: str) -> Path:
    """The file of a version."""
    path = DIRECTORY / f"{version}.xz"
    path.write_bytes(lzma.compress(msgpack.packb((kept.records, kept.rows, kept.migrations)), preset=9))
    return path


def read(version: str) -> Kept:
    """What write() wrote."""
    return Kept(*msgpack.unpackb(lzma.decompress((DIRECTORY / f"{version}.xz").read_bytes())))


def put(kept: Kept, bootstrap: str, clickhouse: str) -> None:
    """Into engines that have the topics, with no record in them, and no database."""
    with tempfile.TemporaryDirectory() as directory:
        for name in kept.migrations:
            (Path(directory) / name).write_bytes((migrations.MIGRATIONS / name).read_bytes())
        with patch.object(migrations, "MIGRATIONS", Path(directory)):
            migrations.migrate(clickhouse)
    for table, rows in kept.rows.items():
        if rows:
            _ask(clickhouse, f"INSERT INTO {table} FORMAT JSONEachRow\n", rows)
    asyncio.run(_publish(kept, bootstrap))


async def _publish(kept: Kept, bootstrap: str) -> None:
    for topic, partitions in kept.records.items():
        for number, records in enumerate(partitions):
            await _publish_one(bootstrap, topic, number, records)


async def _publish_one(bootstrap: str, topic: str, number: int, records: list[list[Any]]) -> None:
    """In transactions where the workers wrote it: each ends where an offset was left out, for the marker of its end."""
    is_theirs = topic in (_CHANGELOG, _LETTERS)
    producer = aiokafka.AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=f"kept-{topic}-{number}" if is_theirs else None, acks="all"
    )
    await producer.start()
    try:
        for _, unit in groupby(enumerate(records), lambda found: found[1][0] - found[0]):
            if is_theirs:
                await producer.begin_transaction()
            for _, (_, key, value, headers) in unit:
                await producer.send(topic, value, key=key, partition=number, headers=[tuple(h) for h in headers])
            if is_theirs:
                await producer.commit_transaction()
        await producer.flush()
    finally:
        await producer.stop()


def _ask(clickhouse: str, sql: str, data: bytes = b"") -> bytes:
    scheme, _, rest = clickhouse.partition("://")
    credentials, _, address = rest.rpartition("@")
    url = f"{scheme}://{address}/?database={DATABASE}&default_format=JSONEachRow&date_time_input_format=best_effort"
    request = urllib.request.Request(url, sql.encode() + data)  # noqa: S310 - an engine of ours
    user, _, password = credentials.partition(":")
    request.add_header("X-ClickHouse-User", user)
    request.add_header("X-ClickHouse-Key", password)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: bytes = answer.read()
    return found
