"""All measurements, or some: `python -m bench [--only PART,PART] [--small]`; the parts are in _parts().

Starts Kafka and ClickHouse itself, for each part anew, in a temporary directory and on free ports. Nothing else should
run meanwhile. About 15 minutes in all; --small takes a few, to see that everything works, and shows no figure worth
keeping.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench import attack, hot_path, latency, outage, recovery, results, throughput, verifying
from bench.bare import read
from bench.events import week_of_events
from bench.ground import Ground, Wrong
from bench.loading import load, records_of
from bench.origin import origin
from bench.stages import measure_stages

Say = Callable[[str], None]
Part = Callable[[Path, Say], dict[str, Any]]

_STAGES_EVENTS: Final = 100_000
_UNIT_RECORDS: Final = 5000
_PROFILE_EVENTS: Final = 500_000


def main() -> None:
    """Measures and writes results.json and RESULTS.md."""
    arguments = _arguments()
    parts = _parts(small=arguments.small)
    chosen = arguments.only.split(",") if arguments.only else list(parts)
    if unknown := set(chosen) - set(parts):
        raise SystemExit(f"--only {','.join(sorted(unknown))}: there are {', '.join(parts)}")
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # new topics have no leader for a moment
    logging.getLogger("kafka").setLevel(logging.ERROR)
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = [part for part in chosen if not _measure(part, parts[part], arguments.out)]
    if failed:
        raise SystemExit(f"no result: {', '.join(failed)}")


def _measure(name: str, part: Part, out: Path) -> bool:
    """One part; whether it has a result."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with (
        tempfile.TemporaryDirectory(prefix="posventa-bench-") as directory,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task(name)
        begun = time.monotonic()

        def say(message: str) -> None:
            progress.update(task, description=f"{name}: {message}")
            console.print(f"{time.monotonic() - begun:6.0f} s  {name}: {message}", highlight=False)

        came_from = origin()
        try:
            results.store(name, came_from, part(Path(directory) / "ground", say), out)
        except Wrong as wrong:
            console.print(f"{name}: {wrong}", style="red")
            return False
        except Exception:  # whatever it is, the other parts can still be measured
            console.print_exception()
            return False
        say("done")
        return True


def _parts(*, small: bool) -> dict[str, Part]:
    """The parts in their order, in the size asked for."""
    sizes: tuple[Any, ...] = (
        throughput.Sizes(),
        latency.Sizes(),
        outage.Sizes(),
        recovery.Sizes(),
        attack.Sizes(),
        verifying.Sizes(),
        _STAGES_EVENTS,
        _PROFILE_EVENTS,
    )
    if small:
        sizes = (
            throughput.Sizes(60_000, 12_000, 1), latency.Sizes((500, 1000), 2, 4), outage.Sizes(500, 4, 6),
            recovery.Sizes(20_000), attack.Sizes(500, 2, 5, 10, 20), verifying.Sizes(20_000), 5_000, _PROFILE_EVENTS,
        )  # fmt: skip
    of_throughput, of_latency, of_outage, of_recovery, of_attack, of_verify, of_stages, of_profile = sizes
    return {
        "throughput": lambda directory, say: throughput.measure(directory, of_throughput, say),
        "latency": lambda directory, say: latency.measure(directory, of_latency, say),
        "outage": lambda directory, say: outage.measure(directory, of_outage, say),
        "recovery": lambda directory, say: recovery.measure(directory, of_recovery, say),
        "attack": lambda directory, say: attack.measure(directory, of_attack, say),
        "verify": lambda directory, say: verifying.measure(directory, of_verify, say),
        "stages": lambda directory, say: _measure_stages(directory, of_stages, say),
        "profile": lambda directory, say: _measure_profile(directory, of_profile, say),
    }


def _measure_stages(directory: Path, count: int, say: Say) -> dict[str, Any]:
    """The records as a broker delivers them, through each stage."""
    delivered: list[Any] = []
    with Ground(directory / "stages") as ground:
        say(f"publishing {count:,} records")
        events = week_of_events(1, count, time.time_ns() // 1_000_000)
        asyncio.run(load(ground.settings, records_of(events, ground.settings.partitions)))
        asyncio.run(read(ground.settings, count, delivered))
        say("stage by stage")
        settings = ground.settings.model_copy(update={"state_dir": str(directory / "state")})
        stages = asyncio.run(measure_stages(settings, delivered, _UNIT_RECORDS))
    return {
        "unit_records": _UNIT_RECORDS,
        "rows_per_record": stages.rows / stages.records,
        "changed_per_record": stages.changed / stages.records,
        "stages_us": list(stages.microseconds().items()),
    }


def _measure_profile(directory: Path, count: int, say: Say) -> dict[str, Any]:
    with Ground(directory / "profile") as ground:
        say(f"publishing {count:,} records")
        events = week_of_events(1, count, time.time_ns() // 1_000_000)
        asyncio.run(load(ground.settings, records_of(events, ground.settings.partitions)))
        return hot_path.measure(ground, directory, count, say)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures posventa, and its peers.")
    parser.add_argument("--only", default="", help="parts, separated by commas (default: all)")
    parser.add_argument("--small", action="store_true", help="a few minutes, to see that it works")
    parser.add_argument("--out", type=Path, default=results.HERE, help="where results go (default: bench/)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
