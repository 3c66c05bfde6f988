"""One supervised process: what dies is started again, sooner at first, later when it keeps dying.

Time arrives as an argument; the caller asks often.
"""

from collections.abc import Callable
from typing import Final

from streams.backoff import BackOff
from streams.embedded.child import Child

_DELAY_S_MIN: Final = 0.5
_DELAY_S_MAX: Final = 10.0
_HEALTHY_S: Final = 60.0  # who lived this long starts over with the shortest delay


class Supervised:
    """A named process that is kept alive by calling `tend`. All calls come from one thread."""

    def __init__(self, name: str, launch: Callable[[], Child], say: Callable[[str], None]) -> None:
        """`launch` returns the process to start, anew for each start; `say` gets messages for people."""
        self.name = name
        self.child: Child | None = None
        self.deaths = 0
        self._launch = launch
        self._say = say
        self._back_off = BackOff(_DELAY_S_MIN, _DELAY_S_MAX)
        self._started_at_s = 0.0
        self._start_again_at_s: float | None = None

    def start(self, now_s: float) -> None:
        """Starts the process. `now_s` is a monotonic clock's."""
        self.child = self._launch()
        self.child.start()
        self._started_at_s, self._start_again_at_s = now_s, None

    def tend(self, now_s: float) -> None:
        """Notices a death, says so once, and starts again when it is time."""
        if self.child is None or self.child.running:
            if self.child is not None:
                self.child.bound_log()
            return
        if self._start_again_at_s is None:
            self.deaths += 1
            if now_s - self._started_at_s >= _HEALTHY_S:
                self._back_off.begin_anew()
            delay_s = self._back_off.wait_s()
            self._start_again_at_s = now_s + delay_s
            self._say(self._obituary(self.child, delay_s))
        elif now_s >= self._start_again_at_s:
            self.start(now_s)

    def _obituary(self, child: Child, delay_s: float) -> str:
        code = child.exit_code or 0
        how = f"was ended by signal {-code}" if code < 0 else f"exited with {code}"
        said = "".join(f"\n    {line}" for line in child.cause().splitlines())
        return f"{self.name} {how}; started again in {delay_s:g} s. Log: {child.log}{said}"
