"""A sink position says the truth about what is in ClickHouse, whatever happens in the middle of a flush."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest

from sinks.client import connect
from sinks.errors import SinkRefused, SinkUnavailable
from sinks.migrate import migrate
from sinks.tables import COMMENTS, FRESHNESS, TABLES, Table, pack_row
from sinks.writer import SinkPosition, Writer
from streams.brokers.topics import SOURCES
from streams.changelog.meta import Applied
from streams.delivery.flush import Reached
from streams.delivery.freshness import Gauge
from streams.delivery.outbox import Account, Outbox
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.rows import Rows

PARTITION, OTHER = 3, 5
CUSTOMERS = {PARTITION: "c", OTHER: "o"}


class Outage(Writer):
    """The real writer; `on_insert` is called once, before the next insert into a table, and `on_answer` once after it.
    Then the call fails as if ClickHouse had gone away."""

    before: Table | None = None
    after: Table | None = None
    meanwhile: Any = None

    def insert(self, table: Table, rows: Collection[bytes]) -> None:
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


def _account(
    moved: Callable[[], None] = lambda: None, refused: list[str] | None = None, partition: int = PARTITION
) -> Account:
    told = [] if refused is None else refused
    gauges, reached = {topic: Gauge(0) for topic in SOURCES}, Reached(partition, 1, 0, 0, {})
    return Account({None}, moved, lambda error: told.append(str(error)), gauges, reached)


def _comments(*feedbacks: str, partition: int = PARTITION, version: object = 1) -> Rows:
    return {
        COMMENTS: {name: pack_row((1, "b", CUSTOMERS[partition], name, "hello", "", version)) for name in feedbacks}
    }


def _reached(changelog_offset: int, partition: int = PARTITION) -> Reached:
    applied = {topic: Applied(changelog_offset) for topic in SOURCES}
    return Reached(partition, 1, changelog_offset, changelog_offset, applied)


def _position(writer: Writer) -> SinkPosition | None:
    return writer.positions([PARTITION]).get(PARTITION)


def test_a_clickhouse_that_came_back_as_another_one_in_mid_flush_gets_no_position(
    writer: Outage, clickhouse: str
) -> None:
    async def scenario() -> list[str]:
        outbox, moved = Outbox(Settings(), Timing(), writer, 1, "test"), []
        outbox.open_account(PARTITION, _account(lambda: moved.append("moved")))
        outbox.put(PARTITION, _comments("f1"), _reached(10))
        await outbox.flush()
        assert moved == []
        outbox.put(PARTITION, _comments("f2"), _reached(20))
        writer.before, writer.meanwhile = COMMENTS, lambda: _empty(clickhouse)
        await outbox.flush()
        return moved

    assert asyncio.run(scenario()) == ["moved"]
    assert _position(writer) is None


@pytest.mark.parametrize("found", [None, SinkPosition(PARTITION, 5, 0, 1, 4)])
def test_a_clickhouse_that_lost_what_was_sent_again_before_all_of_it_was_there_gets_no_position(
    writer: Outage, clickhouse: str, found: SinkPosition | None
) -> None:
    def put_back() -> None:
        _empty(clickhouse)
        if found is not None:
            writer.repeat(found, SOURCES, "an earlier owner", 0.0)

    async def scenario() -> list[str]:
        outbox, moved = Outbox(Settings(), Timing(), writer, 1, "test"), []
        account = _account(lambda: moved.append("moved"))
        if found is not None:
            account.left, account.reached = (
                {found},
                Reached(PARTITION, 1, found.changelog_offset, found.state_version, {}),
            )
        outbox.open_account(PARTITION, account)
        outbox.put(PARTITION, _comments("f1"))
        await outbox.flush()
        outbox.put(PARTITION, _comments("f2"))
        await outbox.flush()
        assert moved == []
        put_back()
        outbox.put(PARTITION, _comments("f3"), _reached(10))
        await outbox.flush()
        return moved

    put_back()
    assert asyncio.run(scenario()) == ["moved"]
    assert _position(writer) == found


def test_a_position_repeated_keeps_its_figures_and_is_behind(writer: Outage, clickhouse: str) -> None:
    async def scenario() -> None:
        outbox = Outbox(Settings(), Timing(), writer, 1, "test")
        outbox.open_account(PARTITION, _account())
        outbox.put(PARTITION, {}, _reached(10))
        await outbox.flush()

    asyncio.run(scenario())
    kept = "topic, complete_up_to, lag_records"
    before = connect(clickhouse).query(f"SELECT {kept} FROM freshness FINAL ORDER BY topic").result_rows
    found = _position(writer)
    assert found is not None
    writer.repeat(found._replace(claim=2, report=2 << 32), SOURCES, "the next owner", 0.0)
    assert _position(writer) == found._replace(claim=2, report=2 << 32)
    assert connect(clickhouse).query(f"SELECT {kept} FROM freshness FINAL ORDER BY topic").result_rows == before
    assert connect(clickhouse).command("SELECT DISTINCT status FROM freshness_now WHERE topic != ''") == "behind"


def test_a_report_whose_answer_was_lost_is_our_own(writer: Outage) -> None:
    async def scenario() -> list[str]:
        outbox, moved = Outbox(Settings(), Timing(), writer, 1, "test"), []
        outbox.open_account(PARTITION, _account(lambda: moved.append("moved")))
        outbox.put(PARTITION, _comments("f1"), _reached(10))
        writer.after = FRESHNESS
        await outbox.flush()
        await outbox.flush()
        return moved

    assert asyncio.run(scenario()) == []
    found = _position(writer)
    assert found is not None
    assert found.changelog_offset == 10


def test_a_refused_row_costs_its_partition_the_report_and_no_other(writer: Outage, clickhouse: str) -> None:
    refused: list[str] = []

    async def scenario() -> None:
        outbox = Outbox(Settings(), Timing(), writer, 1, "test")
        for partition in (PARTITION, OTHER):
            outbox.open_account(partition, _account(refused=refused, partition=partition))
        outbox.put(OTHER, _comments(*(f"f{n}" for n in range(9)), partition=OTHER))
        outbox.put(PARTITION, _comments(*(f"g{n}" for n in range(9))))
        outbox.put(PARTITION, _comments("bad", version="no number"), _reached(10))
        outbox.put(OTHER, {}, _reached(20, OTHER))
        await outbox.flush()
        outbox.put(PARTITION, {}, _reached(20))
        await outbox.flush()  # nothing is refused in this one, but what was is missing

    asyncio.run(scenario())
    assert _position(writer) is None
    assert writer.positions([OTHER])[OTHER].changelog_offset == 20
    assert connect(clickhouse).command(f"SELECT count() FROM comments WHERE customer_id = '{CUSTOMERS[OTHER]}'") == 9
    assert len(refused) == 1
    assert "'feedback_id': '<3 characters>'" in refused[0]
    assert "'version': '<9 characters>'" in refused[0]
    assert "'customer_id': '<1 characters>'" in refused[0]


def test_after_a_flush_that_failed_for_good_no_position_passes_its_rows(writer: Outage, clickhouse: str) -> None:
    async def scenario() -> None:
        outbox = Outbox(Settings(), Timing(), writer, 1, "test")
        outbox.open_account(PARTITION, _account())
        outbox.put(PARTITION, _comments("f1"), _reached(10))
        connect(clickhouse).command("RENAME TABLE comments TO away")
        try:
            with pytest.raises(SinkRefused):
                await outbox.flush()
        finally:
            connect(clickhouse).command("RENAME TABLE away TO comments")
        await outbox.flush()

    asyncio.run(scenario())
    assert _position(writer) is None


def test_a_cancelled_outbox_ends_in_whatever_moment_rows_come() -> None:
    async def ends(steps: int) -> bool:
        outbox = Outbox(Settings(), Timing(), Writer("http://127.0.0.1:1"), 1, "test")
        running = asyncio.create_task(outbox.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        outbox.put(PARTITION, _comments("f1"))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        _, pending = await asyncio.wait({running}, timeout=1)
        running.cancel()
        return not pending

    assert [steps for steps in range(4) if not asyncio.run(ends(steps))] == []


def test_rows_of_an_owner_that_let_go_are_sent_and_nothing_is_reported_for_it(writer: Outage, clickhouse: str) -> None:
    async def scenario() -> None:
        outbox = Outbox(Settings(), Timing(), writer, 1, "test")
        outbox.open_account(PARTITION, _account())
        outbox.put(PARTITION, _comments("f1"), _reached(10))
        outbox.close_account(PARTITION)
        await outbox.flush()

    asyncio.run(scenario())
    assert connect(clickhouse).command("SELECT count() FROM comments") == 1
    assert _position(writer) is None
