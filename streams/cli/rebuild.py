"""posventa rebuild: a new generation of all numbers beside those in use, and the switch to it."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from sinks.client import connected
from sinks.migrate import migrate
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.cli.verify import print_verdict
from streams.embedded.password import settings_beside
from streams.errors import Misuse
from streams.rebuild.conductor import carry_out, drop_older, give_up
from streams.rebuild.plan import RebuildPlan, Wishes, make_plan
from streams.settings import as_pane, as_window

_TELL_EVERY_S: Final = 5.0


def rebuild(
    partitions: Annotated[int | None, typer.Option(min=1, help="so many: a multiple of today's")] = None,
    pane: Annotated[str | None, typer.Option(help="width of a pane: 1m, 5m, 10m, 15m, 30m or 60m")] = None,
    attribution_window: Annotated[
        str | None, typer.Option(help="how long after a sale feedback without sale_id may link to it; 1m to 3650d")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    give_it_up: Annotated[
        bool, typer.Option("--give-up", help="take away a generation that is being built, and keep the one in use")
    ] = False,
    directory: UpDirectory = UP_DIRECTORY,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compute all numbers anew from the topics, beside those in use, verify them, and switch to them in one step.

    The stream goes on meanwhile. Ended anywhere, the same command goes on where it was.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    settings = settings_beside(directory)
    asked = Wishes(partitions, as_pane("--pane", pane), as_window("--attribution-window", attribution_window))
    if give_it_up and (dry_run or any(value is not None for value in asked)):
        raise Misuse("--give-up stands alone: it takes away what is being built")
    if not dry_run:
        migrate(settings.clickhouse.get_secret_value())
    if give_it_up:
        with progress_shown() as tell:
            number = give_up(settings, tell)
        _say(
            as_json,
            {"given_up": number},
            "nothing is being built" if number is None else f"generation {number} is gone",
        )
        return
    if not dry_run:
        with progress_shown() as tell, connected(settings.clickhouse.get_secret_value()) as client:
            drop_older(settings, client, tell)
    plan = make_plan(settings, asked)
    if dry_run or not as_json:
        _say(as_json, _as_dict(plan), "\n".join(plan.lines()))
    if not dry_run:
        _do(plan, as_json)


def _do(plan: RebuildPlan, as_json: bool) -> None:
    begun = time.monotonic()
    with progress_shown() as tell:
        verdict = carry_out(plan, tell)
    if verdict is not None and verdict.differing:
        print_verdict(verdict)
        typer.echo(
            f"posventa: generation {plan.generation} differs from what the topics say, so it is not switched to: please report "
            "it. posventa rebuild --give-up takes it away",
            err=True,
        )
        raise typer.Exit(1)
    seconds = time.monotonic() - begun
    done = _as_dict(plan) | {"seconds": round(seconds, 1), "verified_events": verdict.events if verdict else None}
    verified = f"{verdict.events:,} events verified, " if verdict else ""
    _say(as_json, done, f"generation {plan.generation} is in use; {verified}{seconds:,.0f} s")


def _as_dict(plan: RebuildPlan) -> dict[str, Any]:
    return {
        "generation": plan.generation,
        "in_use": plan.in_use,
        "records": plan.records,
        "before": plan.before._asdict(),
        "after": plan.recipe._asdict(),
        "step": plan.step.name if plan.step else None,
        "workers": plan.workers,
        "notes": list(plan.doubts),
    }


def _say(as_json: bool, data: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(data) if as_json else text)


@contextmanager
def progress_shown() -> Iterator[Callable[[str, int, int], None]]:
    """How far it is, on stderr: a bar with the time that is left where that is a terminal, else a line now and then."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(show_speed=True), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")
        lines = _Lines()
        doing_now = ""

        def tell(doing: str, done: int, of: int) -> None:
            nonlocal doing_now, task
            if doing != doing_now:  # another speed: another estimate
                doing_now = doing
                bar.remove_task(task)
                task = bar.add_task(doing)
            bar.update(task, completed=done, total=of)
            if not console.is_terminal:
                lines.tell(doing, done, of)

        yield tell


class _Lines:
    """One now and then."""

    def __init__(self) -> None:
        self._doing = ""
        self._told_at = self._begun_at = 0.0
        self._begun_with = 0

    def tell(self, doing: str, done: int, of: int) -> None:
        """Says it if it is time."""
        now = time.monotonic()
        if doing != self._doing:
            self._doing, self._begun_at, self._begun_with, self._told_at = doing, now, done, -_TELL_EVERY_S
        if now - self._told_at < _TELL_EVERY_S:
            return
        self._told_at = now
        rate = (done - self._begun_with) / (now - self._begun_at) if now > self._begun_at else 0.0
        left = f", {rate:,.0f} a second, {(of - done) / rate:,.0f} s left" if rate > 0 and done < of else ""
        print(f"posventa: {doing}: {done:,} of {of:,}{left}", file=sys.stderr, flush=True)
