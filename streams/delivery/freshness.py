"""How fresh the numbers of one source partition are: pure arithmetic over what was applied and where the log ends.

Owns the meaning of complete_up_to, lag and their clocks. Never reads a clock: times are epoch milliseconds handed in.
Invariant: complete_up_to never goes back, and everything that reached the broker before it is in ClickHouse.
"""

from dataclasses import dataclass
from typing import NamedTuple

from streams.changelog.meta import Applied


class LogEnd(NamedTuple):
    """Where a log ends. Taken after `checked_at`, so whatever came before that moment lies below `high`."""

    stable: int  # below it everything is committed and readable
    high: int  # below it records exist, perhaps of an open transaction
    checked_at: int


class Freshness(NamedTuple):
    """The columns of the table freshness from applied_offset to busy_at."""

    applied_offset: int
    end_offset: int
    complete_up_to: int
    lag_records: int
    lag_seconds: float
    progress_at: int
    busy_at: int


@dataclass(slots=True)
class Gauge:
    """Follows one source partition. `started_at` is when this owner began to watch."""

    started_at: int
    complete_up_to: int = 0
    _offset: int = -1
    _caught_up_at: int = 0
    _progress_at: int = 0
    _busy_at: int = 0

    def __post_init__(self) -> None:
        self._progress_at = self._busy_at = self.started_at

    def read(self, applied: Applied, end: LogEnd, now: int) -> Freshness:
        """What to report, when `applied` is in ClickHouse and the log ended at `end`."""
        waiting = max(0, end.stable - applied.offset)
        if applied.offset != self._offset:
            self._offset, self._progress_at, self._busy_at = applied.offset, now, now
        if waiting:
            self._busy_at = now
        else:
            self._progress_at = now
        self.complete_up_to = max(self.complete_up_to, applied.timestamp)
        if applied.offset >= end.high:
            self._caught_up_at = end.checked_at
            self.complete_up_to = max(self.complete_up_to, end.checked_at)
        lag_s = max(0, now - self._next_record_at(applied)) / 1000 if waiting else 0.0
        return Freshness(
            applied.offset, end.stable, self.complete_up_to, waiting, lag_s, self._progress_at, self._busy_at
        )

    def _next_record_at(self, applied: Applied) -> int:
        """The earliest that the next unread record can have come: after the last one, and after all had been read."""
        return max(applied.timestamp, self._caught_up_at) or self.started_at
