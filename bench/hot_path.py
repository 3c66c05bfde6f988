"""Where a running worker spends its time: py-spy looks at it 250 times a second while it is behind.

Owns the names of the places. A place is found by the innermost frame that has one; compiled functions have no frames, so
what UnitMaker.make does belongs to the line that calls it (bench/stages.py takes it apart).
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from bench.ground import Ground, Wrong

_SECONDS: Final = 8
_LOOKS_A_SECOND: Final = 250
_RUN_S_MAX: Final = 120.0
_PY_SPY: Final = Path(sys.executable).with_name("py-spy")
# The innermost frame that has a name here says where a look found the worker: function and file.
PLACES: Final = {
    "_apply (streams/partition/units.py": "make the unit (the compiled core)",
    "put (streams/delivery/buffer.py": "hand rows to the outbox",
    "get_many (streams/changelog/local_copy.py": "RocksDB: read customers and panes",
    "write (streams/changelog/local_copy.py": "RocksDB: write the unit",
    "_send_changes (streams/partition/partition.py": "Kafka: build the changelog's batches",
    "insert (sinks/writer.py": "ClickHouse: join rows, send, wait for the answer",
    "positions (sinks/writer.py": "ClickHouse: read positions, report",
    "report (sinks/writer.py": "ClickHouse: read positions, report",
    "_unpack_records (aiokafka/consumer/fetcher.py": "Kafka: read what was fetched",
    "_poll (streams/batches/transport.py": "Kafka: read what was fetched",
    "cut (streams/partition/inbox.py": "cut batches into units",
    "put (streams/partition/inbox.py": "cut batches into units",
    "_run_once (asyncio/base_events.py": "the event loops and all else in them",
}


def measure(ground: Ground, directory: Path, count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Shares of the looks that found the interpreter's lock taken, by place. The records are published already."""
    worker = ground.worker(0, directory / "state")
    stacks = directory / "stacks.txt"
    worker.start()
    try:
        ground.wait_until(lambda look: look.total > 0, [worker], _RUN_S_MAX)
        say(f"looking at a worker for {_SECONDS} s")
        command = [str(_PY_SPY), "record", "--gil", "--format", "raw", "--rate", str(_LOOKS_A_SECOND)]
        command += ["--duration", str(_SECONDS), "--pid", str(worker.pid), "--output", str(stacks)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode != 0:
            raise Wrong(f"py-spy can't look at a process here: {done.stderr.strip()}")
        if ground.look().total >= count:
            raise Wrong(f"all {count} records were there before the looking ended: measure with more")
    finally:
        worker.stop(20)
    return {"looks": _LOOKS_A_SECOND * _SECONDS, "shares": shares(stacks.read_text().splitlines())}


def shares(lines: Iterable[str]) -> dict[str, float]:
    """By place, the share of all looks, the greatest first; lines are `frame;frame;... count`, the outermost frame first."""
    looks: Counter[str] = Counter()
    for line in lines:
        frames, _, count = line.rpartition(" ")
        looks[_place(frames.split(";"))] += int(count)
    return {place: found / looks.total() for place, found in looks.most_common()}


def _place(frames: list[str]) -> str:
    for frame in reversed(frames):  # Class.function (file:line)
        function, _, rest = frame.partition(" (")
        if found := PLACES.get(f"{function.rpartition('.')[2]} ({rest.rpartition(':')[0]}"):
            return found
    return "elsewhere"
