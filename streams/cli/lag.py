"""posventa lag: how far behind the numbers are, per partition."""

import json
import time
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from sinks.client import connected
from sinks.errors import SinkError
from sinks.reading import freshness
from streams.brokers.lag import Lag, read_lag
from streams.settings import load_settings

_BEHIND_S: Final = 60  # contract: behind when the lag is over a minute
_FINDINGS: Final = frozenset({"behind", "stalled", "no worker"})


def lag(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """Show lag in records and seconds, and status, per partition, also without workers. Exit 1 if behind or stalled."""
    settings = load_settings()
    lags = read_lag(settings, time.time_ns() // 1_000_000)
    reported = _reported(settings.clickhouse.get_secret_value())
    rows = [_row(found, reported) for found in lags]
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        _print(rows)
    if any(row["status"] in _FINDINGS for row in rows):
        raise typer.Exit(1)


def status_of(found: Lag, reported: str | None) -> str:
    """What the owner reports, unless Kafka knows worse. `reported` is None when nobody ever reported."""
    if reported is None or (reported == "stalled" and not found.lag_records):
        return "no worker"
    if reported == "stalled":
        return "stalled"
    return "behind" if found.lag_seconds > _BEHIND_S else reported


def _row(found: Lag, reported: dict[tuple[str, int], str]) -> dict[str, Any]:
    return found._asdict() | {"status": status_of(found, reported.get((found.topic, found.partition)))}


def _reported(url: str) -> dict[tuple[str, int], str]:
    """The status of each partition as its owner reports it; nothing when ClickHouse does not answer."""
    try:
        with connected(url) as client:
            return {(row["topic"], row["partition"]): row["status"] for row in freshness(client)}
    except SinkError as error:
        typer.echo(f"posventa: ClickHouse says nothing of the workers: {error}", err=True)
        return {}


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name, justify in (
        ("topic", "left"),
        ("partition", "right"),
        ("lag, records", "right"),
        ("lag, seconds", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("status")
    for row in rows:
        table.add_row(
            row["topic"], str(row["partition"]), f"{row['lag_records']:,}", f"{row['lag_seconds']:,.1f}", row["status"]
        )
    Console(highlight=False).print(table)
