"""posventa publish: events from JSON Lines or from the Olist files to Kafka."""

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
from streams.cli.input_lines import input_lines
from streams.errors import Misuse
from streams.publishing.jsonl import RefusedLine, parse_lines
from streams.publishing.olist import read_olist
from streams.publishing.publisher import Publisher, topic_of
from streams.settings import load_settings
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


def publish(
    file: Annotated[str | None, typer.Argument(help="JSON Lines, one event a line; '-' reads standard input")] = None,
    topic: Annotated[
        Literal["sales", "feedback", "reversals", "attributions"] | None, typer.Option(help="what the lines are")
    ] = None,
    olist: Annotated[Path | None, typer.Option(help="publish the Olist CSV files of this directory instead")] = None,
    shift_to_now: Annotated[bool, typer.Option(help="with --olist: later, so that the newest event is now")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
) -> None:
    """Publish events. Bad lines are refused by number, the rest is published; then the exit code is 1."""
    if (file is None) == (olist is None) or (file is None) == (topic is not None) or (shift_to_now and olist is None):
        raise Misuse(
            "use: posventa publish --topic sales|feedback|reversals|attributions FILE.jsonl, or --olist DIR [--shift-to-now]"
        )
    notes: dict[str, int] = {}
    if olist is not None:
        source = read_olist(olist)
        shift_ms = time.time_ns() // 1_000_000 - source.newest_ms() if shift_to_now else 0
        notes = {"left_out_orders": source.left_out_orders, "left_out_reviews": source.left_out_reviews}
        with _bar() as progress:
            tally = _publish(progress.track(source.events(shift_ms), description="publishing"), SOURCES)
    else:
        assert file is not None
        assert topic is not None
        with input_lines(file, "publish", watched_as="publishing") as lines:
            tally = _publish(parse_lines(lines, _PARSERS[topic]), [_TOPICS[topic]])
    _summarize(tally, notes, as_json)
    if tally.refused:
        raise typer.Exit(1)


def _publish(items: Iterable[Event | RefusedLine], topics: Sequence[str]) -> _Tally:
    settings, tally = load_settings(), _Tally()
    ensure_topics_to_publish(settings, topics, wait_s=_BROKER_WAIT_S)
    are_there = set(topics)
    begin = time.monotonic()
    with Publisher(settings) as publisher:
        for item in items:
            if isinstance(item, RefusedLine):
                _refuse(tally, f"line {item.number}", item.why)
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
