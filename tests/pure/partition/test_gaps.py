"""A gap in what is delivered is fetched again; one that stays leads to a claim, whose checks tell why."""

import asyncio

import pytest

from streams.batches import RecordBatch
from streams.brokers.topics import SALES
from streams.partition import owner as owners
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
    world = doubled(monkeypatch)
    world.sought = []
    monkeypatch.setattr(owners, "_SEEK_AGAIN_S", 0.0)
    asyncio.run(offer_a_gap_twice(world))
