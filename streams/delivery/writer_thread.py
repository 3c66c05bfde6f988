"""The one thread in which ClickHouse is talked to, and the patience to talk to it again.

Owns the thread: calls in it run one after the other. Never gives up while ClickHouse is away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sinks.errors import SinkUnavailable
from streams.backoff import BackOff
from streams.timing import Timing

log = logging.getLogger(__name__)

T = TypeVar("T")


class WriterThread:
    """Used in the event loop."""

    def __init__(self, timing: Timing) -> None:
        self.is_waiting = False  # for a ClickHouse that is away
        self._timing = timing
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clickhouse")

    async def run(self, call: Callable[[], T]) -> T:
        """Runs a call in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def until_taken(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Makes attempts until ClickHouse takes one: until none raises SinkUnavailable."""
        back_off = BackOff(self._timing.retry_s_first, self._timing.retry_s_max)
        while True:
            try:
                result = await attempt()
            except SinkUnavailable as error:
                self.is_waiting = True
                wait_s = back_off.wait_s()
                log.warning("%s; trying again in %.2f s", error, wait_s)
                await asyncio.sleep(wait_s)
            else:
                self.is_waiting = False
                return result
