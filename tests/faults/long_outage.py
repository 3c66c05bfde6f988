"""`python -m tests.faults.long_outage`: ClickHouse refuses everything for ten minutes while events keep coming.

A real worker with the settings that it has by itself, real engines, a proxy that refuses. Looks every second at the worker's
memory, and at how far it reads. Exits 1 when the worker ended, took more memory than it may, read on without end, or when in
the end anything differs from what was published.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.events import totals
from bench.ground import Ground, Wrong
from bench.latency import READY_S_MAX, is_ready
from bench.processes import resident_mb
from bench.steady import Stream, events_for, flow, until
from streams.brokers.lag import committed
from streams.embedded.child import Child
from tests.faults.proxy import Mischief, Proxy

MEMORY_MB_MAX: Final = 700
_BEFORE_S: Final = 10.0
_CATCH_UP_S_MAX: Final = 600.0
_TOO_MANY_PARTS: Final = 252
_SLOW_S: Final = 5.0
_TELL_EVERY_S: Final = 30
_END_S: Final = 20


class Looked(NamedTuple):
    """Once a second."""

    read: int  # offsets of the sources in committed units
    memory_mb: float


def main() -> int:
    """Says what was seen."""
    options = argparse.ArgumentParser(prog="python -m tests.faults.long_outage", description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0, help="how long ClickHouse takes nothing (10)")
    options.add_argument("--rate", type=int, default=300, help="events a second (300)")
    options.add_argument("--slow", action="store_true", help="it answers, after five seconds, instead of refusing")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="posventa-long-outage-") as directory:
        try:
            run(Path(directory), chosen.minutes * 60, chosen.rate, chosen.slow)
        except Wrong as wrong:
            print(f"wrong: {wrong}")
            return 1
    return 0


def run(directory: Path, outage_s: float, rate: int, slow: bool) -> None:
    """Raises Wrong."""
    mischief = Mischief(delay_s=_SLOW_S) if slow else Mischief(refuse_code=_TOO_MANY_PARTS, refuse_status=500)
    events = events_for(1, round(rate * (outage_s + _BEFORE_S + _CATCH_UP_S_MAX)))
    with Ground(directory) as ground, Proxy(ground.url) as proxy:
        direct, ground.url = ground.url, proxy.url
        worker = ground.worker(0, directory / "state")
        ground.url = direct
        worker.start()
        try:
            ground.wait_until(is_ready(ground), [worker], READY_S_MAX)
            stream = asyncio.run(_flow(ground, events, rate, outage_s, worker, proxy, mischief))
            if not worker.running:
                raise Wrong(f"the worker ended:\n{worker.last_lines()}")
        finally:
            worker.stop(_END_S)
        sent = sum(map(len, stream.pace.due.values()))
        ground.check(totals(events[:sent]))
        print(f"{sent:,} events: ClickHouse shows exactly what was published")


async def _flow(
    ground: Ground, events: list[Any], rate: int, outage_s: float, worker: Child, proxy: Proxy, mischief: Mischief
) -> Stream:
    async def during(stream: Stream) -> None:
        await asyncio.sleep(_BEFORE_S)
        proxy.mischief = mischief
        looks = await asyncio.to_thread(_look_on, ground, worker, outage_s, print)
        proxy.mischief = Mischief()
        if not mischief.times:
            raise Wrong("ClickHouse was not asked meanwhile")
        _judge(looks, mischief.refuse_status > 0)
        begun = time.monotonic()
        await until(lambda: stream.queryable() >= stream.due_before(begun), _CATCH_UP_S_MAX, "what had waited")
        print(f"caught up {time.monotonic() - begun:.0f} s after the outage, {resident_mb(worker.pid or 0):.0f} MB")

    return await flow(ground, events, rate, during)


def _look_on(ground: Ground, worker: Child, seconds: float, say: Callable[[str], None]) -> list[Looked]:
    looks: list[Looked] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if not worker.running:
            raise Wrong(f"the worker ended:\n{worker.last_lines()}")
        looks.append(Looked(sum(committed(ground.settings).values()), resident_mb(worker.pid or 0)))
        if len(looks) % _TELL_EVERY_S == 1:
            say(f"{time.monotonic() - began:4.0f} s: {looks[-1].read:,} records read, {looks[-1].memory_mb:.0f} MB")
        time.sleep(1)
    return looks


def _judge(looks: list[Looked], refused: bool) -> None:
    most = max(look.memory_mb for look in looks)
    held_at = next(number for number, look in enumerate(looks) if look.read == looks[-1].read)
    print(f"reading was held back after {held_at} looks of {len(looks)}, at most {most:.0f} MB")
    if most > MEMORY_MB_MAX:
        raise Wrong(f"the worker took {most:.0f} MB, expected at most {MEMORY_MB_MAX}")
    if refused and held_at > len(looks) * 3 // 4:
        raise Wrong("the worker still read in the last quarter of the outage")


if __name__ == "__main__":
    sys.exit(main())
