"""How often values lay where: counts by bounds, as Prometheus has its histograms.

Pure; adds and never forgets. Never knows what it counts, nor in which unit.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from typing import Final, NamedTuple

# Of what takes from a few milliseconds to minutes.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Distribution(NamedTuple):
    """What a histogram held at a moment: how many values were at most each bound, the last one infinity; and their sum."""

    buckets: tuple[tuple[float, int], ...]
    total: float


class Histogram:
    """Counts values by the first of the ascending `bounds` that is not below them."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Counts a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def add_many(self, count: int, total: float, at_most: Callable[[float], int]) -> None:
        """Counts so many values, with that sum; `at_most` says of a bound how many of them are not above it."""
        below = 0
        for place, passed in enumerate((*map(at_most, self._bounds), count)):
            self._counts[place] += passed - below
            below = passed
        self._total += total

    def seen(self) -> Distribution:
        """What it holds now."""
        bounds = (*self._bounds, float("inf"))
        return Distribution(tuple(zip(bounds, accumulate(self._counts), strict=True)), self._total)
