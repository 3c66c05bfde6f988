"""Where the time goes: the parts of one unit, timed one by one on the records of the whole run.

One process, one unit after the other; the real code of each stage. Owns the stopwatch. Never starts engines.
Stages inside UnitMaker.make are timed in passes of their own on the same state, so that no clock ticks per record, and
without garbage collection, since a pass keeps more objects alive than the job does; its cost in UnitMaker.make, as rare as a
worker makes it, is timed there.
"""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.events import Event, customer_of
from sinks.writer import Writer
from streams.brokers.topics import SALES
from streams.changelog import records
from streams.changelog.meta import Applied
from streams.domain import state
from streams.domain.cases import cases
from streams.domain.contributions import Changes
from streams.domain.fold import fold
from streams.domain.rules import Rules
from streams.partition.cluster import look_at
from streams.partition.partition import Claimed, Partition
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.intake import sort_records
from streams.unit.marks import marker
from streams.unit.rows import RowMaker
from streams.unit.unit import Unit, UnitMaker
from streams.worker.app import GC_THRESHOLDS

_INTAKE = "intake"
_UNIT = "unit, as a whole"
# Timed by themselves, in the order of the work.
_IN_UNIT = (
    "decode and validate", "RocksDB: read customers", "decode state", "cases before", "fold", "encode state",
    "cases after", "changes",
)  # fmt: skip
_AROUND_UNIT = ("Kafka transaction and RocksDB write", "of which RocksDB write", "ClickHouse insert")
# What is left of a whole when its timed parts are taken off.
_GROUP = "group by customer"
_ROWS = "panes, topics and rows"
_GC = "garbage collection"


@dataclass(slots=True)
class Stages:
    """Seconds by stage: on the clock, and of this process's CPU."""

    wall_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    records: int = 0
    rows: int = 0
    changed: int = 0
    turn: Callable[["Stages"], None] | None = None  # called before each unit, untimed; returns when it may begin
    see: Callable[[Unit], None] | None = None  # looks at each unit before it is committed, untimed
    _gc_begun: tuple[float, float] = (0.0, 0.0)

    def on_gc(self, phase: str, _: dict[str, int]) -> None:
        """For gc.callbacks, while UnitMaker.make runs."""
        now = time.perf_counter(), time.process_time()
        if phase == "stop":
            self.wall_s[_GC] += now[0] - self._gc_begun[0]
            self.cpu_s[_GC] += now[1] - self._gc_begun[1]
        self._gc_begun = now

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds what the body takes to a stage."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall_s[stage] += time.perf_counter() - wall
        self.cpu_s[stage] += time.process_time() - cpu

    def microseconds(self) -> dict[str, tuple[float, float]]:
        """(wall, CPU) per record, by stage."""
        wall, cpu = self._of(self.wall_s), self._of(self.cpu_s)
        return {stage: (wall[stage], cpu[stage]) for stage in (*_IN_UNIT, _GROUP, _ROWS, _GC, _UNIT, *_AROUND_UNIT)}

    def _of(self, seconds: dict[str, float]) -> dict[str, float]:
        each = {_GC: 0.0}  # it may never have run
        each |= {stage: value / self.records * 1e6 for stage, value in seconds.items()}
        each[_GROUP] = each[_INTAKE] - each["decode and validate"] - each["RocksDB: read customers"]
        each[_ROWS] = each[_UNIT] - each[_GC] - each[_GROUP] - sum(each[stage] for stage in _IN_UNIT)
        return each


async def measure_stages(
    settings: Settings, delivered: list[Any], unit_records: int, stages: Stages | None = None
) -> Stages:
    """Makes units of `unit_records` records of each partition in turn, as a worker does when it is behind.

    On the engines and in the state's directory that `settings` name; neither knows anything of these records yet.
    """
    stages = stages or Stages()
    gc.collect()
    gc.freeze()  # a worker does not hold all records at once
    gc.set_threshold(*GC_THRESHOLDS)
    writer = Writer(settings.clickhouse.get_secret_value())
    for number in range(settings.partitions):
        mine = sorted((r for r in delivered if r.partition == number), key=lambda r: r.timestamp)
        await _run_partition(stages, settings, writer, number, mine, unit_records)
    writer.close()
    return stages


