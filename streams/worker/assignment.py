"""The partitions that this worker owns: one task each, following what the consumer group assigns.

Owns the owners, and who of them is to be brought more. Never processes anything itself, and never waits on behalf of one
owner while another could go on. Invariant: a partition that stays assigned stays open through a rebalance; one that another
worker got is let go of.
"""

import asyncio
from collections.abc import Awaitable, Callable, Set
from functools import partial
from typing import Final

from streams.batches import RecordBatch
from streams.brokers.topics import SOURCES, TopicPartition
from streams.partition.inbox import Waiting
from streams.partition.owner import Owner

# What may wait for all owners together, each topic of each partition having the same share of it: a unit in the making, a
# full one waiting, and what is on its way. A poll that has begun may still bring more than the share.
_POLLS_WAITING_MAX: Final = 4
_BYTES_WAITING_MAX: Final = 64_000_000

Hold = Callable[[Set[TopicPartition]], None]


def _hold_nothing(full: Set[TopicPartition]) -> None:
    """Whoever brings batches may bring more than was asked for."""


class Assignment:
    """`make_owner` makes the owner of a partition; `on_failure` is called when one ends by an error. `hold` is told which
    partitions of which topics have enough waiting, and should be left alone until they are told of no more."""

    def __init__(
        self,
        make_owner: Callable[[int, Callable[[], None]], Owner],
        on_failure: Callable[[BaseException], Awaitable[None]],
        poll_records_max: int,
        let_go_s_max: float,
        hold: Hold = _hold_nothing,
    ) -> None:
        self._make_owner = make_owner
        self._on_failure = on_failure
        self._records_max = poll_records_max * _POLLS_WAITING_MAX
        self._let_go_s_max = let_go_s_max
        self._hold = hold
        self._full: set[TopicPartition] = set()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.owners: dict[int, Owner] = {}

    async def become(self, partitions: set[int]) -> None:
        """Lets go of what is not assigned any more and takes on what is new."""
        await self._let_go(set(self.owners) - partitions)
        for number in sorted(partitions - set(self.owners)):
            self.owners[number] = owner = self._make_owner(number, partial(self._look, number))
            self._tasks[number] = asyncio.create_task(self._run(owner), name=f"owner of partition {number}")
        for number in self.owners:
            self._look(number)

    async def offer(self, batch: RecordBatch) -> None:
        """Hands a batch to its owner. Without an owner it is somebody else's."""
        owner = self.owners.get(batch.partition)
        if owner is not None:
            owner.put(batch)
            self._look(batch.partition)

    async def stop(self) -> None:
        """Lets go of everything."""
        await self._let_go(set(self.owners))

    async def _run(self, owner: Owner) -> None:
        try:
            await owner.run()
        except Exception as error:
            await self._on_failure(error)

    async def _let_go(self, numbers: set[int]) -> None:
        tasks = []
        for number in numbers:
            owner, task = self.owners.pop(number), self._tasks.pop(number)
            owner.stop()
            if not owner.makes_units:
                task.cancel()  # it has nothing to finish, and may read for long
            tasks.append(task)
            self._look(number)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._let_go_s_max)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _look(self, number: int) -> None:
        """Holds back, or lets come again, what is brought for a partition."""
        owner = self.owners.get(number)
        full = {tp for tp in self._full if tp[1] != number}
        if owner is not None:
            full |= {(topic, number) for topic in SOURCES if self._is_enough(owner.waiting(topic))}
        if full != self._full:
            self._full = full
            self._hold(frozenset(full))

    def _is_enough(self, waiting: Waiting) -> bool:
        shares = len(SOURCES) * len(self.owners)
        return waiting.records * shares >= self._records_max or waiting.size_bytes * shares >= _BYTES_WAITING_MAX
