"""Every crash point of one small history: worker 0 dies, or pauses as a zombie, at each of its steps, one run a step.

Owns this history: two workers, a few events before and after the fault, no other trouble. Worker 1 takes over; a zombie wakes
up while it does, or when it has applied all there is, and goes on until the group tells it. The order of steps is the seed's,
so other seeds sweep other orders.
"""

import random
from typing import Final

from tests.model.chaos import publish_at_once
from tests.model.law import Violation
from tests.model.network import SERVERS
from tests.model.simulation import Simulation, quiet

FAULTS: Final = {"kill": None, "pause": 0.6, "long pause": 2.5}  # and how many seconds it lasts
_EVENTS: Final = 5
_MORE_INPUT_AT_S: Final = 1.0  # by when a worker that nothing happened to is idle
_CALM_S: Final = 3.0
_NOTICED_S: Final = 0.3
_TOLD_S: Final = 0.6  # after it woke up


class Sweep(Simulation):
    """One run, in which worker 0 is hurt at one of its steps, or not at all (`step` 0)."""

    stays_drained_s = 0.5  # ClickHouse is the same all the time

    def __init__(self, seed: int, fault: str, step: int) -> None:
        super().__init__(random.Random(seed), 2, _EVENTS)
        self._fault = fault
        self._first, self._second = self.workers
        self._everything = set(range(len(self.law.lines)))
        for worker in self.workers:
            worker.boot()
        self._first.process.doom_at, self._first.process.doom = step, self._strike
        self._first.become(1, self._everything)
        half = len(self.story.published) // 2
        publish_at_once(self.world, self.story.published[:half])
        later = self.story.published[half:]
        self.loop.call_later(_MORE_INPUT_AT_S, publish_at_once, self.world, later, context=SERVERS)

    def violation(self) -> Violation | None:
        """Runs it."""
        with quiet():
            self.run(_CALM_S)
            self.compare(self.story, is_clickhouse_whole=True)
        return self.law.violation

    @property
    def steps(self) -> int:
        """How many steps worker 0 has made."""
        return self._first.process.steps

    def _strike(self) -> None:
        process, lasts_s = self._first.process, FAULTS[self._fault]
        self.loop.call_later(_NOTICED_S, self._second.become, 2, self._everything, context=SERVERS)
        if lasts_s is None:
            process.kill()
        else:
            process.paused = True
            self.loop.call_later(lasts_s, self.loop.resume, process, context=SERVERS)
            self.loop.call_later(lasts_s + _TOLD_S, self._first.become, 2, set(), context=SERVERS)


def steps_of(seed: int) -> int:
    """How many steps worker 0 makes when nothing happens."""
    calm = Sweep(seed, "kill", 0)
    found = calm.violation()
    assert found is None, found
    return calm.steps
