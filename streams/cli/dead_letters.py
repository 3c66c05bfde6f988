"""posventa dead-letters: what was refused and why, what is in it, and back to its topic once the cause is mended."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from schemas.inspection import inspect
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES
from streams.cli.times import moment_of
from streams.errors import Misuse
from streams.letters.letter import Choice, Letter
from streams.letters.replay import letters_in, payload_of, replay
from streams.settings import load_settings
from streams.visible import visible

_WAIT_S: Final = 60  # until workers have read what was published again
_TOPICS: Final = {"sales": SALES, "feedback": FEEDBACK}

_Reason = Annotated[str | None, typer.Option(help="only of this reason")]
_Topic = Annotated[Literal["sales", "feedback"] | None, typer.Option(help="only from this topic")]
_Brand = Annotated[str | None, typer.Option(help="only of this brand, as the record's key names it")]
_From = Annotated[
    str | None, typer.Option("--from", help="only refused from then on, ISO 8601, UTC unless it says otherwise")
]
_To = Annotated[str | None, typer.Option("--to", help="only refused before, ISO 8601, UTC unless it says otherwise")]
_Json = Annotated[bool, typer.Option("--json", help="print JSON")]

dead_letters = typer.Typer(
    help="Refused records: list them, show one, or replay them once the cause is mended.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@dead_letters.command("list")
def listed(
    reason: _Reason = None,
    topic: _Topic = None,
    brand: _Brand = None,
    start: _From = None,
    end: _To = None,
    limit: Annotated[int, typer.Option(min=0, help="at most so many, the newest; 0 = all")] = 100,
    as_json: _Json = False,
) -> None:
    """List refusals with their reasons, the oldest first."""
    letters = letters_in(load_settings(), _choice((), reason, topic, brand, start, end))
    newest = letters[-limit:] if limit else letters
    if as_json:
        typer.echo(json.dumps([_as_dict(letter) for letter in newest]))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("letter", "refused at (UTC)", "reason", "brand", "from", "detail"):
        table.add_column(name, overflow="fold")
    for letter in newest:
        source = f"{letter.source_topic}[{letter.source_partition}] {letter.source_offset}"
        cells = (
            letter.place,
            f"{letter.refused_at:%Y-%m-%d %H:%M:%S}",
            letter.reason,
            letter.brand,
            source,
            letter.detail,
        )
        table.add_row(*(escape(visible(cell)) for cell in cells))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"{len(letters):,} letters" + (f", the newest {len(newest):,} are shown" if len(newest) < len(letters) else "")
    )


@dead_letters.command("show")
def opened(
    letter: Annotated[str, typer.Argument(help="PARTITION:OFFSET, as list shows it")],
    as_json: _Json = False,
) -> None:
    """Show one letter, its payload decoded as far as it goes, and the byte where it broke."""
    settings = load_settings()
    found = letters_in(settings, _choice((letter,)))
    if not found:
        raise Misuse(f"{letter}: no such letter stands; `posventa dead-letters list` shows those that do")
    payload = payload_of(settings, found[0])
    told = _as_dict(found[0]) | _payload(payload)
    if as_json:
        typer.echo(json.dumps(told))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in told.items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        table.add_row(name, escape(visible(shown)))
    Console(highlight=False).print(table)


@dead_letters.command("replay")
def replayed(
    letters: Annotated[list[str] | None, typer.Argument(help="PARTITION:OFFSET of each, as list shows it")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all that stand")] = False,
    reason: _Reason = None,
    topic: _Topic = None,
    brand: _Brand = None,
    start: _From = None,
    end: _To = None,
    as_json: _Json = False,
) -> None:
    """Publish refused records again, and tell what became of each. Nothing counts twice. Exit 1 if any is refused again."""
    narrowed = any(option is not None for option in (reason, topic, brand, start, end))
    if everything == bool(letters or narrowed):
        raise Misuse(
            "say which letters: PARTITION:OFFSET of each, or --reason, --topic, --brand, --from, --to, or --all"
        )
    settings = load_settings()
    chosen = letters_in(settings, _choice(letters or (), reason, topic, brand, start, end))
    with _bar(len(chosen)) as tell:
        outcome = replay(settings, chosen, _WAIT_S, tell)
    told = asdict(outcome) | {"refused": dict(outcome.refused)}
    if as_json:
        typer.echo(json.dumps(told))
    else:
        typer.echo(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in told.items() if name != "refused"))
        for why, count in outcome.refused.items():
            typer.echo(f"{count} refused again: {why}")
    if outcome.accepted < len(chosen):
        raise typer.Exit(1)


def _choice(
    places: Any, reason: str | None = None, topic: str | None = None, brand: str | None = None,
    start: str | None = None, end: str | None = None,
) -> Choice:  # fmt: skip
    for place in places:
        partition, colon, offset = place.partition(":")
        if not (colon and partition.isdecimal() and offset.isdecimal()):
            raise Misuse(f"{place}: expected PARTITION:OFFSET of a record in {DEAD_LETTERS}, such as 3:17")
    return Choice(
        frozenset(places), reason, topic and _TOPICS[topic], brand, moment_of("--from", start), moment_of("--to", end)
    )


def _as_dict(letter: Letter) -> dict[str, Any]:
    return {
        "topic": DEAD_LETTERS,
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "detail": letter.detail,
        "source_topic": letter.source_topic,
        "source_partition": letter.source_partition,
        "source_offset": letter.source_offset,
        "refused_at": letter.refused_at.isoformat(timespec="milliseconds"),
        "brand": letter.brand,
    }


def _payload(payload: bytes | None) -> dict[str, Any]:
    if payload is None:
        return {"bytes": None, "schema": "", "fields": {}, "broke_at": None, "why": "the payload is out of reach"}
    found = inspect(payload)
    return {
        "bytes": len(payload),
        "schema": found.schema,
        "fields": found.fields,
        "broke_at": found.broke_at,
        "why": found.why,
    }


@contextmanager
def _bar(of: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, where it is a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("publishing again", total=of)
        yield lambda done: bar.update(task, completed=done)
