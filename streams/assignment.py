"""The partitions that this worker owns: one task each, following what the consumer group assigns.

Owns the owners. Never processes anything itself. Invariant: a partition that stays assigned stays open through a
rebalance; one that another worker got is let go of.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from streams.batches import RecordBatch
from streams.owner import Owner

# Longest that a unit in the making may hold up letting go of a partition; the new owner's claim fences it anyway. Far less
# than a session: Kafka's client does not heartbeat while a new assignment is taken on.
_STOP_S_MAX: Final = 2.0
# Records that may wait for their owners, in polls: one being processed, one waiting, over all partitions.
_POLLS_WAITING_MAX: Final = 2


class Assignment:
    """`make_owner` makes the owner of a partition; `on_failure` is called when one ends by an error."""

    def __init__(
        self,
        make_owner: Callable[[int, Callable[[int], None]], Owner],
        on_failure: Callable[[BaseException], Awaitable[None]],
        poll_records_max: int,
    ) -> None:
        self._make_owner = make_owner
        self._on_failure = on_failure
        self._waiting_max = poll_records_max * _POLLS_WAITING_MAX
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.owners: dict[int, Owner] = {}

    async def become(self, partitions: set[int]) -> None:
        """Lets go of what is not assigned any more and takes on what is new."""
        await self._let_go(set(self.owners) - partitions)
        for number in sorted(partitions - set(self.owners)):
            self.owners[number] = owner = self._make_owner(number, self._taken)
            self._tasks[number] = asyncio.create_task(self._run(owner), name=f"owner of partition {number}")

    async def offer(self, batch: RecordBatch) -> None:
        """Hands a batch to its owner; waits while too many records wait. Without an owner it is somebody else's."""
        await self._room.wait()
        owner = self.owners.get(batch.partition)
        if owner is not None:
            self._count(len(batch))
            owner.put(batch)

    async def stop(self) -> None:
        """Lets go of everything."""
        await self._let_go(set(self.owners))

    async def _run(self, owner: Owner) -> None:
        try:
            await owner.run()
        except Exception as error:
            await self._on_failure(error)

    async def _let_go(self, numbers: set[int]) -> None:
        for number in numbers:
            self.owners.pop(number).stop()
        tasks = [self._tasks.pop(number) for number in numbers]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_S_MAX)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _taken(self, records: int) -> None:
        self._count(-records)

    def _count(self, records: int) -> None:
        self._waiting += records
        if self._waiting < self._waiting_max:
            self._room.set()
        else:
            self._room.clear()
