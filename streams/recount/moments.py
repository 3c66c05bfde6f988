"""Up to where the numbers are looked at while the stream goes on: the positions that ClickHouse itself reports.

A row whose version is at most that of its partition's position, read before the row, is what it was at that position: whatever
changes it later has a greater version. Rows that have moved on are asked for again later. So each row is compared at
a moment of its own, and an event belongs to the first moment that holds it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors
from streams.brokers.topics import SOURCES

_POSITIONS: Final = """
SELECT f.source_partition, f.topic, f.applied_offset, f.state_version, toUnixTimestamp64Milli(f.complete_up_to)
FROM freshness AS f FINAL
WHERE f.generation = {generation:UInt32}
"""


class Position(NamedTuple):
    """How far a partition is in ClickHouse."""

    version: int
    applied: tuple[int, ...]  # the next offset of each of SOURCES
    complete_up_to_ms: int


Moment = Mapping[int, Position]  # by partition


def read_moment(client: Client, generation: int) -> Moment:
    """The positions as they are reported now. Partitions of which nobody reported both topics are not in it."""
    with sink_errors("reading the positions"):
        rows = client.query(_POSITIONS, parameters={"generation": generation}).result_rows
    found: dict[int, dict[str, tuple[int, int, int]]] = {}
    for partition, topic, applied, version, complete_up_to in rows:
        found.setdefault(partition, {})[topic] = applied, version, complete_up_to
    return {
        partition: Position(
            min(version for _, version, _ in own.values()),
            tuple(own[topic][0] for topic in SOURCES),
            min(complete_up_to for *_, complete_up_to in own.values()),
        )
        for partition, own in sorted(found.items())
        if len(own) == len(SOURCES)
    }


def holding(moments: Sequence[Moment], partition: int, source: int, offset: int) -> int:
    """The first moment that holds a record of SOURCES[source]; len(moments) when none does."""
    for number, moment in enumerate(moments):
        position = moment.get(partition)
        if position is not None and offset < position.applied[source]:
            return number
    return len(moments)
