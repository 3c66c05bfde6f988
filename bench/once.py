"""What one tree measures when it is held beside another (bench/beside/), told as lines of JSON on stdout:

    python -m bench.once records COUNT NEWEST FILE     makes the records of the stages; tells what will run
    python -m bench.once stages FILE STATE [--outcome] one measurement, on the engines that POSVENTA_* name; tells "turn"
                                                       before each unit, and waits for a line on stdin
    python -m bench.once ground DIRECTORY              engines for this tree until stdin ends; takes an order a line:
        anew                                             nothing left but the source topics
        publish COUNT NEWEST                             the records of the whole job
        job                                              measures it, with one worker

NEWEST is the newest event's time (epoch ms): with the same one, two trees make the same events. Every answer has
"protocol": 1; change the number when an answer changes its meaning. Each tree runs its own copy of this module over its own
bench/. A tree that is older than this module is lent it; for that, it uses nothing but what bench/ had at commit 5655cf4, or
asks what is there.
"""

import argparse
import asyncio
import hashlib
import inspect
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from importlib.metadata import distributions
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgpack
from aiokafka.structs import ConsumerRecord

from bench import stages as bench_stages
from bench.events import summed, totals, week_of_events
from bench.ground import Ground, Wrong
from bench.loading import Record, load, records_of
from bench.throughput import CONTESTANTS, ONE_WORKER, Expected, measure_one
from streams.compiled import is_compiled, stale
from streams.settings import load_settings

Turn = Callable[[Any], None]  # called with the Stages before each unit; returns when it may begin
See = Callable[[Any], None]  # looks at a unit before it is committed

PROTOCOL: Final = 1
# What a record costs a worker's process, from bytes to an acknowledged insert: the stages that hold all others.
WHOLE: Final = ("unit, as a whole", "Kafka transaction and RocksDB write", "ClickHouse insert")
_SEED: Final = 1
_UNIT_RECORDS: Final = 5000
_RECORDS_PER_MS: Final = 50  # how far apart a broker would have received them


def main() -> None:
    """Does what the command line says. Raises what goes wrong: the caller shows the last lines."""
    arguments = _arguments()
    arguments.run(arguments)


def _tell(found: dict[str, Any]) -> None:
    print(json.dumps({"protocol": PROTOCOL, **found}), flush=True)


def _make_records(arguments: argparse.Namespace) -> None:
    events = week_of_events(_SEED, arguments.count, arguments.newest)
    packed = msgpack.packb(list(_received(records_of(events, load_settings().partitions), arguments.newest)))
    arguments.file.write_bytes(packed)
    _tell(
        {
            "records_digest": hashlib.sha256(packed).hexdigest(),
            "compiled": is_compiled(),
            "stale": stale(),
            "versions": {each.name: each.version for each in distributions() if not each.name.startswith("posventa")},
        }
    )


def _received(records: Iterable[Record], received_at: int) -> Iterator[tuple[str, int, int, int, bytes, bytes]]:
    """Topic, partition, offset, broker's time, key and value, as if a broker had received them one after the other."""
    ends: Counter[tuple[str, int]] = Counter()
    for number, (place, key, value) in enumerate(records):
        yield *place, ends[place], received_at + number // _RECORDS_PER_MS, key, value
        ends[place] += 1


def _measure_stages(arguments: argparse.Namespace) -> None:
    delivered = [
        ConsumerRecord(topic, partition, offset, timestamp, 1, key, value, None, len(key), len(value), ())
        for topic, partition, offset, timestamp, key, value in msgpack.unpackb(arguments.file.read_bytes())
    ]
    outcome, units = Outcome(), Units()
    settings = load_settings().model_copy(update={"state_dir": str(arguments.state)})
    stages = asyncio.run(_stages(settings, delivered, units.turn, outcome.see if arguments.outcome else None))
    units.add(stages)
    _tell(
        {
            "units": units.done,
            "records": stages.records,
            "rows": stages.rows,
            "changed": stages.changed,
            "outcome": outcome.digests(),
        }
    )


class Units:
    """What each unit cost, in CPU microseconds per record: by stage, and the stages of WHOLE together."""

    def __init__(self) -> None:
        self.done: list[dict[str, float]] = []
        self._records = 0
        self._us: dict[str, float] = {}  # of all units so far

    def turn(self, stages: Any) -> None:
        """Before a unit: waits, without spending CPU, until its turn; ends when nobody is there to give one."""
        self.add(stages)
        _tell({"turn": True})
        if not sys.stdin.readline():
            raise SystemExit("nobody gives turns any more")

    def add(self, stages: Any) -> None:
        """Takes in the unit that `stages` has measured since the last call, if there is one."""
        if stages.records == self._records:
            return
        us = {stage: cpu * stages.records for stage, (_, cpu) in stages.microseconds().items()}
        count = stages.records - self._records
        unit = {stage: (us[stage] - self._us.get(stage, 0.0)) / count for stage in us}
        self.done.append({"whole": sum(unit[stage] for stage in WHOLE), **unit})
        self._records, self._us = stages.records, us


