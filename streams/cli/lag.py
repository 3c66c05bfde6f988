"""posventa lag: how far behind the numbers are, per partition."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from sinks.client import connected
from sinks.errors import SchemaMissing, SinkError
from sinks.reading import freshness
from streams.brokers.lag import Lag, read_lag
from streams.brokers.topics import TopicPartition
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside
from streams.errors import NoAnswer
from streams.monitoring.status import STATUSES, status_of
from streams.settings import Settings

_CLICKHOUSE_S_MAX: Final = 10  # it is asked for a few rows; whoever takes longer is busy
_AGAIN_S: Final = 2
_FINE: Final = frozenset({"idle", "ok"})
_NAMED_MAX: Final = 10
_DO: Final = {
    "idle": "nothing to do",
    "ok": "more than was asked for; it goes on",
    "behind": "it goes on; if it does not get less, start more workers (up to one a partition)",
    "stalled": "nothing is read there: the log of its worker names the partition, and the record if it is one",
    "no worker": "start one, or see why none runs",
    "unknown": "ClickHouse does not tell",
}

Row = Mapping[str, Any]


def lag(
    directory: UpDirectory = UP_DIRECTORY,
    watch: Annotated[bool, typer.Option("--watch", help="look again every two seconds, until Ctrl-C")] = False,
    max_seconds: Annotated[
        int | None, typer.Option(min=0, help="the lag from which on it is a finding; by default behind, a minute")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show lag in records and seconds, and status, per partition, also without workers. Exit 1 if behind or stalled."""
    settings = settings_beside(directory)
    rows: list[dict[str, Any]] = []
    with suppress(KeyboardInterrupt):
        while True:
            try:
                rows = _look(settings)
                _tell(rows, as_json, watch, max_seconds)
            except NoAnswer as error:
                if not watch:
                    raise
                typer.echo(f"posventa: {error}", err=True)
            if not watch:
                break
            time.sleep(_AGAIN_S)
    if any(is_finding(row, max_seconds) for row in rows):
        raise typer.Exit(1)


def is_finding(row: Row, max_seconds: int | None) -> bool:
    """Whether a row is worth exit code 1: a status that is not fine, but for being behind by no more than is allowed."""
    if max_seconds is None:
        return row["status"] not in _FINE
    return row["lag_seconds"] > max_seconds or row["status"] not in {*_FINE, "behind"}


def _look(settings: Settings) -> list[dict[str, Any]]:
    reports = reports_of(settings.clickhouse.get_secret_value())
    try:
        now = datetime.now(UTC)
        lags = read_lag(settings, int(now.timestamp() * 1000), reports)
        return [_row(found, status_of(found, reports, now), reports) for found in lags]
    except NoAnswer as error:
        if not reports:
            raise
        typer.echo(f"posventa: {error} This is what the workers last reported.", err=True)
        return [_row(_last_known(report), "stalled", reports) for report in reports.values()]


def _tell(rows: list[dict[str, Any]], as_json: bool, over: bool, max_seconds: int | None) -> None:
    """One line of JSON, or a table; `over` what a terminal shows."""
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if over and sys.stdout.isatty():
        Console().clear()
    _print(rows)
    for line in named(rows, max_seconds):
        typer.echo(line)


def reports_of(url: str) -> dict[TopicPartition, Row] | None:
    """What each partition's owner last reported; None when ClickHouse does not tell."""
    try:
        with connected(url, answer_s=_CLICKHOUSE_S_MAX) as client:
            return {(row["topic"], row["partition"]): row for row in freshness(client) if row["partition"] >= 0}
    except SinkError as error:
        typer.echo(f"posventa: ClickHouse says nothing of the workers: {error}", err=True)
        return {} if isinstance(error, SchemaMissing) else None


def _last_known(report: Row) -> Lag:
    return Lag(report["topic"], report["partition"], report["lag_records"], report["lag_seconds"])


def _row(found: Lag, status: str, reports: Mapping[TopicPartition, Row] | None) -> dict[str, Any]:
    report = (reports or {}).get((found.topic, found.partition), {})
    times = {name: report[name].isoformat() if report else None for name in ("complete_up_to", "as_of")}
    told = {name: getattr(found, name) for name in ("topic", "partition", "lag_records", "lag_seconds")}
    return told | {"status": status} | times


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("topic")
    for name in ("partition", "lag, records", "lag, seconds"):
        table.add_column(name, justify="right")
    table.add_column("status")
    for row in [*rows, total_of(rows)]:
        table.add_row(
            row["topic"] or "total", str(row["partition"]) if row["topic"] else "",
            f"{row['lag_records']:,}", f"{row['lag_seconds']:,.1f}", row["status"],
        )  # fmt: skip
    Console(highlight=False).print(table)
    complete_up_to, as_of = (_shown(total_of(rows)[name]) for name in ("complete_up_to", "as_of"))
    typer.echo(f"complete up to {complete_up_to}, as of {as_of}")


def named(rows: list[dict[str, Any]], max_seconds: int | None) -> Iterator[str]:
    """Whom to look after, however many others are fine: where the oldest record waits, then the findings, the worst first."""
    longest = max(rows, key=lambda row: row["lag_seconds"])
    if longest["lag_records"]:
        yield f"waits longest: {_where(longest)}"
    findings = [row for row in rows if is_finding(row, max_seconds)]
    findings.sort(key=lambda row: (-STATUSES.index(row["status"]), -row["lag_seconds"]))
    for row in findings[:_NAMED_MAX]:
        yield f"{row['status']}: {_where(row)}; {_DO[row['status']]}"
    if len(findings) > _NAMED_MAX:
        yield f"and {len(findings) - _NAMED_MAX} more, in the table above"


def _where(row: Row) -> str:
    return f"{row['topic']}[{row['partition']}], {row['lag_records']:,} records, {row['lag_seconds']:,.1f} s"


def total_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All rows in one, as the total row of freshness_now has it: sum, maximum, worst, and the oldest times."""
    times = {name: [row[name] for row in rows] for name in ("complete_up_to", "as_of")}
    return {
        "topic": "",
        "partition": -1,
        "lag_records": sum(row["lag_records"] for row in rows),
        "lag_seconds": max(row["lag_seconds"] for row in rows),
        "status": max((row["status"] for row in rows), key=STATUSES.index),
    } | {name: None if None in found else min(found) for name, found in times.items()}


def _shown(moment: str | None) -> str:
    return "unknown" if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S} UTC"
