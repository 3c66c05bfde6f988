"""The base tables as the workers write them: names, columns and types, and the bytes of a row.

Owns the order in which a row's values stand and how they become bytes; engines and keys are in migrations/, where a new
column gets by `python -m sinks.views`. A test ties both together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from schemas.measures import MEASURES, TOPIC_MEASURES

DATABASE: Final = "posventa"


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A base table. A row has one value per column.

    Money is in ten-thousandths, `bucket` in epoch seconds, every other time in epoch milliseconds, lag_seconds a float;
    None stands only where the table is Nullable.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]  # of the columns, as ClickHouse declares them


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
    """A table of one line a column: its name and its type."""
    names, types = zip(*(line.split(maxsplit=1) for line in columns.strip().splitlines()), strict=True)
    return Table(name, names, types)


_MEASURE_LINES: Final = "\n".join(f"{measure} Int64" for measure in MEASURES)
_TOPIC_LINES: Final = "\n".join(f"{measure} Int64" for measure in TOPIC_MEASURES)

AFFILIATE_PANES: Final = _table(
    "affiliate_panes",
    f"""
    generation UInt32
    brand_id String
    affiliate_id String
    currency String
    bucket DateTime('UTC')
    source_partition UInt16
    {_MEASURE_LINES}
    version UInt64
    """,
)
TOPIC_PANES: Final = _table(
    "topic_panes",
    f"""
    generation UInt32
    brand_id String
    affiliate_id String
    topic String
    verdict String
    bucket DateTime('UTC')
    source_partition UInt16
    {_TOPIC_LINES}
    version UInt64
    """,
)
JOURNEYS: Final = _table(
    "journeys",
    """
    generation UInt32
    brand_id String
    sale_id String
    customer_id String
    affiliate_id String
    product_id String
    offering LowCardinality(String)
    campaign String
    status LowCardinality(String)
    amount Int64
    commission Int64
    currency LowCardinality(String)
    occurred_at DateTime64(3, 'UTC')
    is_new_customer UInt8
    referred_by String
    refunded Int64
    charged_back Int64
    answers Int64
    last_metric LowCardinality(String)
    last_score Nullable(Int8)
    verdicts String
    feedback_delay_seconds Nullable(Int64)
    subscription_id String
    is_renewal UInt8
    refunds Int64
    chargebacks Int64
    commission_reversed Int64
    mismatched_amounts Int64
    last_nps Nullable(Int8)
    last_csat Nullable(Int8)
    last_ces Nullable(Int8)
    version UInt64
    """,
)
REVERSALS: Final = _table(
    "reversals",
    """
    generation UInt32
    brand_id String
    sale_id String
    reversal_id String
    customer_id String
    kind LowCardinality(String)
    status LowCardinality(String)
    affiliate_id String
    campaign String
    amount Int64
    commission Int64
    currency LowCardinality(String)
    occurred_at DateTime64(3, 'UTC')
    version UInt64
    """,
)
ANSWERS: Final = _table(
    "answers",
    """
    generation UInt32
    brand_id String
    feedback_id String
    customer_id String
    status LowCardinality(String)
    match LowCardinality(String)
    sale_id String
    invited_sale_id String
    affiliate_id String
    metric LowCardinality(String)
    score Nullable(Int8)
    findings String
    invited_at DateTime64(3, 'UTC')
    answered_at DateTime64(3, 'UTC')
    nps Nullable(Int8)
    csat Nullable(Int8)
    ces Nullable(Int8)
    has_comment UInt8
    version UInt64
    """,
)
COMMENTS: Final = _table(
    "comments",
    """
    generation UInt32
    brand_id String
    customer_id String
    feedback_id String
    comment String
    language String
    version UInt64
    """,
)
DEAD_LETTERS: Final = _table(
    "dead_letters",
    """
    generation UInt32
    source_topic LowCardinality(String)
    source_partition UInt16
    source_offset UInt64
    reason LowCardinality(String)
    detail String
    record_key String
    refused_at DateTime64(3, 'UTC')
    version UInt64
    """,
)
FRESHNESS: Final = _table(
    "freshness",
    """
    generation UInt32
    topic LowCardinality(String)
    source_partition UInt16
    claim UInt64
    report UInt64
    changelog_offset UInt64
    state_version UInt64
    applied_offset UInt64
    end_offset UInt64
    complete_up_to DateTime64(3, 'UTC')
    lag_records UInt64
    lag_seconds Float64
    progress_at DateTime64(3, 'UTC')
    busy_at DateTime64(3, 'UTC')
    ends_age_seconds Float64
    as_of DateTime64(3, 'UTC')
    worker String
    """,
)

TABLES: Final = (AFFILIATE_PANES, TOPIC_PANES, JOURNEYS, REVERSALS, ANSWERS, COMMENTS, DEAD_LETTERS, FRESHNESS)
