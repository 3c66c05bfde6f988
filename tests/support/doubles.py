"""Partitions and a ClickHouse without servers, around the real Assignment, Owner, Inbox and Outbox."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence, Set
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from sinks.writer import SinkPosition, Writer
from streams.batches import RecordBatch
from streams.brokers.topics import SALES, SOURCES, TopicPartition
from streams.changelog.local_copy import CopySize
from streams.changelog.meta import Applied, Ground, Meta
from streams.delivery.outbox import Outbox
from streams.partition import owner as owners
from streams.partition.cluster import Cluster
from streams.partition.owner import Owner
from streams.partition.shared import Shared
from streams.partition.unit_counts import UnitCounts
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.rows import Rows
from streams.worker.assignment import Assignment

GROUND = Ground(8, 300, 0, "s", "f")
PATIENCE_S = 20.0


class NoClickHouse(Writer):
    """Takes everything, keeps nothing but positions."""

    def __init__(self) -> None:
        super().__init__("http://nowhere")
        self.found: dict[int, SinkPosition] = {}

    def insert(self, table: Any, rows: Collection[bytes]) -> None:
        """Takes rows."""

    def positions(self, partitions: Collection[int]) -> dict[int, SinkPosition]:
        """None: every owner is the first."""
        return {}


class World:
    """What the doubles share: the states that survive their owners, and what was done in which order."""

    def __init__(self, writer: Writer | None, timing: Timing, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.timing = timing
        self.metas = {n: Meta(GROUND, 0, {topic: Applied(0) for topic in SOURCES}) for n in range(GROUND.partitions)}
        self.units: list[tuple[int, list[Any]]] = []  # partition and records, in the order of commits
        self.claiming: dict[int, asyncio.Event] = {}  # claims of these partitions wait
        self.rows: Callable[[int, list[Any]], Rows] = lambda partition, records: {}  # of a unit
        self.changelogs: dict[int, list[Any]] = {}  # what is sent again at a claim
        self.make: Callable[[list[Any]], None] = lambda records: None  # what making a unit does besides
        self.held: Set[TopicPartition] = frozenset()
        self.failed: list[BaseException] = []
        self.sought: list[tuple[str, int, int]] | None = None  # what was fetched again; None: nothing may be
        self.counts = UnitCounts()
        self.outbox = Outbox(self.settings, timing, NoClickHouse() if writer is None else writer, 1, "test")

    def assignment(self) -> Assignment:
        """The real one, over owners of doubled partitions."""

        def hold(full: Set[TopicPartition]) -> None:
            self.held = full

        async def fail(error: BaseException) -> None:
            self.failed.append(error)

        shared = Shared(
            self.settings, self.timing, self.outbox, self._look_at, self._seek, self._reroute, counts=self.counts
        )
        return Assignment(partial(Owner, shared), fail, self.settings.poll_records_max, self.timing.let_go_s_max, hold)

    def done(self, partition: int) -> int:
        """How many records of a partition are in units."""
        return sum(len(records) for number, records in self.units if number == partition)

    async def _look_at(self) -> Cluster:
        return Cluster("c", GROUND, "t", 86_400_000, 1 << 20, 1 << 20, GROUND.partitions)

    async def _seek(self, topic: str, partition: int, offset: int) -> None:
        assert self.sought is not None, f"{topic}[{partition}] would be fetched again from {offset}"
        self.sought.append((topic, partition, offset))

    async def _reroute(self, astray: Sequence[Any]) -> None:
        raise AssertionError("nothing is astray")


class NoPartition:
    """The parts of Partition and Claimed, without Kafka and without RocksDB."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self.number = number
        self.changelog_offset = 0
        self.recovered_records = 0
        self.recovery_remaining: int | None = None
        self._size: CopySize | None = None
        self.local = SimpleNamespace(get_many=None, keys_of=lambda kind: iter(()))
        self.meta: Meta

    async def claim(self, sink: Any) -> "NoPartition":
        """Waits for whoever holds it up."""
        self.recovery_remaining = 9
        if self.number in self._world.claiming:
            await self._world.claiming[self.number].wait()
        self.recovery_remaining, self._size = 0, CopySize(7, 70)
        self.meta = self._world.metas[self.number] = self._world.metas[self.number].claimed()
        return self

    def state_size(self) -> CopySize | None:
        """Of a copy that is not there."""
        return self._size

    async def changelog_from(self, offset: int) -> AsyncIterator[list[Any]]:
        """What earlier owners left, in one chunk."""
        yield self._world.changelogs.get(self.number, [])

    def gave_up_refusals_above(self, offset: int) -> bool:
        """None was ever given up."""
        return False

    def given_up(self) -> None:
        """Nobody asks for it."""

    async def commit(self, unit: Any, meta: Meta) -> None:
        """Keeps it."""
        await asyncio.sleep(0)
        self._world.units.append((self.number, unit.records))
        self.meta = self._world.metas[self.number] = meta

    async def close(self) -> None:
        """Nothing to close."""


class NoUnitMaker:
    """UnitMaker's part: a unit is the records that it was made of."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._number = number

    def make(self, get_many: Any, version: int, records: list[Any], now_ms: int) -> Any:
        """What the world wants of them."""
        self._world.make(records)
        return SimpleNamespace(
            version=version, records=records, rows=self._world.rows(self._number, records), changed={}, refusals=(),
            refusal_keys=(), astray=(), tombstones=0, events=0,
        )  # fmt: skip


AT_ONCE = Timing(unit_every_s=0.0)  # order is looked at, not the clock


def doubled(
    monkeypatch: pytest.MonkeyPatch, writer: Writer | None = None, timing: Timing = AT_ONCE, **settings: Any
) -> World:
    """A world whose owners have doubled partitions."""
    world = World(writer, timing, **settings)
    monkeypatch.setattr(owners, "Partition", lambda settings, timing, cluster, number, log: NoPartition(world, number))
    monkeypatch.setattr(owners, "UnitMaker", lambda number, *_: NoUnitMaker(world, number))
    return world


class Feed:
    """Batches of consecutive offsets per topic and partition."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = defaultdict(int)

    def batch(self, partition: int, count: int, topic: str = SALES, size_bytes: int = 1) -> RecordBatch:
        """The next so many records."""
        start = self._next[topic, partition]
        end = self._next[topic, partition] = start + count
        records = [
            SimpleNamespace(topic=topic, partition=partition, offset=offset, timestamp=offset, value=bytes(size_bytes))
            for offset in range(start, end)
        ]
        return RecordBatch(topic, partition, start, end, records)


async def until(condition: Callable[[], bool]) -> None:
    """Lets the owners work until the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - of a double, which tells nobody
            await asyncio.sleep(0.001)
