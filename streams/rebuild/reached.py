"""How far a new generation is, as ClickHouse tells: the sum of the offsets that are in it, against what must be.

Owns the questions. Changes nothing.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors
from sinks.generations import Offsets
from streams.brokers.topics import SOURCES
from streams.generations.logs import SourceLayout

_VERSIONS: Final = """
SELECT f.source_partition, min(f.state_version)
FROM freshness AS f FINAL
WHERE f.generation = {generation:UInt32}
GROUP BY f.source_partition
HAVING count() >= 2  -- both source topics
"""
_APPLIED: Final = """
SELECT f.topic, f.source_partition, f.applied_offset
FROM freshness AS f FINAL
WHERE f.generation = {generation:UInt32}
"""
_SILENT_FOR: Final = """
SELECT dateDiff('millisecond', max(f.as_of), now64(3)) / 1000, argMax(f.worker, f.as_of)
FROM freshness AS f FINAL
WHERE f.generation = {generation:UInt32}
HAVING count() > 0
"""


class HowFar(NamedTuple):
    """Records that are in, of how many."""

    done: int
    of: int


def offsets_in(client: Client, generation: int) -> dict[tuple[str, int], int]:
    """How far a generation is in ClickHouse, by topic and partition. Raises SinkError."""
    with sink_errors("reading how far a generation has come"):
        rows = client.query(_APPLIED, parameters={"generation": generation}).result_rows
    return {(topic, partition): offset for topic, partition, offset in rows}


def versions_in(client: Client, generation: int) -> dict[int, int]:
    """The versions of its partitions' states, as far as ClickHouse has them whole. Raises SinkError."""
    with sink_errors("reading how far the new generation is"):
        rows = client.query(_VERSIONS, parameters={"generation": generation}).result_rows
    return dict(map(tuple, rows))


def silent_for(client: Client, generation: int) -> tuple[float, str] | None:
    """Seconds since anybody reported for a generation, and who that was; None when nobody ever did. Raises SinkError."""
    with sink_errors("asking who builds the new generation"):
        rows = client.query(_SILENT_FOR, parameters={"generation": generation}).result_rows
    return (float(rows[0][0]), str(rows[0][1])) if rows else None


def needed(layout: SourceLayout, limits: Mapping[tuple[str, int], int]) -> dict[int, int]:
    """The version that each partition's state has when all below the limits is in it."""
    found = {}
    for number in range(layout.partitions):
        spans = layout.spans(number)
        taken = sum(sum(span.ends) for span in spans if span.ends is not None)
        found[number] = taken + sum(limits.get((topic, spans[-1].log), 0) for topic in SOURCES)
    return found


def how_far(found: Mapping[int, int], wanted: Mapping[int, int]) -> HowFar:
    """All partitions together."""
    return HowFar(sum(min(found.get(number, 0), of) for number, of in wanted.items()), sum(wanted.values()))


def by_log(offsets: Offsets) -> dict[tuple[str, int], int]:
    """By topic and partition."""
    return {(topic, log): offset for topic, found in offsets.items() for log, offset in enumerate(found)}
