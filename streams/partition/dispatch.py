"""What one claim of a partition sends to ClickHouse: what earlier owners left in the changelog or, of refusals, in their
letters; then unit after unit.

Owns the partition's account in the outbox, and the refusals that the changelog keeps until their rows are in ClickHouse.
Never sends a row that is not committed. Invariant: what was put up to a state is all that the changelog holds below it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from sinks.errors import RowsRefused
from sinks.writer import SinkPosition
from streams.changelog import records
from streams.changelog.reader import ChangelogRecord
from streams.delivery.buffer import Arrivals
from streams.delivery.flush import Reached
from streams.delivery.freshness import Gauge
from streams.delivery.outbox import Account, Outbox
from streams.partition.given_up import GivenUp
from streams.partition.kept_refusals import KeptRefusals
from streams.partition.partition import Claimed
from streams.unit.rows import RowMaker, Rows
from streams.unit.unit import Unit

# Changelog records whose rows are sent again before other partitions have their turn: some milliseconds.
_SENT_IN_A_TURN: Final = 100


class Dispatch:
    """`on_over` is called when this claim is over: `moved` or `refused` tells why."""

    def __init__(
        self, number: int, outbox: Outbox, claimed: Claimed, rows: RowMaker, on_over: Callable[[], None]
    ) -> None:
        self.moved = False  # ClickHouse is not as it was left
        self.refused: RowsRefused | None = None  # it refuses a row of this partition
        self._number = number
        self._outbox = outbox
        self.claimed = claimed
        self._rows = rows
        self._on_over = on_over
        self._kept = KeptRefusals()

    @property
    def is_over(self) -> bool:
        """Whether the partition must be claimed again before more is sent."""
        return self.moved or self.refused is not None

    async def begin(self, found: SinkPosition | None, gauges: dict[str, Gauge], given_up: GivenUp) -> int:
        """Opens the account with the position that was found in ClickHouse, and sends again what it lacks. Returns how many
        rows that are. `gauges` follow the partition from claim to claim. Raises OwnershipLost."""
        offset, version = (found.changelog_offset, found.state_version) if found else (0, 0)
        reached = Reached(self._number, self.claimed.meta.claims, offset, version, {})
        self._outbox.open_account(self._number, Account({found}, self._when_moved, self._when_refused, gauges, reached))
        sent = await self._send(self.claimed.changelog_from(offset))
        if self.claimed.gave_up_refusals_above(offset):
            sent += await self._send(given_up.chunks(self.claimed.meta.applied))
        self._kept.add(self.claimed.changelog_offset, self.claimed.local.keys_of(records.REFUSAL))
        self._outbox.put(self._number, {}, self._reached())
        return sent

    async def _send(self, chunks: AsyncIterator[list[ChangelogRecord]]) -> int:
        """Puts the rows of records. Returns how many that are."""
        sent = 0
        async for chunk in chunks:
            for start in range(0, len(chunk), _SENT_IN_A_TURN):
                await asyncio.sleep(0)
                await self._outbox.room()
                rows: Rows = {}
                for record in chunk[start : start + _SENT_IN_A_TURN]:
                    self._rows.of_record(rows, record.key, record.value, records.pack(record.version))
                sent += sum(map(len, rows.values()))
                self._outbox.put(self._number, rows)
        return sent

    def give_up_refusals(self) -> dict[bytes, bytes | None]:
        """What the next unit changes besides: it deletes the refusals whose rows are in ClickHouse, and notes how far that
        is."""
        account = self._outbox.accounts.get(self._number)
        flushed_offset = account.flushed_offset if account else 0
        given_up: dict[bytes, bytes | None] = dict.fromkeys(self._kept.give_up(flushed_offset))
        return given_up | {records.GIVEN_UP: records.pack(flushed_offset)} if given_up else {}

    def put(self, unit: Unit, arrivals: Arrivals | None = None) -> None:
        """Takes the unit that was committed last, and when its records arrived."""
        self._kept.add(self.claimed.changelog_offset, unit.refusal_keys)
        self._outbox.put(self._number, unit.rows, self._reached(), arrivals)

    def _reached(self) -> Reached:
        meta = self.claimed.meta
        return Reached(self._number, meta.claims, self.claimed.changelog_offset, meta.version, meta.applied)

    def _when_moved(self) -> None:
        self.moved = True
        self._on_over()

    def _when_refused(self, error: RowsRefused) -> None:
        self.refused = error
        self._on_over()
