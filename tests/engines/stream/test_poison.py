"""On the real engines: what one partition does not get past stops that partition, says so, and stops nothing else."""

import asyncio
import json
import time
from pathlib import Path

from schemas.events import record_key
from streams.brokers.partitioner import partition_for
from streams.changelog import records
from streams.partition.cluster import look_at
from streams.partition.partition import Partition
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.unit import Unit
from tests.support.engines import PARTITIONS, Engines, engines
from tests.support.tricky import tricky_events

POISONED = 3
POISON = records.TOPIC + b"no key of ours"


def test_a_poisoned_partition_is_stalled_and_named_while_the_others_go_on(tmp_path: Path) -> None:
    events = tricky_events(15, 300, time.time_ns() // 1_000_000 - 3_600_000)
    half = len(events) // 2
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = running.publish(events[:half])
        running.settle(published)
        running.workers[0].kill()
        running.workers[0].wait()
        (tmp_path / "worker-0.log").unlink()
        poison(running)
        running.start_worker(0, POSVENTA_LOG="json")
        pid = running.workers[0].pid
        before = applied(running)
        running.publish(events[half:])
        more = sum(partition_for(record_key(e), PARTITIONS) != POISONED for e in events[half:])
        running.wait_for(lambda: applied(running) - before >= more, "the other partitions to go on")
        running.wait_for(lambda: statuses(running)[POISONED] == "stalled", "the poisoned one to be told")
        assert [number for number, status in statuses(running).items() if status == "stalled"] == [POISONED]
        assert running.workers[0].pid == pid
        running.workers[0].terminate()
        running.workers[0].wait(30)
        told = [json.loads(line) for line in (tmp_path / "worker-0.log").read_text().splitlines()]
        failed = [line for line in told if line["level"] == "error" and line["logger"].startswith("streams.")]
        assert {line["partition"] for line in failed} == {POISONED}
        assert all(f"partition {POISONED}: " in line["message"] for line in failed)
        assert {line["partition"] for line in told if "partition" in line} == set(range(PARTITIONS))


def poison(running: Engines) -> None:
    """Writes one record into the partition's state, as a defect might have."""

    async def write() -> None:
        settings = Settings(kafka=running.kafka.bootstrap, state_dir=str(running.directory / "other"))
        partition = Partition(settings, Timing(), look_at(settings), POISONED)
        try:
            claimed = await partition.claim(None)
            unit = Unit(claimed.meta.version)
            unit.changed = {POISON: b"poison"}
            await claimed.commit(unit, claimed.meta)
        finally:
            await partition.close()

    asyncio.run(write())


def applied(running: Engines) -> int:
    """The offsets that are applied of all other partitions."""
    return int(
        running.query(f"SELECT sum(applied_offset) FROM freshness FINAL WHERE source_partition != {POISONED}")[0][0]
    )


def statuses(running: Engines) -> dict[int, str]:
    """Of the sales of each partition."""
    return dict(running.query("SELECT partition, status FROM freshness_now WHERE topic = 'posventa.sales.v1'"))
