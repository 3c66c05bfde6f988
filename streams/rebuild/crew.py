"""The builders of a generation: as many processes as there are cores, started again when they die.

Owns the processes. Never knows what they build. Invariant: none outlives this process.
"""

import logging
import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.context import SpawnProcess
from typing import Final

from streams.errors import Unavailable
from streams.rebuild.builder import Order, build

log = logging.getLogger(__name__)

_DEATHS_MAX: Final = 20  # of all together; whoever dies as often does not come back
_STOP_S: Final = 20.0


class Crew:
    """`orders` are one a process."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._orders = orders
        self._context = multiprocessing.get_context("spawn")
        self._processes: list[SpawnProcess] = []
        self._deaths = 0

    def start(self) -> None:
        """Starts all. Called by a thread that lives as long as they shall."""
        self._processes = [self._started(order) for order in self._orders]

    def _started(self, order: Order) -> SpawnProcess:
        process = self._context.Process(target=build, args=(order,), daemon=False)
        process.start()
        return process

    def tend(self) -> None:
        """Starts again whoever died. Raises Unavailable when they keep dying; what they died of is in the log."""
        for place, process in enumerate(self._processes):
            if process.exitcode not in (None, 0):
                self._deaths += 1
                if self._deaths > _DEATHS_MAX:
                    raise Unavailable(
                        f"builders ended {self._deaths} times, the last with {process.exitcode}: see above why"
                    )
                log.warning("a builder ended with %s; started again", process.exitcode)
                self._processes[place] = self._started(self._orders[place])

    def stop(self) -> None:
        """Lets them finish their units and flush. Safe to repeat."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(_STOP_S)
            if process.exitcode is None:
                process.kill()
                process.join()
        self._processes = []


def shares(numbers: int, processes: int | None = None) -> list[tuple[int, ...]]:
    """Partitions dealt out to as many processes as there are cores, each time about as many."""
    count = min(processes or os.cpu_count() or 1, numbers)
    return [tuple(range(first, numbers, count)) for first in range(count)]
