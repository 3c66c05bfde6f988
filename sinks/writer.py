"""Writes changed rows and sink positions into ClickHouse. One writer, one thread, one connection.

Never reads Kafka and never decides what is written. Invariant: when insert() or report() returns, ClickHouse has the
rows; when it raises, it may have all, some or none of them, and the same call may be made again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import lz4.frame
from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.errors import sink_errors
from sinks.loopback import is_loopback
from sinks.tables import FRESHNESS, Table, pack_row

_INSERT_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "async_insert": 0,  # on by default from 26.3 on; an acknowledgement must mean that the rows are there
        "wait_for_async_insert": 1,  # should a server insist on it
        "input_format_parallel_parsing": 0,  # it would read the bytes twice, to find where rows begin
        "input_format_null_as_default": 0,  # None is a defect where the column takes none
        "max_partitions_per_insert_block": 0,  # a backfill touches years of weeks; the default refuses more than 100
    }
)

_POSITIONS = """
SELECT f.source_partition, min(f.changelog_offset), min(f.claim), min(f.report), min(f.state_version)
FROM freshness AS f FINAL
WHERE f.generation = {generation:UInt32} AND f.source_partition IN {partitions:Array(UInt16)}
GROUP BY f.source_partition
HAVING count() >= 2  -- both source topics: half a position is none
"""

# The same position and figures under another report; zeros where there are none yet. Behind for as long as it stands, and
# stalled when the ends of the log can't be read.
_REPEAT = """
INSERT INTO freshness (generation, topic, source_partition, claim, report, changelog_offset, state_version,
    applied_offset, end_offset, complete_up_to, lag_records, lag_seconds, progress_at, busy_at, ends_age_seconds, as_of,
    worker)
SELECT {generation:UInt32}, t.topic, {partition:UInt16}, {claim:UInt64}, {report:UInt64}, {changelog_offset:UInt64},
    {state_version:UInt64}, f.applied_offset, f.end_offset, f.complete_up_to, f.lag_records,
    dateDiff('millisecond', f.complete_up_to, now64(3)) / 1000, now64(3), now64(3), {ends_age_seconds:Float64}, now64(3),
    {worker:String}
FROM (SELECT arrayJoin({topics:Array(String)}) AS topic) AS t
LEFT JOIN (
    SELECT * FROM freshness FINAL WHERE generation = {generation:UInt32} AND source_partition = {partition:UInt16}
) AS f ON f.topic = t.topic
"""


class SinkPosition(NamedTuple):
    """What ClickHouse holds of a partition, and who said so."""

    partition: int
    changelog_offset: int
    claim: int
    report: int
    state_version: int


class Writer:
    """Absolute rows in, acknowledgement out. Connects when first used; not for several threads.

    Positions are those of `generation`, whichever the views show: a worker of an older one changes nothing of a newer.
    """

    def __init__(self, url: str, generation: int = 1) -> None:
        self._url = url
        self._generation = generation
        self._connected: Client | None = None

    def insert(self, table: Table, rows: Collection[bytes]) -> None:
        """Inserts rows, each as pack_row() has it, with one value per column of `table`. Raises SinkError.

        As one block, hence all or none, up to ClickHouse's max_insert_block_size (about a million).
        """
        if not rows:
            return
        block, compression = b"".join(rows), None
        if not is_loopback(self._url):  # on this machine it does not pay
            block, compression = lz4.frame.compress(block), "lz4"
        with sink_errors(f"inserting into {table.name}"):
            self._client.raw_insert(
                table.name, table.columns, block, dict(_INSERT_SETTINGS), fmt="MsgPack", compression=compression
            )

    def report(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Replaces freshness and sink position of the partitions in `rows` (values of FRESHNESS), all or none."""
        self.insert(FRESHNESS, [pack_row(row) for row in rows])

    def repeat(self, position: SinkPosition, topics: Sequence[str], worker: str, ends_age_seconds: float) -> None:
        """Reports a position that ClickHouse has, or none, as zeros: nothing is new but who says it, when, and how long ago
        it learnt where the logs end."""
        parameters = position._asdict() | {
            "generation": self._generation, "topics": list(topics), "worker": worker,
            "ends_age_seconds": ends_age_seconds,
        }  # fmt: skip
        with sink_errors(f"inserting into {FRESHNESS.name}"):
            self._client.command(_REPEAT, parameters=parameters)

    def positions(self, partitions: Collection[int]) -> dict[int, SinkPosition]:
        """The sink positions. A partition that was never reported is not in the answer."""
        with sink_errors("reading the sink positions"):
            found = self._client.query(
                _POSITIONS, parameters={"generation": self._generation, "partitions": sorted(partitions)}
            )
        return {row[0]: SinkPosition(*row) for row in found.result_rows}

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    @property
    def _client(self) -> Client:
        if self._connected is None:
            self._connected = connect(self._url)
        return self._connected
