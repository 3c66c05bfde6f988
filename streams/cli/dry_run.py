"""posventa publish --dry-run: what files would publish, by kind, and every refusal, without a broker.

Owns how it is shown. Never holds more than a few events: refusals are told as they come.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from schemas.events import Attribution, Event, Feedback, Reversal, Sale
from schemas.measures import MONEY_UNIT
from streams.cli.shaped import Counts, RefusedRow
from streams.visible import visible

_SHOWN: Final = 3  # events of each kind
_KINDS: Final = {Sale: "sales", Reversal: "reversals", Attribution: "attributions", Feedback: "feedback"}


def dry_run(items: Iterable[Event | RefusedRow], counts: Counts, as_json: bool) -> int:
    """Shows all of it, and returns how much was refused."""
    refused = 0
    shown: dict[str, list[Event]] = {kind: [] for kind in _KINDS.values()}
    if as_json:
        print('{"refused": [', end="")
    for item in items:
        if isinstance(item, RefusedRow):
            if as_json:
                print(", " if refused else "", json.dumps(item._asdict()), sep="", end="")
            else:
                print(f"refused: {visible(item.file)}: row {item.row}: {visible(item.detail)}")
            refused += 1
        elif len(of := shown[_KINDS[type(item)]]) < _SHOWN:
            of.append(item)
    if as_json:
        print("], " + json.dumps({**counts.events, "skipped": counts.skipped}).removeprefix("{"))
        return refused
    for kind, events in shown.items():
        for event in events:
            print(f"{kind}: {json.dumps(plain(event), ensure_ascii=False)}")
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.events.items() if count) or "no event"
    print(f"would publish {told} of {counts.rows:,} rows; skipped {counts.skipped:,}, refused {refused:,}")
    return refused


def plain(event: Event) -> dict[str, Any]:
    """An event's fields as JSON Lines have them, but for what is absent."""
    return {name: _plain(name, value) for name, value in event._asdict().items() if value not in (None, ())}


def _plain(name: str, value: Any) -> Any:
    if name in ("amount", "commission"):
        return f"{value // MONEY_UNIT}.{value % MONEY_UNIT:04}"
    if name == "occurred_at":
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")
    if isinstance(value, tuple):
        return [part if isinstance(part, str) else part._asdict() for part in value]
    return visible(value) if isinstance(value, str) else value
