"""Nobody waits for another partition: not for its claim, not for its load, not for its poison."""

import asyncio
import logging
from collections.abc import Collection

import pytest

from sinks.errors import RowsRefused
from sinks.tables import DEAD_LETTERS, Table, pack_row, unpack_row
from streams.brokers.topics import FEEDBACK, SALES, SOURCES
from streams.changelog import records
from streams.changelog.reader import ChangelogRecord
from streams.errors import OwnershipLost
from streams.partition.failures import Failures
from streams.timing import Clock, Timing
from streams.unit.unit import TooMuch
from tests.support.doubles import PATIENCE_S, Feed, NoClickHouse, doubled, until

BUSY, QUIET = 0, 1


def test_a_long_claim_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch, poll_records_max=10), Feed()
        assignment = world.assignment()
        world.claiming[BUSY] = asyncio.Event()
        await assignment.become({BUSY, QUIET})
        brought = 1000
        async with asyncio.timeout(10):
            for _ in range(10):
                await assignment.offer(feed.batch(BUSY, 10))
            for _ in range(brought // 10):
                await assignment.offer(feed.batch(QUIET, 10))
                await asyncio.sleep(0)
        await until(lambda: world.done(QUIET) == brought)
        assert world.done(BUSY) == 0
        assert (SALES, BUSY) in world.held
        assert (FEEDBACK, BUSY) not in world.held
        world.claiming[BUSY].set()
        await until(lambda: not world.held)
        await assignment.stop()
        assert world.failed == []

    asyncio.run(scenario())


def test_what_is_too_much_for_a_unit_is_made_in_halves_under_the_same_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 3

    def make(tried: Collection[object]) -> None:
        if len(tried) > most:
            raise TooMuch

    async def scenario() -> None:
        world, feed = doubled(monkeypatch), Feed()
        world.make = make
        assignment = world.assignment()
        await assignment.become({BUSY})
        for topic in SOURCES:
            await assignment.offer(feed.batch(BUSY, 50, topic))
        await until(lambda: world.done(BUSY) == 50 * len(SOURCES))
        assert max(len(unit) for _, unit in world.units) <= most
        for topic in SOURCES:
            offsets = [record.offset for _, unit in world.units for record in unit if record.topic == topic]
            assert offsets == list(range(50))
        assert world.metas[BUSY].claims == 1
        await assignment.stop()
        assert world.failed == []

    asyncio.run(scenario())


def test_letting_go_does_not_wait_for_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch), Feed()
        assignment = world.assignment()
        world.claiming[BUSY] = asyncio.Event()
        await assignment.become({BUSY, QUIET})
        await assignment.offer(feed.batch(QUIET, 1))
        await until(lambda: world.done(QUIET) == 1)
        async with asyncio.timeout(world.timing.let_go_s_max / 2):
            await assignment.become({QUIET})
        world.claiming[BUSY].set()
        await asyncio.sleep(0.01)
        assert world.metas[BUSY].claims == 0
        await assignment.stop()
        assert world.failed == []

    asyncio.run(scenario())


def test_nobody_waits_while_much_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch), Feed()
        topics = (records.pack_key(records.TOPIC, ("b", "a", "t", "DONE_RIGHT", n)) for n in range(100_000))
        world.changelogs[BUSY] = [ChangelogRecord(key, records.pack([1, 1, 0, 0, 0, 0]), 1) for key in topics]
        assignment = world.assignment()
        await assignment.become({QUIET})
        await assignment.become({BUSY, QUIET})
        await assignment.offer(feed.batch(BUSY, 1))
        brought = 0
        while world.done(BUSY) == 0:
            await assignment.offer(feed.batch(QUIET, 1))
            brought += 1
            await until(lambda brought=brought: world.done(QUIET) == brought)  # type: ignore[misc]
        assert brought > 20
        await assignment.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(("count", "size_bytes"), [(100, 1), (1, 1_000_000)])
def test_what_waits_is_bounded_in_records_and_bytes(
    monkeypatch: pytest.MonkeyPatch, count: int, size_bytes: int
) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch, poll_records_max=1000), Feed()
        assignment = world.assignment()
        world.claiming[BUSY] = asyncio.Event()
        await assignment.become({BUSY})
        for _ in range(64):
            if (SALES, BUSY) in world.held:
                break
            await assignment.offer(feed.batch(BUSY, count, size_bytes=size_bytes))
        assert (SALES, BUSY) in world.held
        await assignment.stop()
        assert not world.held

    asyncio.run(scenario())


def test_a_quiet_partition_waits_for_two_units_of_a_busy_one_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch, poll_records_max=1000, unit_records_max=100), Feed()
        assignment = world.assignment()
        await assignment.become({BUSY, QUIET})
        await assignment.offer(feed.batch(BUSY, 100_000))
        await until(lambda: len(world.units) > 2)
        for topic in SOURCES:
            before = len(world.units)
            await assignment.offer(feed.batch(QUIET, 1, topic))
            await until(lambda: bool(world.units) and any(number == QUIET for number, _ in world.units))
            later = [number for number, _ in world.units[before:]]
            assert later.index(QUIET) <= 2
            assert world.done(BUSY) < 100_000
            world.units = [unit for unit in world.units if unit[0] == BUSY]
        await assignment.stop()

    asyncio.run(scenario())


