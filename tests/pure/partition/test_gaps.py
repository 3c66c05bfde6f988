"""A gap in what is delivered is fetched again; one that stays leads to a claim, whose checks tell why."""

import asyncio

import pytest

from streams.batches import RecordBatch
from streams.brokers.topics import FEEDBACK, SALES
from streams.changelog.meta import Applied
from streams.errors import OwnershipLost
from streams.partition.gaps import Gaps
from streams.timing import Timing
from tests.support.doubles import World, doubled, until


async def offer_a_gap_twice(world: World) -> None:
    assignment = world.assignment()
    await assignment.become({0})
    try:
        await until(lambda: world.metas[0].claims == 1)
        for _ in range(2):
            await assignment.offer(RecordBatch(SALES, 0, 100, 101, []))
            await until(lambda: not assignment.owners[0].waiting(SALES).records and world.sought == [(SALES, 0, 0)])
            await asyncio.sleep(0.05)
        await until(lambda: world.metas[0].claims == 2)
    finally:
        await assignment.stop()
    assert world.units == []
    assert world.failed == []


def test_what_does_not_come_although_it_was_sought_is_asked_of_the_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    world = doubled(monkeypatch, timing=Timing(unit_every_s=0.0, seek_again_s=0.0))
    world.sought = []
    asyncio.run(offer_a_gap_twice(world))


TIMING = Timing()
APPLIED = {SALES: Applied(10), FEEDBACK: Applied(20)}


def test_a_gap_is_sought_once_and_what_comes_before_the_seek_took_effect_seeks_nothing() -> None:
    gaps = Gaps(0, TIMING, now=0.0)
    assert gaps.is_to_be_sought(SALES, 10, "delivered from 12", 1.0)
    assert not gaps.is_to_be_sought(SALES, 10, "delivered from 12", 1.0 + TIMING.seek_again_s - 0.1)
    assert gaps.is_to_be_sought(SALES, 13, "delivered from 15", 2.0)
    assert gaps.is_to_be_sought(FEEDBACK, 13, "delivered from 15", 2.0)


def test_what_was_sought_in_vain_ends_the_claim_and_says_what_was_found() -> None:
    gaps = Gaps(3, TIMING, now=0.0)
    assert gaps.is_to_be_sought(SALES, 10, "delivered from 12", 1.0)
    with pytest.raises(OwnershipLost, match=r"posventa\.sales\.v1\[3\]: delivered from 12, although 10 was sought"):
        gaps.is_to_be_sought(SALES, 10, "delivered from 12", 1.0 + TIMING.seek_again_s)


def test_what_was_fetched_and_never_came_is_missed_after_a_while_again_and_again() -> None:
    gaps = Gaps(0, TIMING, now=0.0)
    fetched = {SALES: 11, FEEDBACK: 20}
    assert list(gaps.never_came(fetched, APPLIED, TIMING.missing_s - 0.1)) == []
    for turn in range(1, 4):
        now = turn * TIMING.missing_s
        assert list(gaps.never_came(fetched, APPLIED, now)) == [(SALES, 11)]
        assert gaps.is_to_be_sought(SALES, 10, "nothing came up to 11", now)
        assert list(gaps.never_came(fetched, APPLIED, now + 1)) == []


def test_who_applies_misses_nothing() -> None:
    gaps = Gaps(0, TIMING, now=0.0)
    gaps.applied(5.0)
    assert list(gaps.never_came({SALES: 11}, APPLIED, TIMING.missing_s)) == []
    assert list(gaps.never_came({SALES: 11}, APPLIED, 5.0 + TIMING.missing_s)) == [(SALES, 11)]
    assert list(gaps.never_came({SALES: 10}, APPLIED, 99.0)) == []
