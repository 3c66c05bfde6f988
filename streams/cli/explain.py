"""posventa explain: the sales, reversals, invitations and answers behind a number."""

import json
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

import typer

from schemas.measures import MONEY
from sinks.client import address, connected
from sinks.errors import SinkUnavailable
from sinks.explaining import LINES, Cell, Explained, Line, LineKey, PaneSpan, between, explained, of_window
from sinks.windows import WINDOWS
from streams.cli.explain_table import amount, explanation, instant
from streams.cli.report import language_of
from streams.cli.report_table import paper
from streams.cli.times import moment_of
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside
from streams.errors import Misuse

_TRIES_MAX: Final = 5  # while a flush is on its way from table to table
_AGAIN_S: Final = 0.2
_TOKEN_MAX: Final = 8192  # characters: three ids of 200 characters of 4 bytes each, in base64, take 3,300


def explain(  # noqa: PLR0913, PLR0917 - an option each
    brand: Annotated[str, typer.Option(help="the brand of the number")],
    affiliate: Annotated[str, typer.Option(help="its affiliate; '' for direct sales")],
    currency: Annotated[str, typer.Option(help="its currency; '' for answers that link to no sale")],
    measure: Annotated[str, typer.Option(help="which number, such as gross or detractors")],
    window: Annotated[
        Literal["1h", "24h", "7d", "30d"] | None, typer.Option(help="the window of a rolling view")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="end of the window, ISO 8601, UTC unless it says otherwise; by default now")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="instead of a window: the panes that begin from then on")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="and before then")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="at most so many lines")] = 100,
    after: Annotated[
        str | None, typer.Option(help="go on where a page ended: its next; of the time of that page")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="en or es; by default that of LANG")] = None,
    directory: UpDirectory = UP_DIRECTORY,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Open a number: the sales, reversals, invitations and answers behind it, one a line, which add up to it."""
    language = language_of(lang)
    cell = Cell(*map(_text, ("--brand", "--affiliate", "--currency"), (brand, affiliate, currency)))
    _check_measure(measure)
    settings = settings_beside(directory)
    span, place = _span(window, at, start, end, settings.pane), None
    if after is not None:
        span, place = _page_of(after)
    if span is None:
        raise Misuse("say of which time: --window 30d, with --at for another end than now; or --from and --to")
    url = settings.clickhouse.get_secret_value()
    try:
        found = _settled(url, cell, measure, span, place, limit)
    except SinkUnavailable as error:
        typer.echo(f"posventa: POSVENTA_CLICKHOUSE={address(url)}: no answer; is ClickHouse running there?", err=True)
        raise typer.Exit(1) from error
    next_page = _token(span, found.lines[-1].key) if found.more else None
    if as_json:
        typer.echo(json.dumps(_as_dict(measure, span, found, next_page)))
    else:
        paper().print(explanation(cell, measure, span, found, next_page, language))
    if found.shown != found.total:
        print(
            f"posventa: the views show {amount(measure, found.shown)}, and these lines add up to "
            f"{amount(measure, found.total)}: rows are on their way, or POSVENTA_PANE is not that of the workers. Ask again; "
            "if it stays so, run posventa verify",
            file=sys.stderr,
        )
        raise typer.Exit(1)


def _text(option: str, asked: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in asked):
        raise Misuse(f"{option} {asked}: not UTF-8; ids are text")
    return asked


def _check_measure(asked: str) -> None:
    if asked in LINES:
        return
    near = get_close_matches(asked, LINES, 1)
    meant = f"is it {near[0]}? " if near else ""
    raise Misuse(
        f"--measure {asked}: {meant}use one of {', '.join(LINES)}. A rate has no lines: open what it is made of"
    )


def _span(window: str | None, at: str | None, start: str | None, end: str | None, pane_s: int) -> PaneSpan | None:
    """The panes that the options say; None when they say no time."""
    ends, first, before = moment_of("--at", at), moment_of("--from", start), moment_of("--to", end)
    if window is not None and first is None and before is None:
        [found] = [known for known in WINDOWS if known.name == window]
        return of_window(found, ends or datetime.now(UTC), pane_s)
    if window is None and ends is None and first is not None and before is not None:
        if first >= before:
            raise Misuse(f"--from {start} --to {end}: expected a beginning before its end")
        return between(first, before, pane_s)
    if any(option is not None for option in (window, ends, first, before)):
        raise Misuse("use --window, with or without --at, or --from and --to together")
    return None


def _settled(url: str, cell: Cell, measure: str, span: PaneSpan, after: LineKey | None, limit: int) -> Explained:
    """A number and its lines as of one flush, as far as that can be had: rows of one flush come table by table."""
    with connected(url) as client:
        for attempt in range(_TRIES_MAX):
            time.sleep(_AGAIN_S * bool(attempt))
            found = explained(client, cell, measure, span, after, limit)
            is_whole = after is None and not found.more
            if found.shown == found.total and (not is_whole or sum(line.share for line in found.lines) == found.total):
                break
        return found


def _token(span: PaneSpan, key: LineKey) -> str:
    return urlsafe_b64encode(json.dumps([*span, *key], ensure_ascii=False).encode()).decode()


def _page_of(token: str) -> tuple[PaneSpan, LineKey]:
    """What _token() was made of. Raises Misuse."""
    try:
        start, end, *place = json.loads(urlsafe_b64decode(token[:_TOKEN_MAX]))
        kinds = [type(value) for value in (start, end, *place)]
        if (
            kinds != [int, int, int, str, str, str, int]
            or not 0 <= start <= end < 1 << 42
            or not 0 <= place[4] < 1 << 64
        ):
            raise ValueError(token)
    except ValueError as error:
        raise Misuse(f"--after {token[:40]}: expected the next of a page, as it was printed") from error
    return PaneSpan(start, end), LineKey(*place)


def _as_dict(measure: str, span: PaneSpan, found: Explained, next_page: str | None) -> dict[str, Any]:
    return {
        "measure": measure,
        "total": _number(measure, found.total),
        "count": found.size,
        "from": instant(span.start_ms),
        "to": instant(span.end_ms),
        "lines": [_line(measure, line) for line in found.lines],
        "next": next_page,
    }


def _line(measure: str, line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "sale_id": line.key.sale_id or None,
        "reversal_id": line.key.reversal_id or None,
        "feedback_id": line.key.feedback_id or None,
        "occurred_at": instant(line.key.occurred_at_ms),
        "share": _number(measure, line.share),
    }


def _number(measure: str, value: int) -> int | str:
    """Money is exact as text."""
    return amount(measure, value) if measure in MONEY else value
