"""Flushes adapt: at once after a quiet time, then every flush_ms, and earlier when the buffer is full."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

from sinks.tables import COMMENTS, Table, pack_row
from streams.delivery.outbox import Outbox
from streams.settings import Settings
from streams.timing import Timing
from tests.support.doubles import NoClickHouse, until

FLUSH_MS = 2_000


class Clocked(NoClickHouse):
    """Notes when rows came, and how many."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[tuple[float, int]] = []

    def insert(self, table: Table, rows: Collection[bytes]) -> None:
        """Takes rows."""
        if rows and table is COMMENTS:
            self.came.append((time.monotonic(), len(rows)))


def flushed(steps: Callable[[Outbox, Clocked], Any], **settings: Any) -> Clocked:
    """Runs an outbox while the steps are taken."""
    writer = Clocked()

    async def scenario() -> None:
        outbox = Outbox(Settings(flush_ms=FLUSH_MS, **settings), Timing(), writer, 1, "test")
        running = asyncio.create_task(outbox.run())
        await steps(outbox, writer)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    return writer


def put(outbox: Outbox, first: int, count: int) -> float:
    """Puts rows of different keys; returns when."""
    rows = range(first, first + count)
    outbox.put(0, {COMMENTS: {n: pack_row((1, "b", "c", str(n), "", "", 1)) for n in rows}})
    return time.monotonic()


def test_after_a_quiet_time_the_first_row_goes_at_once_and_the_next_ones_together() -> None:
    begun: list[float] = []

    async def steps(outbox: Outbox, writer: Clocked) -> None:
        begun.append(put(outbox, 0, 1))
        await until(lambda: len(writer.came) == 1)
        put(outbox, 1, 1)
        put(outbox, 2, 1)
        await until(lambda: len(writer.came) == 2)

    (first, one), (second, two) = flushed(steps).came
    assert (one, two) == (1, 2)
    assert first - begun[0] < FLUSH_MS / 1000 / 2
    assert second - first > FLUSH_MS / 1000 / 2


def test_a_full_buffer_does_not_wait() -> None:
    begun: list[float] = []

    async def steps(outbox: Outbox, writer: Clocked) -> None:
        put(outbox, 0, 1)
        await until(lambda: len(writer.came) == 1)
        begun.append(put(outbox, 1, 10))
        await until(lambda: len(writer.came) == 2)

    writer = flushed(steps, flush_rows=10)
    assert writer.came[1][1] == 10
    assert writer.came[1][0] - begun[0] < FLUSH_MS / 1000 / 2
