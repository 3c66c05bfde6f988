"""When the next unit of a partition is due: at once after a quiet time, else when the last is a while ago or there is enough.

Pure. Never reads a clock: `now` is a monotonic time in seconds, handed in.
"""

from typing import Final

# A unit of so many times fewer records than it may have begins at once.
_ENOUGH_SHARE: Final = 8


class Pace:
    """Of one partition. `every_s` is the time between the units of one that has little to do."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_at = 0.0

    def wait_s(self, waiting: int | None, records_max: int, now: float) -> float | None:
        """Seconds until the next unit is due, which may have `records_max` records: 0 is now, None never.

        `waiting` counts the records that are there; None when nothing is. (What is there may be no records: a gap.)
        """
        if waiting is None:
            return None
        if waiting * _ENOUGH_SHARE >= records_max:
            return 0.0
        return max(0.0, self._next_at - now)

    def unit_begins(self, now: float) -> None:
        """The unit that was due begins."""
        self._next_at = now + self._every_s
