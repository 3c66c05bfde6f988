"""Whether a worker's generation is still the one to go on with: `posventa rebuild` may have made another.

Owns the look at the register. Never ends anything but this worker. Invariant: a worker that lets go was told so by the
register, and one that starts waits until the register says which generation is in use.
"""

import asyncio
import logging
import os
import signal
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.errors import SinkError
from sinks.generations import Register, read_register
from streams.generations.current import Current, current
from streams.settings import Settings
from streams.timing import Timing

log = logging.getLogger(__name__)

_TELL_EVERY_S: Final = 30.0


def is_over(register: Register, generation: int) -> bool:
    """Whether workers of a generation must let go."""
    return register.in_use != generation or register.is_handing_over


def settled(settings: Settings, timing: Timing) -> Current:
    """The generation in use, once none is taking over. Blocks. Raises SinkError."""
    told_at = -_TELL_EVERY_S
    while True:
        found = current(settings)
        if not found.register.is_handing_over or found.register.coming is None:
            return found
        if timing.clock.monotonic() - told_at > _TELL_EVERY_S:
            told_at = timing.clock.monotonic()
            log.info(
                "generation %d is taking over: this worker waits for it (posventa rebuild goes on with that, if none runs)",
                found.register.coming.generation,
            )
        timing.clock.sleep(timing.generation_every_s)


class Succession:
    """Of one worker."""

    def __init__(self, settings: Settings, timing: Timing, generation: int) -> None:
        self.is_over = False
        self._settings = settings
        self._timing = timing
        self._generation = generation
        self._client: Client | None = None

    async def run(self) -> None:
        """Looks until another generation takes over; then asks this process to stop, as a supervisor would."""
        while not self.is_over:
            await asyncio.sleep(self._timing.generation_every_s)
            await asyncio.to_thread(self._look)
        log.info("generation %d is over: this worker lets go, and follows", self._generation)
        os.kill(os.getpid(), signal.SIGTERM)

    def is_over_after_all(self) -> bool:
        """Asked when the worker ended by an error: whether that was because another generation took over."""
        self._look()
        return self.is_over

    def _look(self) -> None:
        try:
            if self._client is None:
                self._client = connect(self._settings.clickhouse.get_secret_value())
            self.is_over = self.is_over or is_over(read_register(self._client), self._generation)
        except SinkError:  # away: whoever sends rows tells of that
            self._client = None
