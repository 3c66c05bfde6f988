"""Waits that grow: how long to wait before what failed is tried again.

Owns the doubling. Never waits itself.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class BackOff:
    """Gives `first_s`, then twice as much each time, `max_s` at most."""

    first_s: float
    max_s: float
    _next_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """What comes next is not the same trouble again."""
        self._next_s = self.first_s

    def wait_s(self) -> float:
        """Seconds to wait this time."""
        wait_s, self._next_s = self._next_s, min(self._next_s * 2, self.max_s)
        return wait_s
