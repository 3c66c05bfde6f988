"""What ClickHouse holds: the rows of the base tables, each as it was at a moment.

Owns the questions. Never changes anything. Invariant: a row is handed over once, with a moment at which it was exactly this.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.measures import MEASURES
from sinks.errors import sink_errors
from sinks.tables import AFFILIATE_PANES, ANSWERS, COMMENTS, DEAD_LETTERS, JOURNEYS, REVERSALS, TOPIC_PANES, Table
from streams.recount.moments import Moment, read_moment

Key = tuple[Any, ...]
Cells = tuple[Any, ...]

_ASKS_MAX: Final = 100  # of one table: each settles what stands still for a moment
_AGAIN_S: Final = 0.1


@dataclass(frozen=True)
class Kept:
    """How a base table is compared: which columns name a row, which are compared, and when it happened."""

    table: Table
    key: tuple[str, ...]
    values: tuple[str, ...]
    partition: str  # SQL: the source partition of a row
    times: tuple[str, ...] = ()  # a row belongs to a range of time if one of these does

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name


def _kept(table: Table, key: str, times: str, of_customer: bool = False, only: str = "") -> Kept:
    names = tuple(key.split())
    values = tuple(
        c for c in table.columns if c not in ("generation", "version", *names) and (not only or c in only.split())
    )
    home = "kafkaMurmurHash(concat(t.brand_id, ':', t.customer_id)) % {partitions:UInt32}"
    return Kept(table, names, values, home if of_customer else "t.source_partition", tuple(times.split()))


PANES: Final = _kept(AFFILIATE_PANES, "brand_id affiliate_id currency bucket source_partition", "bucket")
TOPICS: Final = _kept(TOPIC_PANES, "brand_id affiliate_id topic verdict bucket source_partition", "bucket")
SALES_ROWS: Final = _kept(JOURNEYS, "brand_id customer_id sale_id", "occurred_at", of_customer=True)
REVERSAL_ROWS: Final = _kept(REVERSALS, "brand_id customer_id sale_id reversal_id", "occurred_at", of_customer=True)
ANSWER_ROWS: Final = _kept(ANSWERS, "brand_id customer_id feedback_id", "invited_at answered_at", of_customer=True)
COMMENT_ROWS: Final = _kept(COMMENTS, "brand_id customer_id feedback_id", "", of_customer=True)
LETTER_ROWS: Final = _kept(DEAD_LETTERS, "source_topic source_partition source_offset", "refused_at", only="reason")

OF_CUSTOMERS: Final = (SALES_ROWS, REVERSAL_ROWS, ANSWER_ROWS, COMMENT_ROWS)
ALL: Final = (PANES, TOPICS, *OF_CUSTOMERS, LETTER_ROWS)

assert PANES.values == MEASURES


@dataclass(frozen=True)
class Range:
    """From when to before when; None is without end."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, *epoch_ms: int) -> bool:
        """Whether one of these instants lies in it."""
        start_ms = self.start.timestamp() * 1000 if self.start else float("-inf")
        end_ms = self.end.timestamp() * 1000 if self.end else float("inf")
        return any(start_ms <= instant < end_ms for instant in epoch_ms)


class Asked:
    """The rows of a table. After iterating, `unsettled` are those that stayed ahead of all that was reported."""

    def __init__(
        self, client: Client, kept: Kept, generation: int, partitions: int, chosen: Range, moments: list[Moment]
    ) -> None:
        self.first = len(moments)  # the moment of all that is not there
        self.unsettled: dict[Key, int] = {}  # with their versions
        self._client, self._kept, self._cuts = client, kept, moments
        self._parameters: dict[str, Any] = {
            "generation": generation, "partitions": partitions, "start": chosen.start, "end": chosen.end
        }  # fmt: skip
        self._sql = _sql(kept, chosen)

    def __iter__(self) -> Iterator[tuple[int, Key, Cells]]:
        """(moment, key, values) of each row; adds the moments at which it asks to the list."""
        width = len(self._kept.key)
        beyond: list[int] = []
        for ask in range(_ASKS_MAX):
            moment = read_moment(self._client, self._parameters["generation"])
            self._cuts.append(moment)
            wanted, self.unsettled = self.unsettled, {}
            for row in self._rows(beyond):
                key, values, partition, version = row[:width], row[width:-2], row[-2], row[-1]
                if ask and key not in wanted:
                    continue  # settled at an earlier moment; it has changed since
                if partition in moment and version <= moment[partition].version:
                    yield len(self._cuts) - 1, key, values
                else:
                    self.unsettled[key] = version
            if not self.unsettled:
                return
            time.sleep(_AGAIN_S)
            beyond = beyond or [moment[p].version if p in moment else 0 for p in range(self._parameters["partitions"])]

    def _rows(self, beyond: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """All rows, or those with a greater version than their partition's `beyond`."""
        more = f" AND t.version > {{beyond:Array(UInt64)}}[{self._kept.partition} + 1]" if beyond else ""
        with (
            sink_errors(f"reading {self._kept.name}"),
            self._client.query_rows_stream(
                self._sql + more, parameters=self._parameters | {"beyond": list(beyond)}
            ) as rows,
        ):
            yield from rows


def _sql(kept: Kept, chosen: Range) -> str:
    types = dict(zip(kept.table.columns, kept.table.types, strict=True))
    columns = ", ".join(_as_number(name, types[name]) for name in (*kept.key, *kept.values))
    sql = (
        f"SELECT {columns}, {kept.partition} AS home, t.version FROM {kept.name} AS t FINAL "  # noqa: S608 - names only
        "WHERE t.generation = {generation:UInt32}"
    )
    after = "t.{} >= {start:DateTime64(3)}" if chosen.start else ""
    before = "t.{} < {end:DateTime64(3)}" if chosen.end else ""
    bounds = " AND ".join(filter(None, (after, before)))
    if kept.times and bounds:
        sql += f" AND ({' OR '.join(bounds.replace('{}', column) for column in kept.times)})"
    return sql


def _as_number(name: str, type_name: str) -> str:
    """Times as the workers write them: panes in seconds, all others in milliseconds."""
    if type_name.startswith("DateTime64"):
        return f"toUnixTimestamp64Milli(t.{name})"
    return f"toUnixTimestamp(t.{name})" if type_name.startswith("DateTime") else f"t.{name}"
