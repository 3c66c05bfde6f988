"""How long `posventa verify` takes from Kafka to its verdict, and how much memory.

Owns the run: a worker takes everything in and goes on; then verify counts it all again, which must find no difference.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.events import week_of_events
from bench.ground import Ground, Wrong
from bench.loading import load, records_of
from bench.processes import peak_mb

_TAKEN_IN_S_MAX: Final = 3600.0
_LOOK_S: Final = 0.2


class Sizes(NamedTuple):
    """How many events."""

    events: int = 500_000


def measure(directory: Path, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds, events a second, and the greatest memory of one of its processes in MB."""
    with Ground(directory) as ground:
        say(f"publishing {sizes.events:,} events")
        events = week_of_events(1, sizes.events, time.time_ns() // 1_000_000)
        asyncio.run(load(ground.settings, records_of(events, ground.settings.partitions)))
        worker = ground.worker(0, directory / "state")
        worker.start()
        try:
            say("a worker takes them in")
            ground.wait_until(lambda look: look.total >= sizes.events, [worker], _TAKEN_IN_S_MAX)
            say("verifying")
            found = _verify(ground)
        finally:
            worker.stop(20)
        return {"sizes": sizes._asdict(), **found}


def _verify(ground: Ground) -> dict[str, Any]:
    environment = os.environ | {"POSVENTA_KAFKA": ground.settings.kafka, "POSVENTA_CLICKHOUSE": ground.url}
    begun, peak = time.monotonic(), 0.0
    command = [str(Path(sys.executable).with_name("posventa")), "verify", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        while process.poll() is None:
            with suppress(OSError, AssertionError):  # one of its processes has just ended
                peak = max(peak, peak_mb(process.pid))
            time.sleep(_LOOK_S)
        assert process.stdout is not None
        verdict = json.loads(process.stdout.read() or "{}")
    seconds = time.monotonic() - begun
    if process.returncode or verdict["differing"]:
        raise Wrong(f"verify ended with {process.returncode}: {str(verdict)[:1000]}")
    return {
        "seconds": seconds, "events": verdict["events"], "keys": verdict["keys"],
        "events_per_second": verdict["events"] / seconds, "peak_mb": peak,
    }  # fmt: skip
