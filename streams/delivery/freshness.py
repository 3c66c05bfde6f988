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
    """The columns of the table freshness from applied_offset to ends_age_seconds."""

    applied_offset: int
    end_offset: int
    complete_up_to: int
    lag_records: int
    lag_seconds: float
    progress_at: int
    busy_at: int
    ends_age_seconds: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """Follows one source partition. `started_at` is when this owner began to watch."""

    started_at: int
    complete_up_to: int = 0
    offset: int = -1
    caught_up_at: int = 0
    progress_at: int = 0
    busy_at: int = 0

    def read(self, applied: Applied, end: LogEnd, now: int) -> tuple["Gauge", Freshness]:
        """The gauge afterwards, and what to report, when `applied` is in ClickHouse and the log ended at `end`."""
        waiting = max(0, end.stable - applied.offset)
        has_moved, is_caught_up = applied.offset != self.offset, applied.offset >= end.high
        gauge = Gauge(
            self.started_at,
            complete_up_to=max(self.complete_up_to, applied.timestamp, end.checked_at if is_caught_up else 0),
            offset=applied.offset,
            caught_up_at=end.checked_at if is_caught_up else self.caught_up_at,
            progress_at=now if has_moved or not waiting else self.progress_at,
            busy_at=now if has_moved or waiting else self.busy_at,
        )
        lag_s = max(0, now - gauge._next_record_at(applied)) / 1000 if waiting else 0.0
        return gauge, Freshness(
            applied.offset, end.stable, gauge.complete_up_to, waiting, lag_s, gauge.progress_at, gauge.busy_at,
            self.ends_age_s(end, now),
        )  # fmt: skip

    def ends_age_s(self, end: LogEnd | None, now: int) -> float:
        """How long ago this owner last learnt where the log ends; None and 0: not yet. What it says of waiting records is as
        old."""
        return max(0, now - max(end.checked_at if end else 0, self.started_at)) / 1000

    def _next_record_at(self, applied: Applied) -> int:
        """The earliest that the next unread record can have come: after the last one, and after all had been read."""
        return max(applied.timestamp, self.caught_up_at) or self.started_at
