"""posventa verify: whether ClickHouse shows what the topics say."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.cli.times import moment_of
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside
from streams.generations.current import current, source_layout
from streams.recount.asking import Range
from streams.recount.numbers import PlainRules
from streams.recount.verify import Verdict
from streams.recount.verify import verify as verdict_of
from streams.visible import visible

_SHOWN_MAX: Final = 100  # differences in the table; --json has more
LISTED_MAX: Final = 1000  # of one task


def verify(
    start: Annotated[
        str | None,
        typer.Option("--from", help="only what happened from then on, ISO 8601, UTC unless it says otherwise"),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="only what happened before, ISO 8601, UTC unless it says otherwise")
    ] = None,
    directory: UpDirectory = UP_DIRECTORY,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Count everything again from the topics and compare it with ClickHouse, key by key. Exit 1 on a difference."""
    found = current(settings_beside(directory))
    settings, generation = found.settings, found.names.generation
    chosen = Range(moment_of("--from", start), moment_of("--to", end))
    rules = PlainRules(settings.pane, settings.attribution_window * 1000)
    with progress_bar() as progress:
        verdict = verdict_of(settings, rules, generation, source_layout(found), chosen, LISTED_MAX, progress)
    if as_json:
        typer.echo(json.dumps(as_dict(verdict)))
    else:
        print_verdict(verdict)
    if verdict.differing:
        raise typer.Exit(1)


def as_dict(verdict: Verdict) -> dict[str, object]:
    """A verdict as --json prints it."""
    return {
        "checked_up_to": verdict.checked_up_to.isoformat(timespec="milliseconds"),
        "events": verdict.events,
        "keys": verdict.keys,
        "differing": verdict.differing,
        "differences": [difference._asdict() for difference in verdict.differences],
    }


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr, where it is a terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")

        def tell(doing: str, done: int, of: int) -> None:
            bar.update(task, description=doing, completed=done, total=of)

        yield tell


def print_verdict(verdict: Verdict) -> None:
    """For people."""
    console = Console(highlight=False)
    checked = verdict.checked_up_to.strftime("%Y-%m-%d %H:%M:%S UTC")
    console.print(f"{verdict.events:,} events, {verdict.keys:,} rows and sums; complete up to {checked}")
    if not verdict.differing:
        console.print("no difference")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("table", "key", "column", "expected", "found"):
        table.add_column(name, overflow="fold")
    for difference in verdict.differences[:_SHOWN_MAX]:
        key = " ".join(map(str, difference.key.values()))
        cells = difference.table, key, difference.column, str(difference.expected), str(difference.found)
        table.add_row(*(escape(visible(cell)) for cell in cells))
    console.print(table)
    more = verdict.differing - min(_SHOWN_MAX, len(verdict.differences))
    console.print(f"{verdict.differing:,} differences" + (f", of which {more:,} are not shown" if more else ""))
