"""The base tables as the workers write them: names and columns, and the bytes of a row.

Owns the order in which a row's values stand and how they become bytes; engines, types and keys are in migrations/. A
test ties both together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from schemas.measures import MEASURES

DATABASE: Final = "posventa"


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A base table. A row has one value per column.

    Money is in ten-thousandths, `bucket` in epoch seconds, every other time in epoch milliseconds, lag_seconds a float;
    None stands only where the table is Nullable.
    """

    name: str
    columns: tuple[str, ...]


def pack_row(values: Iterable[Any]) -> bytes:
    """A row as ClickHouse's format MsgPack has it: one value after the other.

    A column's own range is not checked there: a number beyond it would wrap around, so whoever makes rows must see to
    that. Rows of units are made by streams.unit.rows.
    """
    return b"".join(map(msgpack.packb, values))


def unpack_row(row: bytes) -> tuple[Any, ...]:
    """The values of a row."""
    unpacker = msgpack.Unpacker(use_list=False)
    unpacker.feed(row)
    return tuple(unpacker)


def _table(name: str, columns: str) -> Table:
    return Table(name, tuple(columns.split()))


AFFILIATE_PANES: Final = _table(
    "affiliate_panes",
    f"generation brand_id affiliate_id currency bucket source_partition {' '.join(MEASURES)} version",
)
TOPIC_PANES: Final = _table(
    "topic_panes", "generation brand_id affiliate_id topic verdict bucket source_partition answers version"
)
JOURNEYS: Final = _table(
    "journeys",
    "generation brand_id sale_id customer_id affiliate_id product_id offering campaign status amount commission "
    "currency occurred_at is_new_customer referred_by refunded charged_back answers last_metric last_score verdicts "
    "feedback_delay_seconds version",
)
ANSWERS: Final = _table(
    "answers",
    "generation brand_id feedback_id customer_id status match sale_id affiliate_id metric score findings "
    "invited_at answered_at version",
)
COMMENTS: Final = _table("comments", "generation brand_id customer_id feedback_id comment language version")
DEAD_LETTERS: Final = _table(
    "dead_letters",
    "generation source_topic source_partition source_offset reason detail record_key refused_at version",
)
FRESHNESS: Final = _table(
    "freshness",
    "generation topic source_partition claim report changelog_offset state_version applied_offset end_offset "
    "complete_up_to lag_records lag_seconds progress_at busy_at as_of worker",
)

TABLES: Final = (AFFILIATE_PANES, TOPIC_PANES, JOURNEYS, ANSWERS, COMMENTS, DEAD_LETTERS, FRESHNESS)

# What BI may read.
VIEWS: Final = (
    "affiliate_rolling",
    "affiliate_rolling_at",
    "affiliate_series",
    "affiliate_daily",
    "affiliate_topics",
    "affiliate_topics_at",
    "journey",
    "freshness_now",
)
