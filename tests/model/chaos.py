"""What goes wrong in a run, and when: drawn from the seed.

Owns the faults of one run. Never checks anything. Each run has some kinds of faults and not others, so that rare meetings of
two kinds are tried as well as storms.
"""

import random
from collections.abc import Callable
from typing import Any, Final

from sinks.tables import FRESHNESS, TABLES
from streams.brokers.topics import STATE
from tests.model.clickhouse import Tables
from tests.model.group import SESSION_S, Group
from tests.model.kafka import Kafka
from tests.model.network import SERVERS, Weather
from tests.model.story import Published, Story
from tests.model.worker import SimulatedWorker, World

_REBOOT_S_MAX: Final = 3.0
_PAUSE_S_MAX: Final = 25.0
_STEPS_MAX: Final = 400  # of a process before it dies or pauses; a claim takes some 40, a unit some 20


class Chaos:
    """Goes on for `lasts_s` virtual seconds; then everything is calm and whoever is away comes back."""

    def __init__(self, world: World, workers: list[SimulatedWorker], group: Group, kinds: set[str]) -> None:
        self._world = world
        self._rng: random.Random = world.rng
        self._workers = workers
        self._group = group
        self._kinds = kinds
        self._calm = False
        self._backup: Tables = {}
        self._saved: dict[str, Any] = {}
        self.lasts_s = self._rng.uniform(4, 30)

    def begin(self) -> None:
        """Sets the weather, plans the faults and starts the workers."""
        set_weather(self._world, self._kinds)
        rng, world = self._rng, self._world
        now_and_then: list[tuple[str, float, Callable[[], object]]] = [
            ("clickhouse", 3, self._away),
            ("restore", 4, self._take_backup),
            ("restore", 8, self._restore),
            ("rebalance", 4, self._group.rebalance),
            ("leave", 8, lambda: rng.choice(self._workers).start_to_leave()),
            ("compaction", 2, self._compact),
        ]
        for kind, mean_s, fault in now_and_then:
            if kind in self._kinds:
                self._every(mean_s, fault)
        for worker in self._workers:
            self.boot(worker)
        self._supervise()
        world.loop.call_later(self.lasts_s, self._calm_down)

    def boot(self, worker: SimulatedWorker) -> None:
        """Starts a worker whose end may be planned already."""
        worker.boot()
        process = worker.process
        dooms = [what for what in ("kill", "pause") if what in self._kinds]
        if dooms and not self._calm:
            process.doom_at = int(_STEPS_MAX ** self._rng.uniform(0.2, 1.15))
            process.doom = process.kill if self._rng.choice(dooms) == "kill" else lambda: self._pause(worker)
        self._world.loop.call_later(self._rng.uniform(0, 0.5), self._group.rebalance)

    def _every(self, mean_s: float, fault: Callable[[], object]) -> None:
        def strike() -> None:
            if not self._calm:
                fault()
                self._every(mean_s, fault)

        self._world.loop.call_later(self._rng.expovariate(1 / mean_s), strike, context=SERVERS)

    def _supervise(self) -> None:
        """Starts again whoever is dead."""
        for worker in self._workers:
            if not worker.process.alive:
                if "disk" in self._kinds and not self._calm:
                    self._change_disk(worker)
                self.boot(worker)
        self._world.loop.call_later(self._rng.uniform(0.1, _REBOOT_S_MAX), self._supervise, context=SERVERS)

    def _change_disk(self, worker: SimulatedWorker) -> None:
        disks, saved = self._world.disks, self._saved.get(worker.name)
        draw = self._rng.random()
        if draw < 0.15:
            disks.lose(worker.name)
        elif draw < 0.6 and saved is not None:
            disks.put_back(worker.name, saved)
        else:
            self._saved[worker.name] = disks.save(worker.name)

    def _pause(self, worker: SimulatedWorker) -> None:
        """Stops a process in mid-step; past its session the group goes on without it."""
        process, loop, rng = worker.process, self._world.loop, self._rng
        process.paused = True
        lasts_s = rng.uniform(0.1, _PAUSE_S_MAX)
        process.doom_at = -1

        def resume() -> None:
            loop.resume(process)
            self._group.silent.discard(worker.name)
            loop.call_later(rng.uniform(0, 2), self._group.rebalance, context=SERVERS)

        def expire() -> None:
            if process.paused:
                self._group.silent.add(worker.name)
                self._group.rebalance()

        loop.call_later(lasts_s, resume, context=SERVERS)
        loop.call_later(SESSION_S * rng.uniform(0.1, 1), expire, context=SERVERS)

    def _compact(self) -> None:
        """Deletions are removed in their time, but not while readers may take longer than that: Kafka's own condition, which a
        day fulfils and these few seconds would not."""
        kept_ms = self._world.cluster.changelog_delete_retention_ms
        self._world.way.kafka.compact(STATE, 10**9 if {"slow", "pause"} & self._kinds else kept_ms, self._rng)

    def _away(self) -> None:
        clickhouse = self._world.clickhouse
        clickhouse.is_away = True
        self._world.loop.call_later(self._rng.uniform(0, 4), setattr, clickhouse, "is_away", False, context=SERVERS)

    def _take_backup(self) -> None:
        """Freshness first, the rows after it."""
        backup: Tables = {}
        clickhouse = self._world.clickhouse
        clickhouse.backup(backup, [FRESHNESS.name])

        def rest() -> None:
            if incarnation == clickhouse.incarnation:
                clickhouse.backup(backup, [table.name for table in TABLES if table is not FRESHNESS])
                self._backup = backup

        incarnation = clickhouse.incarnation
        self._world.loop.call_later(self._rng.uniform(0, 2), rest, context=SERVERS)

    def _restore(self) -> None:
        """Now and then it is soon done again, while workers still send what the first one lacked."""
        if self._rng.random() < 0.4 and not self._calm:
            self._world.loop.call_later(self._rng.uniform(0, 2), self._restore, context=SERVERS)
        self._world.clickhouse.restore(self._backup if self._rng.random() < 0.6 else {})

    def _calm_down(self) -> None:
        self._calm = True
        self._world.clickhouse.is_away, self._world.clickhouse.refused, self._world.poison = False, -1, -1
        for weather in (self._world.way.weather, self._world.clickhouse_weather):
            weather.calm_down()
        self._world.carelessness.calm_down()
        for worker in self._workers:
            worker.process.doom_at = -1
        self._world.loop.call_later(1, self._group.rebalance, context=SERVERS)


