"""Where batches wait for their partition's owner, and where it waits for them.

Owns the inbox, and what wakes the owner: a batch, the end of a claim, the order to stop. Never makes a unit. Invariant:
whoever waits here is woken by each of the three.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from streams.batches import RecordBatch
from streams.changelog.meta import Applied
from streams.partition.inbox import Cut, Inbox, Waiting
from streams.partition.pace import Pace
from streams.timing import Timing


class Desk:
    """`on_cut` is called when fewer batches wait than before."""

    def __init__(self, timing: Timing, on_cut: Callable[[], None]) -> None:
        self._now = timing.clock.monotonic
        self._on_cut = on_cut
        self._pace = Pace(timing.unit_every_s)
        self._inbox = Inbox()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._inbox

    @property
    def is_stopping(self) -> bool:
        """Whether the owner is to stop."""
        return self._stopping.is_set()

    def put(self, batch: RecordBatch) -> None:
        """Takes a batch."""
        self._inbox.put(batch)
        self._wake.set()

    def waiting(self, topic: str) -> Waiting:
        """How much of a topic waits."""
        return self._inbox.waiting[topic]

    def stop(self) -> None:
        """The owner is to stop."""
        self._stopping.set()
        self._wake.set()

    def wake(self) -> None:
        """The claim is over."""
        self._wake.set()

    async def until_a_unit_is_due(self, records_max: int, is_over: Callable[[], bool]) -> None:
        """Waits for batches, and for the next unit's time; no longer than until the owner is to stop or the claim is over."""
        while not self.is_stopping and not is_over():
            waiting = sum(of_topic.records for of_topic in self._inbox.waiting.values()) if self._inbox else None
            wait_s = self._pace.wait_s(waiting, records_max, self._now())
            if wait_s == 0:
                break
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
        self._pace.unit_begins(self._now())

    async def until_stopping(self, seconds: float) -> None:
        """Waits until the owner is to stop, or so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def cut(self, records_max: int, applied: Mapping[str, Applied]) -> Cut:
        """What the next unit is to be made of."""
        cut = self._inbox.cut(records_max, applied)
        self._on_cut()
        return cut

    def put_back(self, cut: Cut) -> None:
        """Takes back what no unit was made of."""
        self._inbox.put_back(cut)

    def clear(self) -> None:
        """Drops everything."""
        self._inbox.clear()
        self._on_cut()
