"""A steady stream of events, and looks at ClickHouse while it flows: how old an event is when it can be queried.

The load is open: an event is due by the clock, however the worker is doing, and its age counts from then. So a stall
makes everything old that came during it, and nothing is left out. A look tells when everything below an offset was
queryable at the latest, so ages are up to one poll and one query too great, never too small.
"""

import asyncio
import gc
import math
import threading
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from bench.events import week_of_events
from bench.ground import Ground, Look, Wrong
from bench.loading import Pace, Place, records_of
from schemas.events import Event

POLL_S: Final = 0.05
_CHUNK: Final = 50_000
_DRAIN_S_MAX: Final = 60.0


@dataclass(slots=True)
class Stream:
    """A stream while it flows. `first` are the offsets at which it began; `looks` grow."""

    pace: Pace
    first: dict[Place, int]
    looks: list[Look] = field(default_factory=list)

    def queryable(self) -> int:
        """Events of this stream that the last look showed."""
        return self.looks[-1].total - sum(self.first.values()) if self.looks else 0

    def due_before(self, moment: float) -> int:
        """Events that were due before a moment (monotonic)."""
        return sum(bisect_left(times, moment) for times in self.pace.due.values())


def events_for(seed: int, count: int) -> list[Event]:
    """So many events, in chunks of a week each, all of different customers: what a stream is made of."""
    now = time.time_ns() // 1_000_000
    chunks = (week_of_events(seed + number, _CHUNK, now) for number in range(math.ceil(count / _CHUNK)))
    return list(islice((event for chunk in chunks for event in chunk), count))


async def flow(
    ground: Ground, events: Sequence[Event], rate: int, during: Callable[[Stream], Awaitable[None]]
) -> Stream:
    """Lets events flow until `during` returns, then waits until all of them can be queried. Raises Wrong
    when they never can.
    """
    records = list(records_of(events, ground.settings.partitions))
    gc.collect()
    gc.freeze()  # what was made up must not cost a pause while the clock runs
    stream = Stream(Pace(ground.settings, rate), ground.look().applied)
    done = threading.Event()
    looking = asyncio.create_task(asyncio.to_thread(_look_on, ground, stream.looks, done))
    pacing = asyncio.create_task(stream.pace.run(iter(records), len(records) / rate))
    try:
        await during(stream)
        stream.pace.stop()
        await pacing
        sent = sum(map(len, stream.pace.due.values()))
        await until(lambda: stream.queryable() >= sent, _DRAIN_S_MAX, f"{sent} events to be queryable")
    finally:
        stream.pace.stop()
        done.set()
        await asyncio.gather(looking, pacing, return_exceptions=True)
        gc.unfreeze()
    return stream


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Polls; raises Wrong when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Wrong(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(POLL_S)


def ages(
    stream: Stream, since: float, before: float = math.inf, places: Collection[Place] | None = None
) -> list[float]:
    """Seconds from due to queryable of each event that was due from `since` on and before `before`, rising; of all places or
    some."""
    found: list[float] = []
    for place, due in stream.pace.due.items():
        if places is None or place in places:
            looks = [(look.at, look.applied.get(place, 0)) for look in stream.looks]
            found += ages_at(due, stream.first.get(place, 0), looks, since, before)
    return sorted(found)


def ages_at(
    due: Sequence[float], first: int, looks: Iterable[tuple[float, int]], since: float, before: float = math.inf
) -> list[float]:
    """The same of one partition: `due` from offset `first` on, looks as (moment, applied offset), in time's order."""
    found: list[float] = []
    shown = 0
    for moment, applied in looks:
        while shown < min(applied - first, len(due)):
            if since <= due[shown] < before:
                found.append(moment - due[shown])
            shown += 1
    return found


def percentile(rising: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all is not above."""
    return rising[max(0, math.ceil(share * len(rising)) - 1)]


def _look_on(ground: Ground, looks: list[Look], done: threading.Event) -> None:
    while not done.wait(POLL_S):
        looks.append(ground.look())
