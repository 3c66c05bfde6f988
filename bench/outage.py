"""The worker is killed and away for a while, and events keep coming: how long until it has caught up.

It has caught up when every event that is older than a second can be queried again. In the end the totals must be right.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.events import totals
from bench.ground import Ground
from bench.latency import READY_S_MAX, is_ready
from bench.steady import POLL_S, Stream, events_for, flow, until

CAUGHT_UP_S: Final = 1.0
_CATCH_UP_S_MAX: Final = 90.0


class Sizes(NamedTuple):
    """What is measured: events a second, and seconds before and of the outage."""

    rate: int = 2_000
    before_s: float = 8.0
    outage_s: float = 60.0


def measure(directory: Path, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds from the start of the new worker process, and how much was waiting."""
    say("making up events")
    events = events_for(1, round(sizes.rate * (sizes.before_s + sizes.outage_s + _CATCH_UP_S_MAX)))
    with Ground(directory) as ground:
        found, sent = asyncio.run(_measure(ground, events, sizes, say))
        ground.check(totals(events[:sent]))
    return {"sizes": sizes._asdict(), **found}


async def _measure(
    ground: Ground, events: list[Any], sizes: Sizes, say: Callable[[str], None]
) -> tuple[dict[str, Any], int]:
    worker = ground.worker(0, ground.directory / "state")
    found: dict[str, Any] = {}

    async def during(stream: Stream) -> None:
        await asyncio.sleep(sizes.before_s)
        say(f"the worker is killed; back in {sizes.outage_s:.0f} s")
        worker.kill()
        await asyncio.sleep(sizes.outage_s)
        reached = stream.queryable()
        worker.start()
        begun = time.monotonic()
        say("the worker is started again")
        found["backlog"] = stream.due_before(begun) - reached
        await until(lambda: stream.queryable() > reached, _CATCH_UP_S_MAX, "the first rows")
        found["first_rows_s"] = stream.looks[-1].at - begun
        first_at, first = stream.looks[-1].at, stream.queryable()
        await until(
            lambda: stream.queryable() >= stream.due_before(stream.looks[-1].at - CAUGHT_UP_S),
            _CATCH_UP_S_MAX,
            "the worker to catch up",
        )
        found["caught_up_s"] = stream.looks[-1].at - begun
        found["catch_up_rate"] = (stream.queryable() - first) / max(POLL_S, stream.looks[-1].at - first_at)

    worker.start()
    try:
        ground.wait_until(is_ready(ground), [worker], READY_S_MAX)
        say(f"{sizes.rate:,} events/s")
        stream = await flow(ground, events, sizes.rate, during)
    finally:
        worker.stop(20)
    return found, sum(map(len, stream.pace.due.values()))
