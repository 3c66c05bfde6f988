"""How old an event is when it can be queried, at several steady rates, with one worker.

Owns the rates and how long each flows. The first seconds of each rate are not counted.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.events import totals
from bench.ground import Ground, Look, Wrong
from bench.processes import cpu_s
from bench.steady import POLL_S, Stream, ages, events_for, flow, percentile
from schemas.events import Event
from streams.embedded.child import Child

READY_S_MAX = 60.0


class Sizes(NamedTuple):
    """What is measured: events a second, and seconds."""

    rates: tuple[int, ...] = (1_000, 5_000, 20_000)
    warm_s: float = 5.0
    measured_s: float = 20.0


def measure(directory: Path, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """Percentiles in seconds by rate; a rate that one worker does not keep up with says so."""
    found: list[dict[str, Any]] = []
    with Ground(directory) as ground:
        worker = ground.worker(0, directory / "state")
        worker.start()
        try:
            ground.wait_until(is_ready(ground), [worker], READY_S_MAX)
            published: list[Event] = []
            for number, rate in enumerate(sizes.rates):
                say(f"making up events for {rate:,}/s")
                events = events_for(100 * (number + 1), round(rate * (sizes.warm_s + sizes.measured_s)))
                say(f"{rate:,} events/s for {sizes.measured_s:.0f} s")
                try:
                    row, sent = asyncio.run(_one_rate(ground, worker, events, rate, sizes))
                    published += events[:sent]
                    ground.check(totals(published))
                except Wrong as wrong:
                    found.append({"rate": rate, "wrong": str(wrong)})
                    break
                found.append(row)
                say(f"{rate:,} events/s: p50 {row['p50_s']:.2f} s, p95 {row['p95_s']:.2f} s, p99 {row['p99_s']:.2f} s")
        finally:
            worker.stop(20)
    return {"sizes": sizes._asdict(), "poll_s": POLL_S, "rates": found}


def is_ready(ground: Ground) -> Callable[[Look], bool]:
    """Whether every partition of both topics has been reported."""
    return lambda look: len(look.applied) == 2 * ground.settings.partitions


async def _one_rate(
    ground: Ground, worker: Child, events: list[Event], rate: int, sizes: Sizes
) -> tuple[dict[str, Any], int]:
    since = 0.0
    cores: dict[str, float] = {}

    async def during(_: Stream) -> None:
        nonlocal since, cores
        await asyncio.sleep(sizes.warm_s)
        since, before = time.monotonic(), _cpu(ground, worker)
        await asyncio.sleep(sizes.measured_s)
        cores = {name: (after - before[name]) / sizes.measured_s for name, after in _cpu(ground, worker).items()}

    stream = await flow(ground, events, rate, during)
    rising = ages(stream, since)
    row = {
        "rate": rate, "events": len(rising), "p50_s": percentile(rising, 0.5), "p95_s": percentile(rising, 0.95),
        "p99_s": percentile(rising, 0.99), "max_s": rising[-1], "cores": cores,
        "publisher_late_s_max": stream.pace.late_s_max,
    }  # fmt: skip
    return row, sum(map(len, stream.pace.due.values()))


def _cpu(ground: Ground, worker: Child) -> dict[str, float]:
    assert worker.pid is not None
    return {"worker": cpu_s(worker.pid)} | ground.engines_cpu_s() | {"measurement": time.process_time()}
