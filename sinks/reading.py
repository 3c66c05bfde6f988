"""The questions that the report and the web page ask of the views. Rows come back as dicts by column name.

Never reads a base table, and never puts a value into SQL text: brand, affiliate and time travel as parameters.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors
from sinks.windows import WINDOWS

Row = dict[str, Any]

_WINDOW_ORDER = f"indexOf({[window.name for window in WINDOWS]}, v.window)"


def rolling(
    client: Client, brand: str | None = None, affiliate: str | None = None, at: datetime | None = None
) -> list[Row]:
    """The rolling windows of all, or of one brand or affiliate, ending now or at an aware time. Raises SinkError."""
    chosen = {"brand": brand, "affiliate": affiliate, "moment": at}
    return _windows(client, "affiliate_rolling", "v.currency", chosen)


def topics(
    client: Client, brand: str | None = None, affiliate: str | None = None, at: datetime | None = None
) -> list[Row]:
    """What is said about which topic, the most frequent first within a window. Raises SinkError."""
    chosen = {"brand": brand, "affiliate": affiliate, "moment": at}
    return _windows(client, "affiliate_topics", "v.answers DESC, v.topic, v.verdict", chosen)


def freshness(client: Client) -> list[Row]:
    """One row per source partition after the total row (topic '', partition -1). Raises SinkError."""
    return _rows(client, "SELECT v.* FROM freshness_now AS v ORDER BY v.topic, v.partition", {})


def total(fresh: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The total row of freshness(); None while nobody has reported yet."""
    return next((row for row in fresh if row["partition"] == -1), None)


def _windows(client: Client, view: str, order: str, chosen: Row) -> list[Row]:
    """Only what is chosen becomes a condition, so that ClickHouse can use it to skip what it need not read."""
    source = view if chosen["moment"] is None else f"{view}_at(at = {{moment:DateTime('UTC')}})"
    conditions = [f"v.{key}_id = {{{key}:String}}" for key in ("brand", "affiliate") if chosen[key] is not None]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT v.* FROM {source} AS v {where} ORDER BY v.brand_id, v.affiliate_id, {_WINDOW_ORDER}, {order}"  # noqa: S608 - names only
    return _rows(client, sql, chosen)


def _rows(client: Client, sql: str, parameters: Row) -> list[Row]:
    with sink_errors("reading the views"):
        return list(client.query(sql, parameters=parameters).named_results())
