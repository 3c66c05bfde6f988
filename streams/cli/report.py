"""posventa report: the rolling report in the terminal."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from sinks.client import connect
from sinks.reading import freshness, rolling, topics
from streams.errors import Misuse
from streams.report import LANGUAGES, WIDTH, render
from streams.settings import load_settings


def report(
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    affiliate: Annotated[str | None, typer.Option(help="only this affiliate; '' for direct sales")] = None,
    at: Annotated[str | None, typer.Option(help="end of the windows, ISO 8601, UTC unless it says otherwise")] = None,
    lang: Annotated[str | None, typer.Option(help="en or es; by default that of LANG")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the views' rows as JSON")] = False,
) -> None:
    """Show per affiliate and window what was sold, what came back, and what customers thought."""
    language = lang or ("es" if os.environ.get("LANG", "").startswith("es") else "en")
    if language not in LANGUAGES:
        raise Misuse(f"--lang {language}: use one of {', '.join(LANGUAGES)}")
    url = load_settings().clickhouse.get_secret_value()
    found = _ask(url, brand, affiliate, None if at is None else _moment(at))
    if as_json:
        typer.echo(json.dumps(found, default=_plain))
    else:
        _print(found, language)
    if (brand is not None or affiliate is not None) and not found["rolling"]:
        print("posventa: nothing is known of that brand or affiliate in the last 30 days", file=sys.stderr)
        raise typer.Exit(1)


def show_report(
    url: str, *, brand: str | None = None, affiliate: str | None = None, at: datetime | None = None, lang: str = "en"
) -> None:
    """Prints the report of the ClickHouse at `url`; `at` is aware. Raises SinkError."""
    _print(_ask(url, brand, affiliate, at), lang)


def _ask(url: str, brand: str | None, affiliate: str | None, at: datetime | None) -> dict[str, list[dict[str, Any]]]:
    client = connect(url)
    try:
        return {
            "freshness": freshness(client),
            "rolling": rolling(client, brand, affiliate, at),
            "topics": topics(client, brand, affiliate, at),
        }
    finally:
        client.close()


def _print(found: dict[str, list[dict[str, Any]]], lang: str) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(render(found["rolling"], found["topics"], found["freshness"], lang))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(f"--at {text}: not a time; use for example --at 2026-01-31T12:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(value: Any) -> str:
    """Decimals stay exact as text; times are ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return str(value)
