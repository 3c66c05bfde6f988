"""What the writer acknowledged is there; what ClickHouse never takes is told apart from what may be tried again."""

from collections.abc import Iterator
from typing import Any

import lz4.frame
import pytest

from schemas.measures import TOPIC_MEASURES
from sinks import writer as writers
from sinks.client import connect
from sinks.errors import RowsRefused, SinkError, SinkRefused, SinkUnavailable
from sinks.migrate import migrate
from sinks.tables import ANSWERS, COMMENTS, FRESHNESS, TOPIC_PANES, pack_row
from sinks.writer import SinkPosition, Writer

WEEK_S = 7 * 86400
A_COMMENT = pack_row((1, "b", "c", "f", "hello", "en", 1))


@pytest.fixture(scope="module")
def url(clickhouse: str) -> str:
    migrate(clickhouse)
    return clickhouse


@pytest.fixture
def writer(url: str) -> Iterator[Writer]:
    found = Writer(url)
    yield found
    found.close()


def position(topic: str, partition: int, report: int, offset: int, *, generation: int = 1) -> tuple[Any, ...]:
    row: dict[str, Any] = dict.fromkeys(FRESHNESS.columns, 0)
    row |= {"generation": generation, "topic": topic, "source_partition": partition, "claim": 4, "report": report}
    row |= {"lag_seconds": 0.0, "ends_age_seconds": 0.0, "worker": "w"}
    row |= {"changelog_offset": offset, "state_version": offset * 2}
    return tuple(row.values())


def test_times_and_nulls_arrive_exactly(url: str, writer: Writer) -> None:
    no_scores, nps_0 = (None, None, None, 0), (0, None, None, 0)
    row = (1, "b", "f", "c", "answered", "sale", "s", "", "", "", None, "", 0, 1_700_000_000_123, *no_scores, 1)
    scored = (1, "b", "g", "c", "answered", "sale", "s", "", "", "NPS", 0, "", 1, 4_102_444_799_999, *nps_0, 1)
    writer.insert(ANSWERS, [pack_row(row), pack_row(scored)])
    found = connect(url).query(
        "SELECT score, toUnixTimestamp64Milli(invited_at), toUnixTimestamp64Milli(answered_at) FROM answers ORDER BY 3"
    )
    assert found.result_rows == [(None, 0, 1_700_000_000_123), (0, 1, 4_102_444_799_999)]


def test_a_backfill_of_years_is_one_insert(url: str, writer: Writer) -> None:
    weeks = 300  # ClickHouse refuses more than 100 partitions a block, unless told otherwise
    counts = [1] * len(TOPIC_MEASURES)
    starts = (1_300_000_000 + n * WEEK_S for n in range(weeks))
    writer.insert(TOPIC_PANES, [pack_row((1, "b", "a", "t", "DONE_RIGHT", start, 0, *counts, 1)) for start in starts])
    assert connect(url).command("SELECT count() FROM topic_panes") == weeks


def test_an_insert_arrives_whole_and_as_one_block(url: str, writer: Writer) -> None:
    rows = [pack_row((1, "many", f"c{n}", "f", "x" * 200, "en", 1)) for n in range(30_000)]
    writer.insert(COMMENTS, rows)
    found = connect(url).query(
        "SELECT count(), uniqExact(customer_id), uniqExact(_part) FROM comments WHERE brand_id = 'many'"
    )
    assert found.result_rows == [(30_000, 30_000, 1)]


def test_what_leaves_the_machine_is_compressed_and_arrives_the_same(
    url: str, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    def compress(block: bytes) -> bytes:
        sent.append(original(block))
        return sent[-1]

    original = lz4.frame.compress
    monkeypatch.setattr(lz4.frame, "compress", compress)
    monkeypatch.setattr(writers, "is_loopback", lambda _: False)
    writer.insert(COMMENTS, [pack_row((1, "packed", f"c{n}", "f", "x" * 200, "en", 1)) for n in range(1_000)])
    found = connect(url).query("SELECT count(), min(comment) FROM comments WHERE brand_id = 'packed'")
    assert found.result_rows == [(1_000, "x" * 200)]
    assert [len(block) < 100_000 for block in sent] == [True]


def test_positions_are_those_of_both_topics_and_of_the_last_report(writer: Writer) -> None:
    writer.report([position("sales", 0, 2, 20), position("feedback", 0, 2, 20), position("sales", 1, 1, 9)])
    writer.report([position("sales", 0, 1, 10), position("feedback", 0, 1, 10)])  # late, hence lost
    writer.report([position(topic, 2, 1, 5, generation=2) for topic in ("sales", "feedback")])  # not in use
    assert writer.positions([0, 1, 2, 7]) == {0: SinkPosition(0, 20, 4, 2, 40)}
    assert writer.positions([]) == {}


def test_a_server_that_is_busy_or_full_may_be_tried_again(writer: Writer, url: str) -> None:
    client = connect(url)
    client.command(
        "ALTER TABLE comments ADD CONSTRAINT busy CHECK throwIf(1, 'no room', 243::Int16) = 0"
    )  # NOT_ENOUGH_SPACE
    try:
        with pytest.raises(SinkUnavailable):
            writer.insert(COMMENTS, [A_COMMENT])
    finally:
        client.command("ALTER TABLE comments DROP CONSTRAINT busy")
    writer.insert(COMMENTS, [A_COMMENT])


@pytest.mark.parametrize(("row", "refusal"), [
    ((1, "b", "c", "f", None, "en", 1), RowsRefused),
    ((1, "b", "c", "f", "hello", "en", "x"), RowsRefused),
    ((1, "b", "c", "f", "hello", "en"), RowsRefused),
    ((1, "b", "c", "f", "hello", "en", 1, 1), RowsRefused),
])  # fmt: skip
def test_values_that_no_table_takes_are_refused(writer: Writer, row: tuple[Any, ...], refusal: type[SinkError]) -> None:
    with pytest.raises(refusal):
        writer.insert(COMMENTS, [pack_row(row)])
    writer.insert(COMMENTS, [A_COMMENT])


def test_a_missing_table_is_refused_with_what_to_type(writer: Writer, url: str) -> None:
    client = connect(url)
    client.command("RENAME TABLE comments TO hidden")
    try:
        with pytest.raises(SinkRefused, match="posventa migrate"):
            writer.insert(COMMENTS, [A_COMMENT])
    finally:
        client.command("RENAME TABLE hidden TO comments")


def test_a_database_that_was_never_made_is_refused_with_what_to_type(writer: Writer, url: str) -> None:
    client = connect(url)
    client.command("RENAME DATABASE posventa TO hidden")
    try:
        with pytest.raises(SinkRefused, match="posventa migrate"):
            Writer(url).positions([0])
    finally:
        connect(url, "default").command("RENAME DATABASE hidden TO posventa")
