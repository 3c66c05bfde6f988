"""How many records a second each program brings from Kafka to ClickHouse, and what that costs.

All take turns on the same ground, several rounds, so that a slow hour of the machine is slow for all. Owns who takes part,
and the clock: from the first look at which all processes of a program have reported rows, to the look at which
everything is there. A program whose totals are wrong has no rate.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.bare import read
from bench.events import Totals, summed, totals, week_of_events
from bench.ground import Ground, Wrong
from bench.loading import load, records_of
from bench.processes import cpu_s, files_bytes, peak_mb
from streams.brokers.topics import FEEDBACK, SALES, STATE
from streams.embedded.child import Child

PEERS_PYTHON: Final = Path(".venv-bench/bin/python")
_PEER_TOPICS: Final = ("bench.sales.v1", "bench.feedback.v1")
_SOURCES: Final = (SALES, FEEDBACK, *_PEER_TOPICS)
_RUN_S_MAX: Final = 240.0
_WEEK_HOURS: Final = 168


class Sizes(NamedTuple):
    """How much is measured. Slow programs get fewer records of the same kind: the same sales an hour and affiliate."""

    records: int = 400_000
    peer_records: int = 50_000
    rounds: int = 3


class Expected(NamedTuple):
    """What a program must have brought to ClickHouse."""

    records: int
    totals: Totals
    sums: list[int]


class Contestant(NamedTuple):
    """A program that does the job."""

    name: str
    start: Callable[[Ground, Path], list[Child]]  # the processes, not yet started, with a directory of their own
    topics: tuple[str, str]
    changelogs: Callable[[str], bool]  # which topics are its changelogs
    python: Path = Path(sys.executable)


def _peer(name: str, module: str, python: Path, changelogs: Callable[[str], bool], *options: str) -> Contestant:
    def start(ground: Ground, directory: Path) -> list[Child]:
        sales, feedback = _PEER_TOPICS
        command = [
            str(python.absolute()), "-m", f"bench.peers.{module}", "--kafka", ground.settings.kafka,
            "--clickhouse", ground.url, "--directory", str(directory), "--sales", sales, "--feedback", feedback,
            *options,
        ]  # fmt: skip
        return [Child(command, ground.directory / "logs" / f"{module}.log")]

    return Contestant(name, start, _PEER_TOPICS, changelogs, python)


def _posventa(name: str, workers: int) -> Contestant:
    def start(ground: Ground, directory: Path) -> list[Child]:
        return [ground.worker(number, directory / str(number)) for number in range(workers)]

    return Contestant(name, start, (SALES, FEEDBACK), lambda topic: topic == STATE)


def _is_fausts(topic: str) -> bool:
    return topic.startswith("bench-faust-")


ONE_WORKER: Final = "posventa, 1 worker"
TWO_WORKERS: Final = "posventa, 2 workers"
BARE: Final = "bare aiokafka loop"
FAUST: Final = "stock Faust, as it comes"
TUNED_FAUST: Final = "stock Faust, tuned"
CONTESTANTS: Final = (
    _peer(FAUST, "stock_faust", Path(sys.executable), _is_fausts),
    _peer(TUNED_FAUST, "stock_faust", Path(sys.executable), _is_fausts, "--tuned"),
    _peer("Quix Streams", "quix_streams", PEERS_PYTHON, lambda topic: topic.startswith("changelog__")),
    _peer("Pathway", "pathway_tables", PEERS_PYTHON, lambda _: False),
    _posventa(ONE_WORKER, 1),
    _posventa(TWO_WORKERS, 2),
)


def measure(directory: Path, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """All rounds. A round is a dict by program of what measure_one returns, or of {"wrong": why}."""
    now = time.time_ns() // 1_000_000
    rounds: list[dict[str, Any]] = []
    with Ground(directory) as ground:
        ground.create(_PEER_TOPICS)
        expected = {}
        for topics, count, seed in (((SALES, FEEDBACK), sizes.records, 1), (_PEER_TOPICS, sizes.peer_records, 2)):
            say(f"publishing {count:,} records")
            events = week_of_events(seed, count, now, max(1, _WEEK_HOURS * count // sizes.records))
            expected[topics] = Expected(count, totals(events), summed(events))
            asyncio.run(load(ground.settings, records_of(events, ground.settings.partitions, topics)))
        del events
        for number in range(sizes.rounds):
            say(f"round {number + 1} of {sizes.rounds}: {BARE}")
            found: dict[str, Any] = {BARE: {"rate": sizes.records / asyncio.run(read(ground.settings, sizes.records))}}
            for contestant in CONTESTANTS:
                say(f"round {number + 1} of {sizes.rounds}: {contestant.name}")
                found[contestant.name] = _measure_fairly(ground, contestant, expected[contestant.topics])
                say(f"round {number + 1} of {sizes.rounds}: {contestant.name}: {_summary(found[contestant.name])}")
            rounds.append(found)
    return {"sizes": sizes._asdict(), "rounds": rounds}


def _measure_fairly(ground: Ground, contestant: Contestant, expected: Expected) -> dict[str, Any]:
    """On cleared ground; a program that is not there or did not do the job says why."""
    if not contestant.python.exists():
        return {"wrong": f"{contestant.python} is not there: make bench makes it"}
    ground.begin_anew(_SOURCES)
    directory = ground.directory / "contestant"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        return measure_one(ground, contestant, directory, expected)
    except Wrong as wrong:
        return {"wrong": str(wrong)}


def measure_one(ground: Ground, contestant: Contestant, directory: Path, expected: Expected) -> dict[str, Any]:
    """One program, from its start until everything is in ClickHouse and right. Raises Wrong.

    Rates and CPU are of the records between the two looks; bytes and memory are of the whole run.
    """
    count = expected.records
    inserted_before = ground.inserted()
    children = contestant.start(ground, directory)
    started_at = time.monotonic()
    try:
        for child in children:
            child.start()
        first = ground.wait_until(
            lambda look: look.total > 0 and len(look.workers) == len(children), children, _RUN_S_MAX
        )
        before = _cpu(ground, children)
        last = ground.wait_until(lambda look: look.total >= count, children, _RUN_S_MAX)
        after = _cpu(ground, children)
        memory_mb = sum(peak_mb(_pid(child)) for child in children)
    finally:
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.wait_or_kill(20)
    ground.check(expected.totals)
    ground.check_sums(expected.sums)
    rest, seconds = count - first.total, last.at - first.at
    if not rest:
        raise Wrong(f"all {count} records were there at the first look: measure with more")
    rows, size = (now - then for now, then in zip(ground.inserted(), inserted_before, strict=True))
    spent = {name: after[name] - before[name] for name in after}
    changelogs = [topic for topic in ground.topics() if contestant.changelogs(topic)]
    return {
        "records": count,
        "rate": rest / seconds,
        "records_measured": rest,
        "start_s": first.at - started_at,
        "cpu_s_per_million": _per_million(spent, rest),
        "cores": {name: value / seconds for name, value in spent.items()},
        "memory_mb": memory_mb,
        "changelog_bytes": (ground.logs_bytes(changelogs) if changelogs else files_bytes(directory)) / count,
        "rows": rows / count,
        "clickhouse_bytes": size / count,
    }


def _cpu(ground: Ground, children: list[Child]) -> dict[str, float]:
    """CPU seconds so far, by process."""
    own = {f"process {number}": cpu_s(_pid(child)) for number, child in enumerate(children)}
    return own | ground.engines_cpu_s() | {"measurement": time.process_time()}


def _per_million(spent: dict[str, float], count: int) -> dict[str, float]:
    """The program's own processes together, and each engine."""
    own = sum(seconds for name, seconds in spent.items() if name.startswith("process"))
    parts = {"program": own, "kafka": spent["kafka"], "clickhouse": spent["clickhouse"]}
    return {name: seconds / count * 1e6 for name, seconds in parts.items()}


def _pid(child: Child) -> int:
    assert child.pid is not None
    return child.pid


def _summary(found: dict[str, Any]) -> str:
    return found.get("wrong") or f"{found['rate']:,.0f} records/s"
