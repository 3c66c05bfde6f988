"""A sink position says the truth about what is in ClickHouse, whatever happens in the middle of a flush."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sinks.client import connect
from sinks.errors import SinkRefused, SinkUnavailable
from sinks.migrate import migrate
from sinks.tables import COMMENTS, FRESHNESS, TABLES, Table
from sinks.writer import SinkPosition, Writer
from streams.meta import SOURCES, Applied
from streams.outbox import Mark, Outbox
from streams.rows import KeyedRow
from streams.settings import Settings

PARTITION = 3


class Outage(Writer):
    """The real writer; `on_insert` is called once, before the next insert into a table, and `on_answer` once after it.
    Then the call fails as if ClickHouse had gone away."""

    before: Table | None = None
    after: Table | None = None
    meanwhile: Any = None

    def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if table is self.before:
            self.before = None
            self.meanwhile()
            raise SinkUnavailable("away before the insert")
        super().insert(table, rows)
        if table is self.after:
            self.after = None
            raise SinkUnavailable("away before the answer")


@pytest.fixture
def writer(clickhouse: str) -> Iterator[Outage]:
    migrate(clickhouse)
    _empty(clickhouse)
    found = Outage(clickhouse)
    yield found
    found.close()


def _empty(url: str) -> None:
    client = connect(url)
    for table in TABLES:
        client.command(f"TRUNCATE TABLE {table.name}")
    client.close()


def _comment(feedback: str) -> KeyedRow:
    return COMMENTS, feedback, (1, "b", "c", feedback, "hello", "", 1)


def _mark(changelog_offset: int) -> Mark:
    return Mark(
        PARTITION, 1, changelog_offset, changelog_offset, {topic: Applied(changelog_offset) for topic in SOURCES}
    )


def _position(writer: Writer) -> SinkPosition | None:
    return writer.positions([PARTITION]).get(PARTITION)


def test_a_clickhouse_that_came_back_as_another_one_in_mid_flush_gets_no_position(
    writer: Outage, clickhouse: str
) -> None:
    async def scenario() -> list[str]:
        outbox, moved = Outbox(Settings(), writer, 1, "test"), []
        outbox.open_account(PARTITION, None, lambda: moved.append("moved"))
        outbox.put([_comment("f1")], 10, _mark(10))
        await outbox.flush()
        assert moved == []
        outbox.put([_comment("f2")], 10, _mark(20))
        writer.before, writer.meanwhile = COMMENTS, lambda: _empty(clickhouse)
        await outbox.flush()
        return moved

    assert asyncio.run(scenario()) == ["moved"]
    assert _position(writer) is None


def test_a_report_whose_answer_was_lost_is_our_own(writer: Outage) -> None:
    async def scenario() -> list[str]:
        outbox, moved = Outbox(Settings(), writer, 1, "test"), []
        outbox.open_account(PARTITION, None, lambda: moved.append("moved"))
        outbox.put([_comment("f1")], 10, _mark(10))
        writer.after = FRESHNESS
        await outbox.flush()
        await outbox.flush()
        return moved

    assert asyncio.run(scenario()) == []
    found = _position(writer)
    assert found is not None
    assert found.changelog_offset == 10


def test_after_a_flush_that_failed_for_good_no_position_passes_its_rows(writer: Outage) -> None:
    async def scenario() -> None:
        outbox = Outbox(Settings(), writer, 1, "test")
        outbox.open_account(PARTITION, None, lambda: None)
        outbox.put([(COMMENTS, "f1", (1, "b", "c", "f1", None, "", 1))], 10, _mark(10))
        with pytest.raises(SinkRefused):
            await outbox.flush()
        await outbox.flush()

    asyncio.run(scenario())
    assert _position(writer) is None


def test_rows_of_an_owner_that_let_go_are_sent_and_nothing_is_reported_for_it(writer: Outage, clickhouse: str) -> None:
    async def scenario() -> None:
        outbox = Outbox(Settings(), writer, 1, "test")
        outbox.open_account(PARTITION, None, lambda: None)
        outbox.put([_comment("f1")], 10, _mark(10))
        outbox.close_account(PARTITION)
        await outbox.flush()

    asyncio.run(scenario())
    assert connect(clickhouse).command("SELECT count() FROM comments") == 1
    assert _position(writer) is None
