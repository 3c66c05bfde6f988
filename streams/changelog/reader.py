"""Reads a partition's changelog back, or the letters, and asks where logs start and end.

Owns the consumer that reads: one without a group, of committed records only. Never writes. Invariant: chunks come in the
order of their offsets, and what one holds in memory is bounded; all partitions of a worker are read at once.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiokafka

from streams.brokers.clients import aiokafka_settings
from streams.changelog.meta import Log
from streams.settings import Settings

_VERSION_HEADER: Final = "version"
_RECORDS_PER_READ: Final = 2_000
_BYTES_PER_READ: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ChangelogRecord:
    """One record of the changelog; `version` is that of the unit which wrote it."""

    key: bytes
    value: bytes | None
    version: int


def version_headers(version: int) -> list[tuple[str, bytes]]:
    """The headers of the records that a unit writes."""
    return [(_VERSION_HEADER, version.to_bytes(8, "big"))]


class ChangelogReader:
    """Reads one partition of the changelog, or of another topic; made by reading()."""

    def __init__(self, consumer: Any, tp: Any, wait_s: float) -> None:
        self._consumer = consumer
        self._tp = tp
        self._wait_ms = round(wait_s * 1000)

    async def logs(self, tps: Sequence[Any]) -> dict[str, Log]:
        """Where the logs of a partition's topics start and end (the last stable offset). The first is the changelog: its end
        is asked for before the others', so that what it has applied lies below them."""
        starts = await self._consumer.beginning_offsets(tps)
        ends = await self._consumer.end_offsets(tps[:1]) | await self._consumer.end_offsets(tps[1:])
        return {tp.topic: Log(starts[tp], ends[tp]) for tp in tps}

    async def chunks(self, start: int, end: int) -> AsyncIterator[list[Any]]:
        """aiokafka's records of the changelog in between, in chunks that are not empty. The last may reach beyond the end."""
        self._consumer.seek(self._tp, start)
        self._consumer.resume(self._tp)
        while await self._consumer.position(self._tp) < end:
            got = await self._consumer.getmany(self._tp, timeout_ms=self._wait_ms, max_records=_RECORDS_PER_READ)
            if found := got.get(self._tp):
                yield found
        self._consumer.pause(self._tp)

    def of(self, tp: Any) -> "ChangelogReader":
        """A reader of another of the partitions, to be used when this one is done."""
        return ChangelogReader(self._consumer, tp, self._wait_ms / 1000)


@asynccontextmanager
async def reading(settings: Settings, tps: Sequence[Any], wait_s: float) -> AsyncIterator[ChangelogReader]:
    """A reader of the first of `tps`, the changelog; it may ask for the logs of all. `wait_s` is how long a read waits. Raises
    KafkaError, as all that it does."""
    consumer = aiokafka.AIOKafkaConsumer(
        **aiokafka_settings(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=round(wait_s * 1000),
        max_partition_fetch_bytes=_BYTES_PER_READ,
    )
    consumer.assign(tps)  # never anew: aiokafka's consumer may then hang when it is stopped at once
    consumer.pause(*tps)
    try:
        await consumer.start()
        yield ChangelogReader(consumer, tps[0], wait_s)
    finally:
        await consumer.stop()


async def written_ends(settings: Settings, tps: Sequence[Any]) -> dict[Any, int]:
    """Where logs end, with all that is not decided yet. Raises KafkaError."""
    consumer = aiokafka.AIOKafkaConsumer(
        **aiokafka_settings(settings), isolation_level="read_uncommitted", enable_auto_commit=False
    )
    try:
        await consumer.start()
        ends: dict[Any, int] = await consumer.end_offsets(tps)
        return ends
    finally:
        await consumer.stop()


def changelog_record(record: Any) -> ChangelogRecord:
    """One of the reader's records."""
    version = int.from_bytes(dict(record.headers)[_VERSION_HEADER], "big")
    return ChangelogRecord(record.key, record.value, version)
