"""posventa report: the rolling report in the terminal."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sinks.client import address, connected
from sinks.errors import SinkUnavailable
from sinks.reading import freshness, rolling, topics
from streams.cli.report_table import paper, render
from streams.cli.times import moment_of
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside
from streams.errors import Misuse
from streams.words import LANGUAGES, spoken


def report(
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    affiliate: Annotated[str | None, typer.Option(help="only this affiliate; '' for direct sales")] = None,
    at: Annotated[str | None, typer.Option(help="end of the windows, ISO 8601, UTC unless it says otherwise")] = None,
    lang: Annotated[str | None, typer.Option(help="en or es; by default that of LANG")] = None,
    directory: UpDirectory = UP_DIRECTORY,
    as_json: Annotated[bool, typer.Option("--json", help="print the views' rows as JSON")] = False,
) -> None:
    """Show per affiliate and window what was sold, what came back, and what customers thought."""
    language = language_of(lang)
    url = settings_beside(directory).clickhouse.get_secret_value()
    moment = moment_of("--at", at)
    for option, asked in (("--brand", brand), ("--affiliate", affiliate)):
        if asked and any("\ud800" <= character <= "\udfff" for character in asked):
            raise Misuse(f"{option} {asked}: not UTF-8; ids are text")
    try:
        found = ask(url, brand, affiliate, moment)
    except SinkUnavailable as error:
        typer.echo(f"posventa: POSVENTA_CLICKHOUSE={address(url)}: no answer; is ClickHouse running there?", err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(as_json_text(found))
    else:
        show(found, language)
    if (brand is not None or affiliate is not None) and not found["rolling"]:
        print("posventa: nothing is known of that brand or affiliate in the last 30 days", file=sys.stderr)
        raise typer.Exit(1)


def language_of(asked: str | None) -> str:
    """The language asked for, else that of LANG if we speak it, else English. Raises Misuse for another one."""
    if asked is None:
        return spoken([os.environ.get("LANG", "")])
    if asked not in LANGUAGES:
        raise Misuse(f"--lang {asked}: use one of {', '.join(LANGUAGES)}")
    return asked


def ask(
    url: str, brand: str | None = None, affiliate: str | None = None, at: datetime | None = None
) -> dict[str, list[dict[str, Any]]]:
    """What the report is made of, from the ClickHouse at `url`; `at` is aware. Raises SinkError."""
    with connected(url) as client:
        return {
            "freshness": freshness(client),
            "rolling": rolling(client, brand, affiliate, at),
            "topics": topics(client, brand, affiliate, at),
        }


def show(found: Mapping[str, list[dict[str, Any]]], lang: str) -> None:
    """Prints what ask() found."""
    paper().print(render(found["rolling"], found["topics"], found["freshness"], lang))


def as_json_text(found: Mapping[str, Any]) -> str:
    """The same as one line of JSON."""
    return json.dumps(found, default=_plain)


def _plain(value: Any) -> str:
    """Decimals stay exact as text; times are ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return str(value)