def set_weather(world: World, kinds: set[str]) -> None:
    """How often calls are slow, lost or refused, and what is wrong with deliveries and records, for the whole run."""
    rng = world.rng
    for weather in (world.way.weather, world.clickhouse_weather):
        weather.slow = rng.uniform(0, 0.1) if "slow" in kinds else 0
    if "kafka" in kinds:
        _worsen(world.way.weather, rng, 0.04)
    if "clickhouse" in kinds:
        _worsen(world.clickhouse_weather, rng, 0.2)
    if "deliveries" in kinds:
        for name in ("lost", "repeated", "seeks_lost"):
            setattr(world.carelessness, name, rng.uniform(0, 0.4))
    if "poison" in kinds:
        world.poison = rng.randrange(9)
    if "refusals" in kinds:
        world.clickhouse.refused = rng.randrange(9)


def _worsen(weather: Weather, rng: random.Random, most: float) -> None:
    weather.lost, weather.unanswered, weather.late = (rng.uniform(0, most) for _ in range(3))


def publish(world: World, story: Story, within_s: float) -> None:
    """Publishes the story in its order, the first part at once and the rest during the run."""
    rng, loop = world.rng, world.loop
    at_once = rng.randrange(len(story.published) + 1)
    at = 0.0
    for number, record in enumerate(story.published):
        if number >= at_once:
            at += rng.expovariate(1) * within_s / len(story.published)
        if at == 0.0:
            _publish(world, record, number)
        else:
            loop.call_later(min(at, within_s), _publish, world, record, number, context=SERVERS)


def publish_at_once(world: World, published: list[Published]) -> None:
    """Publishes records in their order."""
    for number, record in enumerate(published):
        _publish(world, record, number)


def _publish(world: World, record: Published, number: int) -> None:
    kafka: Kafka = world.way.kafka
    entry = (record.key, record.value, ())
    if not record.aborted:
        kafka.append(record.topic, record.partition, [entry])
        return
    name = f"publisher-{number}-{world.loop.now}"
    epoch = kafka.init_producer(name)
    kafka.append_in_transaction(name, epoch, (record.topic, record.partition), [entry])
    lasts_s = world.rng.choice([0.01, 1.0, 5.0])
    world.loop.call_later(lasts_s, kafka.init_producer, name, context=SERVERS)
