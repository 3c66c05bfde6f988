"""`python -m tests.faults`: runs the fault matrix, shows progress and a table, exits 1 when anything differs."""

import argparse
import logging
import queue
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from streams.embedded.kafka import EmbeddedKafka
from tests.faults.cases import CASES, NEEDS_MOUNT, THREE_BROKERS
from tests.faults.matrix import Matrix, Outcome, Run, runs
from tests.faults.small_disk import can_mount
from tests.faults.stage import Stage
from tests.faults.three_brokers import ThreeBrokers

_WRONG_LINES_SHOWN = 10
_LOG_WIDTH = 110


def main() -> int:
    """Exits 0 when every run left behind what a run without faults leaves."""
    options = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    options.add_argument("--runs", type=int, default=200, help="how many runs, over all cases in turn (200)")
    options.add_argument("--seed", type=int, default=1, help="seed of the first run; each next one has the next (1)")
    options.add_argument("--case", default="", help="only the cases whose names contain this")
    options.add_argument("--jobs", type=int, default=2, help="runs at once, each with engines of its own (2)")
    options.add_argument("--mutant", help="a rule to take out of the workers, to see that it is found (mutants.py)")
    chosen = options.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _LOG_WIDTH)
    for client in ("kafka", "aiokafka"):  # they tell of every broker that we end
        logging.getLogger(client).setLevel(logging.CRITICAL)
    names = [name for name in CASES if chosen.case in name]
    if not names:
        console.print(f"no case has {chosen.case!r} in its name; there are:", *CASES, sep="\n  ")
        return 2
    if not can_mount():
        console.print(f"not possible here, for want of the right to mount a small disk: {', '.join(NEEDS_MOUNT)}")
        names = [name for name in names if name not in NEEDS_MOUNT]
    directory = Path(tempfile.mkdtemp(prefix="posventa-faults-"))
    series = Series(directory, list(runs(names, chosen.runs, chosen.seed)), chosen.mutant, console)
    series.perform(chosen.jobs)
    console.print(summary(series.outcomes))
    if undone := chosen.runs - len(series.outcomes):
        console.print(f"[red]{undone} runs were not done[/red]: what broke is said above")
    if undone or any(outcome.wrong for outcome in series.outcomes):
        return 1
    shutil.rmtree(directory)
    return 0


class Series:
    """All runs of one command, done by several threads, each with a stage of its own."""

    def __init__(self, directory: Path, todo: list[Run], mutant: str | None, console: Console) -> None:
        self.outcomes: list[Outcome] = []
        self._directory = directory
        self._total = len(todo)
        self._on_three = [run for run in todo if run.case in THREE_BROKERS]
        self._waiting: queue.SimpleQueue[Run] = queue.SimpleQueue()
        for run in todo:
            if run not in self._on_three:
                self._waiting.put(run)
        self._mutant = mutant
        self._console = console
        self._matrix = Matrix()

    def perform(self, jobs: int) -> None:
        """Returns when everything has run, or the stages of all jobs are broken."""
        bar, done, left = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(TextColumn("runs"), bar, done, TimeElapsedColumn(), left, console=self._console) as progress:
            task = progress.add_task("runs", total=self._total)
            threads = [
                threading.Thread(target=self._job, args=(number, lambda: progress.advance(task)))
                for number in range(jobs)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _job(self, number: int, advance: Callable[[], None]) -> None:
        """The first one also has three brokers, while there are runs that need them."""
        try:
            if number == 0 and self._on_three:
                three = self._directory / "three"
                self._perform(Stage(three, ThreeBrokers(three / "kafka"), replication=3), self._on_three, advance)
            own = self._directory / str(number)
            self._perform(Stage(own, EmbeddedKafka(own / "kafka")), taken_from(self._waiting), advance)
        except Exception:
            self._console.print_exception()

    def _perform(self, stage: Stage, todo: Iterable[Run], advance: Callable[[], None]) -> None:
        try:
            stage.start()
            for run in todo:
                outcome = self._matrix.perform(stage, run, self._mutant)
                self.outcomes.append(outcome)
                advance()
                if not self._console.is_terminal:  # in a log no bar moves
                    self._console.print(f"{len(self.outcomes)}/{self._total} {run.case}, {outcome.seconds:.1f} s")
                tell(outcome, stage, self._console)
        finally:
            stage.stop()


def taken_from(waiting: "queue.SimpleQueue[Run]") -> Iterable[Run]:
    """What waits, until nothing does."""
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return


def tell(outcome: Outcome, stage: Stage, console: Console) -> None:
    """Says how a run went wrong, keeps its logs, and says how to repeat it."""
    if not outcome.wrong:
        return
    kept = stage.run_directory.with_name(f"wrong-{outcome.run.seed}")
    shutil.copytree(stage.run_directory, kept, ignore=shutil.ignore_patterns("disk", "data", "state-*", "older"))
    shown = outcome.wrong[:_WRONG_LINES_SHOWN]
    console.print(f"[red]{outcome.run.case}[/red], seed {outcome.run.seed}: {len(outcome.wrong)} differences")
    console.print(*shown, sep="\n", markup=False)
    console.print(f"again: {outcome.run.again}\nlogs: {kept}", markup=False)


def summary(outcomes: list[Outcome]) -> Table:
    """One line a case."""
    table = Table("case", "runs", "faults", "s/run", "runs that differ", title="The fault matrix")
    for name in CASES:
        own = [outcome for outcome in outcomes if outcome.run.case == name]
        if own:
            seconds = sum(outcome.seconds for outcome in own) / len(own)
            faults, wrong = sum(outcome.faults for outcome in own), sum(bool(outcome.wrong) for outcome in own)
            table.add_row(name, str(len(own)), str(faults), f"{seconds:.1f}", str(wrong))
    faults, wrong = sum(outcome.faults for outcome in outcomes), sum(bool(outcome.wrong) for outcome in outcomes)
    table.add_section()
    table.add_row("all", str(len(outcomes)), str(faults), "", str(wrong))
    return table


if __name__ == "__main__":
    sys.exit(main())
