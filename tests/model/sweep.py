"""Every crash point of one small history: worker 0 dies, or pauses as a zombie, at each of its steps, one run a step.

Owns this history: worker 1 has made some units; worker 0 takes over and makes others; when it is hurt, worker 1 takes over
again. A zombie wakes up while worker 1 does so, or when that has applied all there is, and goes on until the group tells it.
In a late claim, worker 0 takes over when all is done and old; killed, it comes back soon, but the cleaner has passed.
Nothing else goes wrong. The order of steps is the seed's, so other seeds sweep other orders.
"""

import random
from typing import Final

from streams.brokers.topics import STATE
from tests.model.chaos import publish_at_once
from tests.model.law import Violation
from tests.model.network import SERVERS
from tests.model.simulation import Simulation, quiet

LATE: Final = "kill in a late claim"
FAULTS: Final = {"kill": None, "pause": 0.6, "long pause": 2.0, LATE: None}  # and how many seconds it lasts
_EVENTS: Final = 6
_TAKEN_OVER_AT_S: Final = 0.5
_LATE_BY_S: Final = 4.5
_BACK_S: Final = 1.5  # younger than half of what deletions are kept for
_INPUT_AT_S: Final = (0.0, 0.4, 1.1)  # before, around and after the take-over
_CALM_S: Final = 3.0
_NOTICED_S: Final = 0.3
_TOLD_S: Final = 0.6  # after it woke up


class Sweep(Simulation):
    """One run, in which worker 0 is hurt at one of its steps, or not at all (`step` 0)."""

    stays_drained_s = 0.5  # ClickHouse is the same all the time

    def __init__(self, seed: int, fault: str, step: int) -> None:
        super().__init__(random.Random(seed), 2, _EVENTS)
        self._fault = fault
        self._hurt, self._other = self.workers
        self._everything = set(range(len(self.law.lines)))
        for worker in self.workers:
            worker.boot()
        self._hurt.process.doom_at, self._hurt.process.doom = step, self._strike
        self._other.become(1, self._everything)
        self._late_by_s = _LATE_BY_S if fault == LATE else 0.0
        taken_over_at_s = _TAKEN_OVER_AT_S + self._late_by_s
        self.loop.call_later(taken_over_at_s, self._hurt.become, 2, self._everything, context=SERVERS)
        self.loop.call_later(taken_over_at_s, self._other.become, 2, set(), context=SERVERS)
        parts = len(_INPUT_AT_S)
        for number, at_s in enumerate(_INPUT_AT_S):
            part = self.story.published[number::parts]
            self.loop.call_later(at_s, publish_at_once, self.world, part, context=SERVERS)

    def violation(self) -> Violation | None:
        """Runs it."""
        with quiet():
            self.run(_CALM_S + self._late_by_s)
            self.compare(self.story)
        return self.law.violation

    @property
    def steps(self) -> int:
        """How many steps worker 0 has made."""
        return self._hurt.process.steps

    def _strike(self) -> None:
        process, lasts_s = self._hurt.process, FAULTS[self._fault]
        if self._fault == LATE:
            process.kill()
            self.loop.call_later(_BACK_S, self._come_back, context=SERVERS)
            return
        self.loop.call_later(_NOTICED_S, self._other.become, 3, self._everything, context=SERVERS)
        if lasts_s is None:
            process.kill()
        else:
            process.paused = True
            self.loop.call_later(lasts_s, self.loop.resume, process, context=SERVERS)
            self.loop.call_later(lasts_s + _TOLD_S, self._hurt.become, 3, set(), context=SERVERS)

    def _come_back(self) -> None:
        """Worker 0 starts again, just after old deletions were removed."""
        for number in range(len(self.law.lines)):
            log = self.world.way.kafka.log(STATE, number)
            log.compact(log.stable, self._now_ms() - self.world.cluster.changelog_delete_retention_ms)
        self._hurt.boot()
        self._hurt.become(3, self._everything)


def steps_of(seed: int, fault: str = "kill") -> int:
    """How many steps worker 0 makes when nothing happens, up to which a fault would have struck."""
    calm = Sweep(seed, fault, 0)
    found = calm.violation()
    assert found is None, found
    return calm.steps
