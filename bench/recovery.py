"""A worker with many customers is killed and started again, with and without its local files; and what it all weighs.

Every customer has one sale. Recovery is from the start of the process to the look that first shows a new event, in one
partition and in each of them, while a few events a second keep coming.
"""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import rocksdict

from bench.events import one_sale_each, week_of_events
from bench.ground import Ground
from bench.loading import load, records_of
from bench.processes import files_bytes, peak_mb, resident_mb
from bench.steady import POLL_S, Stream, flow, until
from schemas.events import Event, Feedback
from streams.brokers.topics import SALES, STATE
from streams.changelog import records
from streams.domain import state
from streams.domain.fold import fold
from streams.domain.rules import Rules
from streams.embedded.child import Child

_RATE: Final = 200  # each partition soon has a new event
_RECOVERY_S_MAX: Final = 120.0
_FILL_S_MAX: Final = 300.0
_KINDS: Final = {records.CUSTOMER: "customers", records.PANE: "panes"}


class Sizes(NamedTuple):
    """How many customers."""

    customers: int = 1_000_000


def measure(directory: Path, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds, MB, and bytes by customer."""
    now = time.time_ns() // 1_000_000
    with Ground(directory) as ground:
        state_dir = directory / "state"
        say(f"publishing {sizes.customers:,} sales")
        asyncio.run(
            load(ground.settings, records_of(one_sale_each(1, sizes.customers, now), ground.settings.partitions))
        )
        worker = ground.worker(0, state_dir)
        worker.start()
        try:
            say(f"one worker takes in {sizes.customers:,} customers")
            first = ground.wait_until(lambda look: look.total > 0, [worker], _FILL_S_MAX)
            last = ground.wait_until(lambda look: look.total >= sizes.customers, [worker], _FILL_S_MAX)
            found: dict[str, Any] = {
                "fill_rate": (last.total - first.total) / max(POLL_S, last.at - first.at),
                "filled": _memory(worker),
                "local_bytes": files_bytes(state_dir),
                "changelog_bytes": ground.logs_bytes([STATE]),
                "state_bytes": _state_bytes(now),
            }
            for number, kept in enumerate((True, False)):
                name = "with local files" if kept else "without local files"
                say(f"killed, and started again {name}")
                events = week_of_events(2 + number, round(_RATE * _RECOVERY_S_MAX), now)
                found[name] = asyncio.run(_recover(ground, worker, events, state_dir, kept=kept))
                say(f"{name}: {found[name]['each_partition_s']:.1f} s")
        finally:
            worker.kill()
        found["local_bytes_by_kind"] = _bytes_by_kind(state_dir)
    return {"sizes": sizes._asdict(), **found}


async def _recover(
    ground: Ground, worker: Child, events: list[Event], state_dir: Path, *, kept: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def during(stream: Stream) -> None:
        worker.kill()
        if not kept:
            shutil.rmtree(state_dir)
        await until(lambda: bool(stream.looks), _RECOVERY_S_MAX, "a look")
        worker.start()
        begun = time.monotonic()
        before = stream.looks[-1].applied
        places = [place for place in before if place[0] == SALES]

        def recovered() -> list[bool]:
            return [stream.looks[-1].applied[place] > before[place] for place in places]

        await until(lambda: any(recovered()), _RECOVERY_S_MAX, "a new event")
        found["first_event_s"] = stream.looks[-1].at - begun
        await until(lambda: all(recovered()), _RECOVERY_S_MAX, "a new event of each partition")
        found["each_partition_s"] = stream.looks[-1].at - begun
        found.update(_memory(worker))

    await flow(ground, events, _RATE, during)
    return found


def _memory(worker: Child) -> dict[str, float]:
    assert worker.pid is not None
    return {"resident_mb": resident_mb(worker.pid), "peak_mb": peak_mb(worker.pid)}


def _bytes_by_kind(state_dir: Path) -> dict[str, dict[str, int]]:
    """Records and bytes (keys and values, uncompressed) in the local copies of a worker that is gone."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for copy in state_dir.glob("[0-9]*"):
        db: Any = rocksdict.Rdict(str(copy), rocksdict.Options(raw_mode=True))
        for key, value in db.items():
            kind = _KINDS.get(key[:1], "other")
            counts[kind] += 1
            sizes[kind] += len(key) + len(value)
        db.close()
    return {kind: {"records": counts[kind], "bytes": sizes[kind]} for kind in counts}


def _state_bytes(now: int) -> dict[str, float]:
    """What a customer's state takes, by what is in it: one sale; each further sale; each answer."""
    customer = state.Customer("brand-0", "0" * 32)
    sales = list(one_sale_each(1, 11, now))
    fold(customer, sales[0], Rules())
    one = len(state.encode(customer))
    for sale in sales[1:]:
        fold(customer, sale, Rules())
    eleven = len(state.encode(customer))
    answers = [event for event in week_of_events(1, 200, now) if isinstance(event, Feedback)]
    for answer in answers:
        fold(customer, answer, Rules())
    return {
        "one_sale": one, "further_sale": (eleven - one) / 10,
        "answer": (len(state.encode(customer)) - eleven) / len(answers),
    }  # fmt: skip