def test_one_topic_of_a_partition_does_not_wait_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch, poll_records_max=1000, unit_records_max=100), Feed()
        assignment = world.assignment()
        world.claiming[BUSY] = asyncio.Event()
        await assignment.become({BUSY})
        for _ in range(50):
            await assignment.offer(feed.batch(BUSY, 60))
        await assignment.offer(feed.batch(BUSY, 1, FEEDBACK))
        world.claiming[BUSY].set()
        await until(lambda: world.done(BUSY) == 3001)
        assert any(record.topic == FEEDBACK for record in world.units[0][1])
        await assignment.stop()

    asyncio.run(scenario())


def test_units_are_small_when_idle_and_as_large_as_they_may_be_when_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch, poll_records_max=1000, unit_records_max=500), Feed()
        assignment = world.assignment()
        await assignment.become({BUSY})
        for count in range(1, 4):
            await assignment.offer(feed.batch(BUSY, 1))
            await until(lambda count=count: len(world.units) == count)  # type: ignore[misc]
        for _ in range(20):
            await assignment.offer(feed.batch(BUSY, 130))
        await until(lambda: world.done(BUSY) == 2603)
        assert [len(batch) for _, batch in world.units] == [1, 1, 1, 500, 500, 500, 500, 500, 100]
        await assignment.stop()

    asyncio.run(scenario())


def test_what_trickles_in_is_gathered_but_the_first_and_a_lot_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        as_good_as_never = Timing(unit_every_s=PATIENCE_S * 10)
        world, feed = doubled(monkeypatch, timing=as_good_as_never, unit_records_max=80), Feed()
        assignment = world.assignment()
        await assignment.become({QUIET})
        await assignment.offer(feed.batch(QUIET, 1))
        await until(lambda: world.done(QUIET) == 1)
        for count in (4, 5, 1):
            assert world.done(QUIET) == 1
            await assignment.offer(feed.batch(QUIET, count))
            await asyncio.sleep(0.01)
        await until(lambda: world.done(QUIET) == 11)
        await assignment.stop()
        assert [len(batch) for _, batch in world.units] == [1, 10]
        assert world.failed == []

    asyncio.run(scenario())


def test_a_poison_record_is_named_again_and_again_while_all_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    poison = 700

    async def scenario() -> None:
        soon = Timing(unit_every_s=0.0, claim_again_s_first=0.001, claim_again_s_max=0.002)
        world, feed = doubled(monkeypatch, timing=soon, poll_records_max=1000, unit_records_max=1000), Feed()

        def make(batch: list[object]) -> None:
            if any((r.partition, r.offset) == (BUSY, poison) for r in batch):  # type: ignore[attr-defined]
                raise ZeroDivisionError("a defect")

        world.make = make
        assignment = world.assignment()
        await assignment.become({BUSY, QUIET})
        await assignment.offer(feed.batch(BUSY, 1000))
        await until(lambda: sum(f"offset {poison}" in r.getMessage() for r in caplog.records) > 3)
        assert world.done(BUSY) == poison  # everything before it counts
        await assignment.offer(feed.batch(QUIET, 1000))
        await until(lambda: world.done(QUIET) == 1000)
        world.make = lambda batch: None  # mended
        await until(lambda: world.done(BUSY) == 1000)
        assert [r.offset for n, batch in world.units if n == BUSY for r in batch] == list(range(1000))
        await assignment.stop()
        assert world.failed == []

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    told = next(r.getMessage() for r in caplog.records if f"offset {poison}" in r.getMessage())
    assert f"{SALES}[{BUSY}]" in told
    assert "ZeroDivisionError('a defect')" in told
    assert any(r.exc_info for r in caplog.records)


class Refusing(NoClickHouse):
    """Takes no row of BUSY, and knows no positions."""

    def insert(self, table: Table, rows: Collection[bytes]) -> None:
        """Takes rows."""
        if table is DEAD_LETTERS and any(unpack_row(row)[2] == BUSY for row in rows):
            raise RowsRefused("too much")


def test_a_row_that_clickhouse_refuses_costs_its_own_partition_a_claim(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        world, feed = doubled(monkeypatch, Refusing()), Feed()
        world.rows = lambda number, unit: {
            DEAD_LETTERS: {(number, r.offset): pack_row((1, SALES, number, r.offset, "", "", "", 0, 1)) for r in unit}
        }
        assignment = world.assignment()
        await assignment.become({BUSY, QUIET})
        for number in (BUSY, QUIET):
            await assignment.offer(feed.batch(number, 10))
        await until(lambda: world.done(BUSY) + world.done(QUIET) == 20)
        await world.outbox.flush()
        await until(lambda: world.metas[BUSY].claims == 2)
        assert world.metas[QUIET].claims == 1
        assert world.outbox.accounts[QUIET].flushed_offset == world.outbox.accounts[QUIET].reached.changelog_offset
        await assignment.stop()
        assert world.failed == []

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert "partition 0" in caplog.text
    assert "'source_offset'" in caplog.text


def test_a_record_that_kafka_does_not_take_is_blamed_and_kafka_being_away_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = Failures(3, 100, Timing(Clock(monotonic=lambda: 0.0)))
    record = Feed().batch(3, 1)[0]
    with caplog.at_level(logging.WARNING):
        waits = []
        for _ in range(8):
            failures.claiming()
            failures.trying([record])
            waits.append(failures.failed(OwnershipLost("a commit failed")))
    blamed = [f"offset {record.offset}" in r.getMessage() for r in caplog.records]
    assert blamed == [False] * 4 + [True] * 4
    assert waits == sorted(waits)
    assert max(waits) == 10.0
