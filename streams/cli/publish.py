"""posventa publish: events from JSON Lines, from files in other people's shapes or from the Olist files to Kafka."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from schemas.errors import InvalidValue
from schemas.events import Event
from schemas.parsing import parse_attribution, parse_feedback, parse_reversal, parse_sale
from streams.brokers.creation import ensure_topics_to_publish
from streams.brokers.topics import BY_SALE, FEEDBACK, SALES, SOURCES
from streams.cli.dry_run import dry_run
from streams.cli.input_lines import input_lines
from streams.cli.shaped import NEW_KEY, Counts, Keys, RefusedRow, outcomes, shape_of
from streams.errors import Misuse
from streams.publishing.jsonl import RefusedLine, parse_lines
from streams.publishing.olist import read_olist
from streams.publishing.publisher import Publisher, topic_of
from streams.settings import load_settings
from streams.shapes.shape import Shape
from streams.visible import visible

_BROKER_WAIT_S: Final = 30
_PARSERS: Final[Mapping[str, Callable[[Mapping[str, object]], Event]]] = {
    "sales": parse_sale,
    "feedback": parse_feedback,
    "reversals": parse_reversal,
    "attributions": parse_attribution,
}
_TOPICS: Final = {"sales": SALES, "feedback": FEEDBACK, "reversals": SALES, "attributions": SALES}


@dataclass
class _Tally:
    published: int = 0
    refused: int = 0
    seconds: float = 0.0

    @property
    def events_per_second(self) -> int:
        return round(self.published / self.seconds) if self.seconds else 0


def publish(  # noqa: PLR0913, PLR0917 - an option each
    file: Annotated[
        list[str] | None,
        typer.Argument(help="JSON Lines, one event a line; with --as or --map, files; '-' reads standard input"),
    ] = None,
    topic: Annotated[
        Literal["sales", "feedback", "reversals", "attributions"] | None, typer.Option(help="what the lines are")
    ] = None,
    shape: Annotated[
        str | None, typer.Option("--as", help="the shape of the files, as posventa shapes lists them")
    ] = None,
    map_file: Annotated[Path | None, typer.Option("--map", help="your own mapping of the files (TOML)")] = None,
    said: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: a field of all events, or a variable of the mapping; FIELD=@COLUMN"),
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="with --as or --map: show what would be published")] = False,
    new_key: Annotated[bool, typer.Option(NEW_KEY, help="take another key for pseudonyms than before")] = False,
    olist: Annotated[Path | None, typer.Option(help="publish the Olist CSV files of this directory instead")] = None,
    shift_to_now: Annotated[bool, typer.Option(help="with --olist: later, so that the newest event is now")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
) -> None:
    """Publish events. Bad lines are refused by number, the rest is published; then the exit code is 1."""
    files, is_shaped = file or [], shape is not None or map_file is not None
    ways = (topic is not None and len(files) == 1, is_shaped and bool(files), olist is not None and not files)
    chosen = (topic is not None, is_shaped, olist is not None)
    if (
        sum(chosen) != 1
        or ways != chosen
        or (shift_to_now and olist is None)
        or (not is_shaped and (said or is_dry or new_key))
    ):
        raise Misuse(
            "use: posventa publish --topic sales|feedback|reversals|attributions FILE.jsonl, or --as SHAPE FILE… "
            "[--map FILE.toml] [--set NAME=VALUE] [--dry-run], or --olist DIR [--shift-to-now]"
        )
    notes: dict[str, int] = {}
    if is_shaped:
        keys = Keys(load_settings(), may_change=new_key, is_dry=is_dry)
        tally, notes = _shaped(files, shape_of(shape, map_file, said or [], keys), keys, is_dry=is_dry, as_json=as_json)
    elif olist is not None:
        source = read_olist(olist)
        shift_ms = time.time_ns() // 1_000_000 - source.newest_ms() if shift_to_now else 0
        notes = {"left_out_orders": source.left_out_orders, "left_out_reviews": source.left_out_reviews}
        with _bar() as progress:
            tally = _publish(progress.track(source.events(shift_ms), description="publishing"), SOURCES)
    else:
        assert topic is not None
        with input_lines(files[0], "publish", watched_as="publishing") as lines:
            tally = _publish(parse_lines(lines, _PARSERS[topic]), [_TOPICS[topic]])
    if not is_dry:
        _summarize(tally, notes, as_json)
    if tally.refused:
        raise typer.Exit(1)


def _shaped(
    files: list[str], shape: Shape, keys: Keys, *, is_dry: bool, as_json: bool
) -> tuple[_Tally, dict[str, int]]:
    counts = Counts()
    items = (item for name in files for item in outcomes(shape, name, counts))
    if shape.hashes_addresses:
        keys()  # before anything is published: without a key nothing is
    if is_dry:
        return _Tally(refused=dry_run(items, counts, as_json)), {}
    tally = _publish(items, sorted({_TOPICS[kind] for kind in shape.kinds}))
    return tally, {"skipped": counts.skipped}


def _publish(items: Iterable[Event | RefusedLine | RefusedRow], topics: Sequence[str]) -> _Tally:
    settings, tally = load_settings(), _Tally()
    ensure_topics_to_publish(settings, topics, wait_s=_BROKER_WAIT_S)
    are_there = set(topics)
    begin = time.monotonic()
    with Publisher(settings) as publisher:
        for item in items:
            if isinstance(item, RefusedLine):
                _refuse(tally, f"line {item.number}", item.why)
                continue
            if isinstance(item, RefusedRow):
                _refuse(tally, f"{visible(item.file)}: row {item.row}", item.detail)
                continue
            if BY_SALE not in are_there and topic_of(item) == BY_SALE:  # most never need it, nor a right to it
                ensure_topics_to_publish(settings, [BY_SALE], wait_s=_BROKER_WAIT_S)
                are_there.add(BY_SALE)
            try:
                publisher.publish(item)
                tally.published += 1
            except InvalidValue as refused:
                _refuse(tally, f"event {visible(item.event_id)}", refused.detail)
    tally.seconds = time.monotonic() - begin
    return tally


def _refuse(tally: _Tally, which: str, why: str) -> None:
    tally.refused += 1
    print(f"{which} refused: {why}", file=sys.stderr)


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _summarize(tally: _Tally, notes: dict[str, int], as_json: bool) -> None:
    if as_json:
        summary: dict[str, Any] = {
            "published": tally.published,
            "refused": tally.refused,
            **notes,
            "seconds": round(tally.seconds, 3),
            "events_per_second": tally.events_per_second,
        }
        print(json.dumps(summary))
        return
    print(f"published {tally.published:,} events in {tally.seconds:.1f} s ({tally.events_per_second:,} events/s)")
    if tally.refused:
        print(f"refused {tally.refused:,}; each is named above")
    for name, count in notes.items():
        print(f"{name.replace('_', ' ')}: {count:,}")
