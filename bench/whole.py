"""The whole job: events published beforehand, one worker process, until the last row is in ClickHouse.

Beside it the same records through a bare aiokafka loop, as what Kafka and Python could do at most. Owns both clocks.
"""

import asyncio
import gc
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiokafka

from bench.processes import cpu_s, peak_mb
from schemas.events import Event, Sale
from sinks.client import connect
from streams import records
from streams.embedded.child import Child
from streams.embedded.stack import Stack
from streams.kafka_clients import aiokafka_settings
from streams.publishing.publisher import Publisher
from streams.settings import Settings
from streams.topics import FEEDBACK, SALES, STATE

_LOOK_S: Final = 0.1
_APPLIED_S_MAX: Final = 900


@dataclass(frozen=True, slots=True)
class Whole:
    """One run. Rates are records per second; CPU is in seconds per million records; memory in MB."""

    events: int
    bare_rate: float
    rate_from_start: float  # all records, from the start of the process
    rate_from_first_rows: float  # those after the first that ClickHouse showed, between the two looks
    start_s: float  # from the start of the process to the first rows
    first_events: int  # how many those were
    worker_cpu: float  # of the whole process, its start included
    worker_cpu_from_first_rows: float
    kafka_cpu: float
    clickhouse_cpu: float
    worker_peak_mb: float
    units: int

    @property
    def ratio(self) -> float:
        """How much of the bare loop is left, from the first rows on."""
        return self.rate_from_first_rows / self.bare_rate


def measure(directory: Path, events: list[Event]) -> tuple[Whole, list[Any]]:
    """One run on engines of its own. Returns it with the records as the broker delivers them, for the stages."""
    with Stack(directory, workers=0) as stack:
        with Publisher(stack.settings) as publisher:
            for event in events:
                publisher.publish(event)
        bare_s, _ = asyncio.run(_read(stack.settings, len(events), keep=False))
        whole = _run_worker(stack, len(events), len(events) / bare_s)
        _check(stack, events)
        _, delivered = asyncio.run(_read(stack.settings, len(events), keep=True))
        return whole, delivered


def _run_worker(stack: Stack, count: int, bare_rate: float) -> Whole:
    engines = {name: pid for name, pid in stack.processes().items() if name in ("kafka", "clickhouse")}
    before = {name: cpu_s(pid) for name, pid in engines.items()}
    command = [sys.executable, str(Path(sys.executable).with_name("posventa")), "worker"]
    state = {"POSVENTA_STATE_DIR": str(stack.directory / "state")}
    worker = Child(command, stack.directory / "logs" / "worker.log", {**stack.environment, **state})
    begun = time.monotonic()
    worker.start()
    try:
        first_at, first = _wait_until(stack, worker, 1)
        assert worker.pid is not None
        first_cpu_s = cpu_s(worker.pid)
        end_at, _ = _wait_until(stack, worker, count)
        end_cpu_s, rest = cpu_s(worker.pid), count - first
        if not rest:
            raise RuntimeError(f"all {count} events were there at the first look: measure with more")
        spent = {name: (cpu_s(pid) - before[name]) / count * 1e6 for name, pid in engines.items()}
        return Whole(
            count, bare_rate, count / (end_at - begun), rest / (end_at - first_at), first_at - begun, first,
            end_cpu_s / count * 1e6, (end_cpu_s - first_cpu_s) / rest * 1e6, spent["kafka"], spent["clickhouse"],
            peak_mb(worker.pid), asyncio.run(_count_units(stack.settings)),
        )  # fmt: skip
    finally:
        worker.stop(20)


def _wait_until(stack: Stack, worker: Child, applied: int) -> tuple[float, int]:
    """When ClickHouse showed at least so many applied offsets, and how many it showed then."""
    deadline = time.monotonic() + _APPLIED_S_MAX
    client = connect(stack.addresses.clickhouse)
    try:
        while True:
            found = int(client.query("SELECT sum(applied_offset) FROM freshness FINAL").result_rows[0][0])
            now = time.monotonic()
            if found >= applied:
                return now, found
            if now > deadline or not worker.running:
                raise RuntimeError(f"{found} of {applied} applied; the worker's log ends:\n{worker.last_lines()}")
            time.sleep(_LOOK_S)
    finally:
        client.close()


def _check(stack: Stack, events: list[Event]) -> None:
    """A fast way to lose records is not a result."""
    sales = {(e.brand_id, e.sale_id) for e in events if isinstance(e, Sale)}
    answers = {(e.brand_id, e.feedback_id) for e in events if not isinstance(e, Sale)}
    expected = {"journeys": len(sales), "answers": len(answers), "dead_letters": 0}
    client = connect(stack.addresses.clickhouse)
    try:
        for table, count in expected.items():
            found = client.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0]  # noqa: S608 - our own names
            if found != count:
                raise RuntimeError(f"{table} has {found} rows, expected {count}: what was measured is not the job")
    finally:
        client.close()


async def _read(settings: Settings, count: int, *, keep: bool) -> tuple[float, list[Any]]:
    """Seconds for a bare getmany loop over both source topics, and the records when they are to be kept."""
    tps = [aiokafka.TopicPartition(topic, p) for topic in (SALES, FEEDBACK) for p in range(settings.partitions)]
    kept: list[Any] = []
    async with _consumer(settings) as consumer:
        consumer.assign(tps)
        await consumer.seek_to_beginning()
        gc.collect()
        begun, seen = time.monotonic(), 0
        while seen < count:
            got = await consumer.getmany(timeout_ms=100, max_records=settings.poll_records_max)
            for batch in got.values():
                seen += len(batch)
                if keep:
                    kept += batch
        return time.monotonic() - begun, kept


async def _count_units(settings: Settings) -> int:
    """How many units the changelog holds: each ends with META, and each partition's first one is the claim."""
    tps = [aiokafka.TopicPartition(STATE, p) for p in range(settings.partitions)]
    units = -len(tps)
    async with _consumer(settings) as consumer:
        consumer.assign(tps)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(tps)
        for tp in tps:
            while await consumer.position(tp) < ends[tp]:
                got = await consumer.getmany(tp, timeout_ms=100, max_records=settings.poll_records_max)
                units += sum(record.key == records.META for record in got.get(tp, []))
    return units


def _consumer(settings: Settings) -> Any:
    return aiokafka.AIOKafkaConsumer(
        **aiokafka_settings(settings), isolation_level="read_committed", enable_auto_commit=False
    )
