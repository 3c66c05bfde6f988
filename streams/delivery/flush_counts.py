"""What a worker's flushes came to since it began: for its metrics.

Pure: plain counters, changed once an attempt, never once a record. Never decides anything.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable
from typing import Final

from streams.delivery.buffer import Arrivals
from streams.delivery.flush import FlushResult
from streams.histogram import SECONDS, Histogram

_TAKEN: Final = "taken"
_REFUSED: Final = "refused"  # a row of some partition; ClickHouse took what is of the others
_AWAY: Final = "away"
_OUTCOMES: Final = (_TAKEN, _REFUSED, _AWAY)

# Seconds, from what a flush takes to a day of an outage.
_AGES: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)


class FlushCounts:
    """Of one outbox. Changed and read in its event loop."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()  # that ClickHouse acknowledged, by table; sent again is counted again
        self.seconds = {outcome: Histogram(SECONDS) for outcome in _OUTCOMES}  # of an attempt
        self.queryable_after_s = Histogram(_AGES)  # from a record's arrival at the broker

    def attempted(self, result: FlushResult, seconds: float) -> None:
        """Called after each attempt."""
        self.rows.update(result.acknowledged)
        outcome = _AWAY if result.failure else _REFUSED if result.refused else _TAKEN
        self.seconds[outcome].add(seconds)

    def queryable(self, arrivals: Iterable[tuple[int, Arrivals]], lacking: Container[int], now_ms: int) -> None:
        """Called when what was made of records is in ClickHouse, with their partition, but for those which it still lacks."""
        for partition, found in arrivals:
            if found and partition not in lacking:
                self._queryable(found, max(now_ms, found[-1]))  # the broker's clock may be ahead

    def _queryable(self, arrivals: Arrivals, now_ms: int) -> None:
        """A step for each bound, not for each record."""
        count = len(arrivals)
        self.queryable_after_s.add_many(
            count,
            (count * now_ms - sum(arrivals)) / 1000,
            lambda bound_s: count - bisect_left(arrivals, now_ms - round(bound_s * 1000)),
        )
