"""The consumer group: who is told to own which partitions, and when.

Owns the members. Never waits for anybody: a worker that was paused learns late that others have its partitions, and two may
believe that they own one.
"""

from typing import Any, Final

from tests.model.loop import Loop
from tests.model.worker import SimulatedWorker

SESSION_S: Final = 10.0
_TOLD_S_MAX: Final = 1.0


class Group:
    """Workers join when they boot and are left out when they are dead, leaving, or silent for a session."""

    def __init__(self, loop: Loop, rng: Any, workers: list[SimulatedWorker], partitions: int) -> None:
        self._loop = loop
        self._rng = rng
        self._workers = workers
        self._partitions = partitions
        self._generation = 0
        self.silent: set[str] = set()

    def rebalance(self) -> None:
        """Assigns all partitions anew; members learn of it one by one."""
        members = [worker for worker in self._workers if worker.process.alive and worker.name not in self.silent]
        if not members:
            return
        self._generation += 1
        mapping: dict[str, set[int]] = {worker.name: set() for worker in members}
        for number in range(self._partitions):
            mapping[self._rng.choice(members).name].add(number)
        for worker in members:
            told_in_s = self._rng.uniform(0, _TOLD_S_MAX)
            self._loop.call_later(told_in_s, worker.become, self._generation, mapping[worker.name])
