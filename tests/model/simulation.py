"""One run: a world is made from a seed, goes through its faults, calms down, drains, and is compared with a calm computation.

Owns the order of these. Never decides what is right (law.py, and the oracle for the end).
"""

import gc
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from streams.brokers.topics import SOURCES
from streams.changelog.meta import Ground
from streams.domain.rules import Rules
from streams.partition.cluster import Cluster
from streams.settings import Settings
from streams.timing import Clock, Timing
from tests.model import law as laws
from tests.model.chaos import Chaos, publish
from tests.model.clickhouse import ClickHouse
from tests.model.disk import Disks
from tests.model.end import differences
from tests.model.group import Group
from tests.model.kafka import Kafka
from tests.model.kafka_clients import Way
from tests.model.law import Law, Violation
from tests.model.loop import BEGINNING_S, Loop
from tests.model.network import SERVERS, Network, Weather
from tests.model.story import Story, make_story
from tests.model.substitutes import substituted
from tests.model.worker import SimulatedWorker, World

KINDS: Final = (
    "kill", "pause", "rebalance", "leave", "disk", "kafka", "clickhouse", "restore", "deliveries", "compaction", "slow",
    "poison", "refusals",
)  # fmt: skip
PARTITIONS: Final = 2
# After the calm: a claim again after 10 s, what is missing is noticed after 10 s, a seek again after 5 s, and some of that
# twice. Less than the time after which a worker that is stuck ends itself.
_DRAIN_S_MAX: Final = 120.0
_DELETE_RETENTION_MS: Final = 4000  # short, so that deletions are gone while copies from before them are still there
_STAYS_DRAINED_S: Final = 6.0  # three reports: a ClickHouse that is not as it was left would have been noticed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run showed; `steps` are those of the event loop."""

    seed: int
    violation: Violation | None
    kinds: tuple[str, ...]
    steps: int
    units: int
    seconds: float  # virtual


class Simulation:
    """A world and its workers. `rng` decides everything that the caller does not."""

    stays_drained_s = _STAYS_DRAINED_S

    def __init__(self, rng: random.Random, workers: int, events_max: int) -> None:
        self.rng = rng
        self.loop = loop = Loop(rng)
        settings = _settings().model_copy(
            update={
                "unit_records_max": rng.choice([1, 2, 4, 8]),
                "poll_records_max": rng.choice([1, 3, 6]),
                "flush_rows": rng.choice([3, 10, 100]),
                "flush_ms": rng.choice([50, 250, 1000]),
            }
        )
        rules = Rules(settings.pane, settings.attribution_window * 1000, settings.customer_events_max)
        ground = Ground(PARTITIONS, rules.pane_s, rules.attribution_window_ms, "sales-id", "feedback-id")
        self.story = make_story(rng, events_max, PARTITIONS, int(BEGINNING_S * 1000))
        self.law = Law(rules, PARTITIONS, ground, self._now_ms)
        network = Network(loop, rng)
        kafka = Kafka(self._now_ms, self._later, self.law.check_commit, rng.choice([4.0, 60.0]))
        self.law.kafka = kafka
        way = Way(loop, network, kafka, Weather(), rng.choice([1, 2, 100]), rng.choice([2, 5, 100]))
        cluster = Cluster("cluster", ground, "state-id", _DELETE_RETENTION_MS, 5_000_000, 4_000_000, PARTITIONS)
        timing = Timing(Clock(lambda: loop.now, self._now_ms))
        self.world = World(
            rng, loop, network, way, self.law, ClickHouse(self.law), Weather(), Disks(), cluster, settings, timing
        )
        self.workers = [SimulatedWorker(self.world, f"worker-{number}") for number in range(workers)]
        self.group = Group(loop, rng, self.workers, PARTITIONS)
        self._drained_since: float | None = None

    def _now_ms(self) -> int:
        return int((BEGINNING_S + self.loop.now) * 1000)

    def _later(self, call: Any, after_s: float) -> None:
        self.loop.call_later(after_s + self.rng.uniform(0, 0.03), call, context=SERVERS)

    def run(self, calm_from_s: float) -> None:
        """Runs until everything has been in ClickHouse for a while; the law knows what was seen."""
        self.loop.call_later(calm_from_s, self._look, context=SERVERS)
        until_s = calm_from_s + _DRAIN_S_MAX
        try:
            with substituted(self.world):
                self.loop.run_until(self._is_over, until_s)
        finally:
            self.loop.end()
        if self.loop.errors:
            self.law.broken(laws.NO_ERROR, repr(self.loop.errors[0]))
        if not self._has_stayed_drained():
            self.law.broken(laws.DRAINS, f"still waiting after {_DRAIN_S_MAX:.0f} s: {self._state()}")

    def _is_over(self) -> bool:
        return self.law.violation is not None or bool(self.loop.errors) or self._has_stayed_drained()

    def _has_stayed_drained(self) -> bool:
        return self._drained_since is not None and self.loop.now - self._drained_since > self.stays_drained_s

    def _look(self) -> None:
        self._drained_since = (self._drained_since or self.loop.now) if self._is_drained() else None
        self.loop.call_later(1, self._look, context=SERVERS)

    def _is_drained(self) -> bool:
        positions, kafka = self.world.clickhouse.positions(), self.world.way.kafka
        for number, line in enumerate(self.law.lines):
            position = positions.get(number)
            if line.meta is None or position is None or position.state_version < line.meta.version:
                return False
            if any(line.meta.applied[topic].offset < kafka.log(topic, number).end for topic in SOURCES):
                return False
        return True

    def _state(self) -> str:
        kafka = self.world.way.kafka
        ends = {tp: (log.stable, log.end) for tp, log in kafka.logs.items()}
        metas = [line.meta and {t: line.meta.applied[t].offset for t in SOURCES} for line in self.law.lines]
        return f"ends {ends}, applied {metas}, sink {self.world.clickhouse.positions()}"

    def compare(self, story: Story) -> None:
        """The end of a run against the oracle and one calm unit over everything."""
        if self.law.violation is None:
            for difference in differences(self.world, story)[:1]:
                self.law.broken(laws.EQUAL, difference)


@cache
def _settings() -> Settings:
    return Settings(partitions=PARTITIONS)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is logged, and no garbage is collected in the middle of a run."""
    logger = logging.getLogger("streams")
    level, was_enabled = logger.level, gc.isenabled()
    logger.setLevel(logging.CRITICAL + 1)
    gc.disable()
    try:
        yield
    finally:
        logger.setLevel(level)
        if was_enabled:
            gc.enable()


def simulate(
    seed: int, kinds: Iterable[str] | None = None, watch: Callable[[Simulation], None] | None = None
) -> Outcome:
    """A run with seeded faults of some kinds; without `kinds` the seed chooses them. `watch` sees it before it begins."""
    rng = random.Random(seed)
    chosen = set(kinds) if kinds is not None else {kind for kind in KINDS if rng.random() < rng.choice([0.25, 0.6])}
    simulation = Simulation(rng, rng.choice([1, 2, 2, 3]), rng.choice([6, 12, 20]))
    chaos = Chaos(simulation.world, simulation.workers, simulation.group, chosen)
    with quiet():
        if watch is not None:
            watch(simulation)
        chaos.begin()
        publish(simulation.world, simulation.story, chaos.lasts_s)
        simulation.run(chaos.lasts_s)
        simulation.compare(simulation.story)
    return Outcome(
        seed, simulation.law.violation, tuple(sorted(chosen)), simulation.loop.steps, simulation.law.units,
        simulation.loop.now,
    )  # fmt: skip