async def _run_partition(
    stages: Stages, settings: Settings, writer: Writer, number: int, mine: list[Any], unit_records: int
) -> None:
    cluster = look_at(settings)
    partition = Partition(settings, Timing(), cluster, number)
    claimed = await partition.claim(None)
    rules = Rules(settings.pane, settings.attribution_window * 1000, settings.customer_events_max)
    rows, mark = RowMaker(1, number, rules), marker(cluster.ground.sales_topic_id, cluster.ground.feedback_topic_id)
    maker = UnitMaker(number, settings.partitions, rules, rows, mark)
    try:
        for begin in range(0, len(mine), unit_records):
            await _run_unit(stages, claimed, maker, writer, mine[begin : begin + unit_records])
    finally:
        await partition.close()


async def _run_unit(stages: Stages, claimed: Claimed, maker: UnitMaker, writer: Writer, batch: list[Any]) -> None:
    if stages.turn:
        stages.turn(stages)
    gc.disable()
    _run_parts(stages, claimed, maker, batch)
    gc.enable()
    applied = {record.topic: Applied(record.offset + 1, record.timestamp) for record in batch}
    meta = claimed.meta.advanced(applied)
    gc.callbacks.append(stages.on_gc)
    with stages.timed(_UNIT):
        unit = maker.make(claimed.local.get_many, meta.version, batch, batch[-1].timestamp)
    gc.callbacks.remove(stages.on_gc)
    if stages.see:
        stages.see(unit)
    with stages.timed("Kafka transaction and RocksDB write"):
        await claimed.commit(unit, meta)
    with stages.timed("of which RocksDB write"):  # once more: the same records into the same copy
        claimed.local.write(unit.changed.items(), claimed.changelog_offset, batch[-1].timestamp)
    with stages.timed("ClickHouse insert"):
        for table, rows in unit.rows.items():
            writer.insert(table, rows.values())
    stages.records += len(batch)
    stages.rows += sum(map(len, unit.rows.values()))
    stages.changed += len(unit.changed)


def _run_parts(stages: Stages, claimed: Claimed, maker: UnitMaker, batch: list[Any]) -> None:
    """The stages inside UnitMaker.make, pass by pass."""
    raw: dict[bytes, bytes | None] = {}

    def is_known(keys: list[bytes]) -> list[bool]:
        with stages.timed("RocksDB: read customers"):
            raw.update(zip(keys, claimed.local.get_many([records.customer_key(key) for key in keys]), strict=True))
        return [raw[key] is not None for key in keys]

    with stages.timed("decode and validate"):
        for record in batch:
            (decode_of_sales if record.topic == SALES else decode_of_feedback)(record.value)
    with stages.timed(_INTAKE):
        found = sort_records(batch, maker.partition, maker.partitions, is_known, maker.mark)
    events = [[event for event, _ in pairs] for pairs in found.events.values()]
    with stages.timed("decode state"):
        customers = [_load(raw[key], of_one[0]) for key, of_one in zip(found.events, events, strict=True)]
    with stages.timed("cases before"):
        before = [cases(customer, maker.rules) for customer in customers]
    with stages.timed("fold"):
        for customer, of_one in zip(customers, events, strict=True):
            for event in of_one:
                fold(customer, event, maker.rules)
    with stages.timed("encode state"):
        for customer in customers:
            state.encode(customer)
    with stages.timed("cases after"):
        after = [cases(customer, maker.rules) for customer in customers]
    with stages.timed("changes"):
        changes = Changes(maker.rules.pane_s)
        for earlier, later in zip(before, after, strict=True):
            changes.add(earlier, later)


def _load(raw: bytes | None, event: Event) -> state.Customer:
    return state.decode(raw) if raw else state.Customer(*customer_of(event))