class Outcome:
    """What came out of units, as digests that two trees can compare: the changed state, and the rows by table."""

    def __init__(self) -> None:
        self._changed = hashlib.sha256()
        self._rows = hashlib.sha256()

    def see(self, unit: Any) -> None:
        """Takes in one unit. The order within a unit does not count."""
        for key, value in sorted(unit.changed.items()):
            self._changed.update(msgpack.packb((key, value)))
        for table, rows in sorted(unit.rows.items(), key=lambda of_table: of_table[0].name):
            self._rows.update(msgpack.packb((table.name, sorted(rows.values()))))

    def digests(self) -> dict[str, str]:
        """Of all units so far."""
        return {"changed state": self._changed.hexdigest(), "rows": self._rows.hexdigest()}


async def _stages(settings: Any, delivered: list[Any], turn: Turn, see: See | None) -> Any:
    """The Stages of this tree, whichever way its measure_stages wants to be called."""
    ours: Any = bench_stages
    if "settings" in inspect.signature(ours.measure_stages).parameters:
        stages = ours.Stages(turn=turn, see=see)
        return await ours.measure_stages(settings, delivered, _UNIT_RECORDS, stages)
    _lend(ours, settings, turn, see)
    return await ours.measure_stages(Path(settings.state_dir).parent, delivered, _UNIT_RECORDS)


def _lend(older: Any, settings: Any, turn: Turn, see: See | None) -> None:
    """Gives bench.stages of before this module the engines that are there, its turns, and who looks at its units.

    Their make_unit takes longer when somebody looks: no figure of such a run counts.
    """
    addresses = SimpleNamespace(clickhouse=settings.clickhouse.get_secret_value())
    older.Stack = lambda *_, **__: nullcontext(SimpleNamespace(settings=settings, addresses=addresses))
    run_unit = older._run_unit

    async def in_turn(stages: Any, *rest: Any) -> None:
        turn(stages)
        await run_unit(stages, *rest)

    older._run_unit = in_turn
    if see is not None:
        make_unit = older.make_unit

        def seen(*arguments: Any) -> Any:
            unit = make_unit(*arguments)
            see(unit)
            return unit

        older.make_unit = seen


def _stand(arguments: argparse.Namespace) -> None:
    with Ground(arguments.directory) as ground:
        standing = _Standing(ground)
        orders: dict[str, Callable[..., dict[str, Any]]] = {
            "anew": standing.anew, "publish": standing.publish, "job": standing.job
        }  # fmt: skip
        _tell({"environment": {"POSVENTA_KAFKA": ground.settings.kafka, "POSVENTA_CLICKHOUSE": ground.url}})
        for line in sys.stdin:
            order, *rest = line.split()
            _tell(orders[order](*map(int, rest)))


class _Standing:
    """The orders that a ground takes."""

    def __init__(self, ground: Ground) -> None:
        (self._one_worker,) = (contestant for contestant in CONTESTANTS if contestant.name == ONE_WORKER)
        self._ground = ground
        self._expected: Expected

    def anew(self) -> dict[str, Any]:
        self._ground.begin_anew(self._one_worker.topics)
        return {}

    def publish(self, count: int, newest: int) -> dict[str, Any]:
        events = week_of_events(_SEED, count, newest)
        self._expected = Expected(count, totals(events), summed(events))
        asyncio.run(load(self._ground.settings, records_of(events, self._ground.settings.partitions)))
        return {}

    def job(self) -> dict[str, Any]:
        self.anew()
        directory = self._ground.directory / "worker"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        try:
            return {**measure_one(self._ground, self._one_worker, directory, self._expected), "wrong": None}
        except Wrong as wrong:
            return {"wrong": str(wrong)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.once", description="Measures one tree, told as JSON.")
    commands = parser.add_subparsers(required=True)
    records = commands.add_parser("records")
    records.add_argument("count", type=int)
    records.add_argument("newest", type=int)
    records.add_argument("file", type=Path)
    records.set_defaults(run=_make_records)
    stages = commands.add_parser("stages")
    stages.add_argument("file", type=Path)
    stages.add_argument("state", type=Path, help="a directory that is not there yet")
    stages.add_argument("--outcome", action="store_true", help="digests of what came out; the figures do not count")
    stages.set_defaults(run=_measure_stages)
    ground = commands.add_parser("ground")
    ground.add_argument("directory", type=Path)
    ground.set_defaults(run=_stand)
    return parser.parse_args()


if __name__ == "__main__":
    main()
