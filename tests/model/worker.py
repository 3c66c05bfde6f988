"""One worker process: the real parts, wired as streams.worker.worker wires them, between modelled deliveries and servers.

Owns its life: boot, death, pause, leaving. Never processes anything itself. Deliveries may be lost, repeated, late, or of
partitions that another worker got meanwhile.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Set
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from sinks.errors import SinkError
from streams.batches import RecordBatch
from streams.brokers.topics import SOURCES
from streams.delivery.outbox import Outbox
from streams.errors import OwnershipLost
from streams.partition.cluster import Cluster
from streams.partition.owner import Owner
from streams.partition.rerouting import Rerouter
from streams.partition.shared import Shared
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.assignment import Assignment
from streams.worker.watchdog import Watchdog
from tests.model.clickhouse import ClickHouse, SimulatedWriter
from tests.model.disk import Disks
from tests.model.kafka_clients import Way, read
from tests.model.law import GENERATION, NO_ERROR, Law
from tests.model.loop import PROCESS, Loop, Process
from tests.model.network import Network, Weather


@dataclass(slots=True)
class Carelessness:
    """Shares of deliveries, and of seeks, that go wrong."""

    lost: float = 0.0
    repeated: float = 0.0
    seeks_lost: float = 0.0

    def calm_down(self) -> None:
        """Nothing goes wrong any more."""
        self.lost = self.repeated = self.seeks_lost = 0.0


@dataclass(slots=True)
class World:
    """What all workers share."""

    rng: random.Random
    loop: Loop
    network: Network
    way: Way
    law: Law
    clickhouse: ClickHouse
    clickhouse_weather: Weather
    disks: Disks
    cluster: Cluster
    settings: Settings
    timing: Timing
    poison: int = -1  # remainder of the checksum of values that no unit can be made of
    carelessness: Carelessness = field(default_factory=Carelessness)


class SimulatedWorker:
    """`boot` starts a process; the local copies are those of the one before."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.process = Process(name)
        self.process.alive = False
        self._world = world
        self._settings = world.settings.model_copy(update={"state_dir": name})
        self._generation = 0  # of the group, as far as this worker knows
        self._positions: dict[tuple[str, int], int] = {}
        self._orders: asyncio.Queue[set[int]]
        self._tasks: list[asyncio.Task[Any]] = []
        self._following: asyncio.Lock
        self._held: Set[tuple[str, int]]  # not to be polled
        self._is_leaving = False
        self._assignment: Assignment
        self._outbox: Outbox

    def boot(self) -> None:
        """A new process."""
        assert not self.process.alive
        self.process = Process(self.name)
        self._positions, self._orders, self._tasks = {}, asyncio.Queue(), []
        self._following, self._is_leaving, self._held = asyncio.Lock(), False, set()
        self._start(self._main())

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        context = copy_context()
        context.run(PROCESS.set, self.process)
        self._world.loop.create_task(coroutine, context=context)

    def become(self, generation: int, partitions: set[int]) -> None:
        """The group assigns partitions; called from outside the process."""
        if self.process.alive and generation > self._generation:
            self._generation = generation
            self._orders.put_nowait(partitions)

    async def _main(self) -> None:
        world, settings, timing = self._world, self._settings, self._world.timing
        writer = SimulatedWriter(world.clickhouse, world.network, world.clickhouse_weather, world.rng)
        self._outbox = Outbox(settings, timing, writer, GENERATION, self.name)
        rerouter = Rerouter(settings, world.cluster.ground.partitions)
        shared = Shared(settings, timing, self._outbox, self._look_at, self._seek, rerouter)
        self._assignment = Assignment(
            partial(Owner, shared), self._fail, settings.poll_records_max, timing.let_go_s_max, self._hold
        )
        watchdog = Watchdog(settings, timing, self._assignment, self._outbox, lambda: dict(self._positions))
        streams: dict[str, asyncio.Queue[RecordBatch]] = {topic: asyncio.Queue(8) for topic in SOURCES}
        services: list[Callable[[], Coroutine[Any, Any, None]]]
        services = [self._outbox.run, watchdog.run, self._follow_group, partial(self._poll, streams)]
        services += [partial(self._agent, stream) for stream in streams.values()]
        self._tasks = [asyncio.create_task(self._guard(service)) for service in services]

    async def _leave(self) -> None:
        """A graceful stop, as in streams.worker.worker."""
        async with self._following:  # an assignment is taken on whole
            await self._assignment.stop()
            self._is_leaving = True
        with suppress(TimeoutError, SinkError):
            await asyncio.wait_for(self._outbox.flush(), self._world.timing.last_flush_s_max)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.process.kill()

    def start_to_leave(self) -> None:
        """Called from outside the process."""
        if self.process.alive and self._tasks:
            self._start(self._leave())

    async def _guard(self, service: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await service()
        except Exception as error:
            await self._fail(error)

    async def _fail(self, error: BaseException) -> None:
        """The process ends; a supervisor starts it again. Only Kafka's absence may do that."""
        if not isinstance(error, KafkaError):
            self._world.law.broken(NO_ERROR, repr(error))
        self.process.kill()

    def _hold(self, full: Set[tuple[str, int]]) -> None:
        self._held = full

    async def _look_at(self) -> Cluster:
        try:
            await self._world.way.call(lambda: None)
        except KafkaError as error:
            raise OwnershipLost(f"Kafka does not answer: {error!r}") from error
        return self._world.cluster

    async def _seek(self, topic: str, partition: int, offset: int) -> None:
        await asyncio.sleep(self._world.rng.uniform(0, 0.01))
        if self._world.rng.random() >= self._world.carelessness.seeks_lost and (topic, partition) in self._positions:
            self._positions[topic, partition] = offset

    async def _follow_group(self) -> None:
        while True:
            partitions = await self._orders.get()
            kafka, wanted = self._world.way.kafka, [(topic, p) for p in sorted(partitions) for topic in SOURCES]
            self._positions = {tp: at for tp, at in self._positions.items() if tp[1] in partitions}
            async with self._following:
                if not self._is_leaving:
                    await self._assignment.become(partitions)
            for tp in wanted:
                if tp not in self._positions or self._world.rng.random() < 0.5:
                    self._positions[tp] = kafka.group.get(tp, 0)

    async def _poll(self, streams: dict[str, "asyncio.Queue[RecordBatch]"]) -> None:
        world = self._world
        while True:
            await asyncio.sleep(world.rng.uniform(0, 0.2))
            tps = list(self._positions)
            world.rng.shuffle(tps)
            for tp in tps:
                start = self._positions.get(tp)
                if start is None or tp in self._held or world.way.kafka.log(*tp).stable <= start:
                    continue
                with suppress(KafkaError):
                    records, end = await world.way.call(
                        lambda tp=tp, start=start: read(world.way.kafka, TP(*tp), start, world.way.poll_records_max)
                    )
                    if self._positions.get(tp) == start:
                        self._positions[tp] = end
                        await streams[tp[0]].put(RecordBatch(*tp, start, end, records))

    async def _agent(self, stream: "asyncio.Queue[RecordBatch]") -> None:
        careless, rng = self._world.carelessness, self._world.rng
        last: RecordBatch | None = None
        while True:
            batch = await stream.get()
            if last is not None and rng.random() < careless.repeated:
                await self._assignment.offer(_joined(last, batch))
            if rng.random() >= careless.lost:
                await self._assignment.offer(batch)
            last = batch


def _joined(first: RecordBatch, second: RecordBatch) -> RecordBatch:
    """Two deliveries as one, when one follows the other; otherwise the second."""
    if (first.partition, first.end) != (second.partition, second.start):
        return second
    return RecordBatch(second.topic, second.partition, first.start, second.end, [*first, *second])
