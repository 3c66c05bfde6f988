"""Everything that a run leaves behind, in a form in which equal is equal byte for byte.

Owns what is compared and, in the comments below, what is not and why. Never judges how it came about.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

from schemas.errors import FromTheFuture
from schemas.measures import MEASURES, TOPIC_MEASURES
from sinks.tables import AFFILIATE_PANES, ANSWERS, COMMENTS, DEAD_LETTERS, FRESHNESS, JOURNEYS, REVERSALS, TOPIC_PANES
from streams.brokers import topics
from streams.changelog import meta as metas
from streams.changelog import records
from tests.faults.inputs import NEWEST
from tests.support import plain_http
from tests.support.changelog import unpack_key, unpack_refusal
from tests.support.engines import read_all

# All that is compared is of the generation in use, whichever that is.
IN_USE: Final = "generation = (SELECT greatest(1, max(g.generation)) FROM generations AS g)"
# version, refused_at, as_of: what the issue leaves out. A version is a sum of offsets, and those of records that were
# published again where they belong depend on when.
_LEFT_OUT: Final = {"generation", "version", "refused_at", "as_of"}
# A pane that rose and fell within one unit is never written; over two units it is written as zero. The same of comments that
# were taken back. So the empty ones count as absent.
_TABLES: Final = {
    AFFILIATE_PANES: f" AND ({' OR '.join(f'{measure} != 0' for measure in AFFILIATE_PANES.columns[6:-1])})",
    TOPIC_PANES: " AND answers != 0",
    JOURNEYS: "",
    REVERSALS: "",
    ANSWERS: "",
    COMMENTS: " AND (comment != '' OR language != '')",
    DEAD_LETTERS: "",
}
_AT: Final = f"{datetime.fromtimestamp(NEWEST / 1000, UTC):%Y-%m-%d %H:%M:%S}"
_VIEWS: Final = (
    "affiliate_series", "affiliate_daily", "journey", "reversal", f"affiliate_rolling_at(at = '{_AT}')",
    f"affiliate_topics_at(at = '{_AT}')", f"affiliate_change_at(at = '{_AT}')", f"affiliate_campaigns_at(at = '{_AT}')",
    "topic_daily", "finding", "comment", "word_of_mouth",
)  # fmt: skip
_EMPTY: Final = (
    None,
    records.pack([0] * len(MEASURES)),
    records.pack([0] * len(TOPIC_MEASURES)),
    records.pack(("", "")),
)
# Its text says how far ahead of the broker's clock it was.
_TELLS_THE_TIME: Final = FromTheFuture.reason


_AT_THE_END: Final = "at the end"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Each field counts the lines of one kind, so that a line too many is a difference as well as one missing."""

    tables: Counter[str]  # the base tables, merged
    views: Counter[str]
    letters: Counter[str]  # the records of the dead-letter topic
    changelog: Counter[str]  # the final value of each key
    refusals: Counter[str]  # refusals in the changelog, also those that were deleted since their rows are in ClickHouse
    meta: Counter[str]  # META: the ground and how far each source was applied
    position: Counter[str]  # where ClickHouse says it is, against the end of the changelog

    @property
    def reported(self) -> bool:
        """Whether every position is the changelog's end."""
        return all(line.endswith(_AT_THE_END) for line in self.position)


def differences(found: Snapshot, expected: Snapshot) -> list[str]:
    """What `found` has too much or lacks, by field; empty when both are equal."""
    told = []
    for name in (field.name for field in fields(Snapshot)):
        ours, theirs = getattr(found, name), getattr(expected, name)
        told += [f"{name}: too much: {line}" for line in sorted((ours - theirs).elements())]
        told += [f"{name}: missing: {line}" for line in sorted((theirs - ours).elements())]
    return told


def snapshot(clickhouse: str, bootstrap: str, published: dict[tuple[str, int], int]) -> Snapshot:
    """Taken when everything is applied. `published` is how far the input reaches, by topic and partition."""
    generation = int(json.loads(ask(clickhouse, "SELECT greatest(1, max(generation)) FROM generations")[0])[0])
    state = read_all(bootstrap, topics.Names(generation).changelog)
    return Snapshot(
        tables=Counter(_table_lines(clickhouse)),
        views=Counter(_view_lines(clickhouse)),
        letters=Counter(map(_letter, read_all(bootstrap, topics.DEAD_LETTERS))),
        changelog=Counter(_final_values(state)),
        refusals=Counter(_refusals(state)),
        meta=Counter(_metas(state, published)),
        position=Counter(_positions(clickhouse, state)),
    )


def ask(clickhouse: str, sql: str) -> list[str]:
    """The lines that ClickHouse answers in database posventa. Raises OSError when it refuses or is away."""
    told = plain_http.ask(clickhouse, sql, {"database": "posventa", "default_format": "JSONCompactEachRow"})
    if told.status != 200:
        raise OSError(told.body.decode())
    return [line.decode() for line in told.body.splitlines()]


def _table_lines(clickhouse: str) -> Iterator[str]:
    for table, condition in _TABLES.items():
        columns = [column for column in table.columns if column not in _LEFT_OUT]
        if table is DEAD_LETTERS:
            columns[columns.index("detail")] = f"if(reason = '{_TELLS_THE_TIME}', '', detail)"
        for line in ask(clickhouse, f"SELECT {', '.join(columns)} FROM {table.name} FINAL WHERE {IN_USE}{condition}"):
            yield f"{table.name} {_unmarked(line)}"


def _view_lines(clickhouse: str) -> Iterator[str]:
    for view in _VIEWS:
        for line in ask(clickhouse, f"SELECT * FROM {view}"):
            yield f"{view} {line}"


def _letter(record: Any) -> str:
    headers = dict(record.headers)
    del headers["refused-at"]
    if headers["reason"].decode() == _TELLS_THE_TIME:
        del headers["detail"]
    return f"[{record.partition}] {record.key!r} {record.value!r} {_unmarked(str(sorted(headers.items())))}"


def _unmarked(line: str) -> str:
    """Marks are made with the topics' ids, which are others in each run."""
    return re.sub(r"#[0-9a-f]{32}", "#", line)


def _final_values(state: list[Any]) -> Iterator[str]:
    final = {(record.partition, record.key): record.value for record in state}
    for (number, key), value in final.items():
        if key[:1] not in (records.META, records.REFUSAL) and value not in _EMPTY:
            yield f"[{number}] {key!r} {value!r}"


def _refusals(state: list[Any]) -> set[str]:
    """Also those deleted since, as their rows are in ClickHouse: with which unit they are depends on when."""
    return {
        _unmarked(f"[{record.partition}] {unpack_key(record.key)} {letter.reason} {detail!r} {letter.record_key!r}")
        for record in state
        if record.key[:1] == records.REFUSAL and record.value is not None
        for letter in [unpack_refusal(record.value)]
        for detail in ["" if letter.reason == _TELLS_THE_TIME else letter.detail]
    }


def _metas(state: list[Any], published: dict[tuple[str, int], int]) -> Iterator[str]:
    """Without claims, which count the owners; topic ids and broker times, which are of one run; and, of the offsets
    applied, what lies beyond the input: records published again where they belong, twice when a crash comes between."""
    for number, value in {r.partition: r.value for r in state if r.key == records.META}.items():
        meta = metas.decode(value)
        ground = {name: of for name, of in asdict(meta.ground).items() if not name.endswith("topic_id")}
        applied = {topic: min(at.offset, published[topic, number]) for topic, at in meta.applied.items()}
        yield f"[{number}] {ground} {applied}"


def _positions(clickhouse: str, state: list[Any]) -> Iterator[str]:
    """Per topic and partition: whether ClickHouse says that it has all of the changelog. META has no rows: an owner of a
    moment may have claimed, and let go before it reported."""
    ends = {record.partition: record.offset + 1 for record in state if record.key != records.META}
    sql = f"SELECT toUInt32(source_partition), toString(changelog_offset) FROM {FRESHNESS.name} FINAL WHERE {IN_USE}"
    for number, offset in map(json.loads, ask(clickhouse, sql)):
        yield f"[{number}] {_AT_THE_END if int(offset) >= ends[number] else f'{offset} of {ends[number]}'}"
