"""The units of one claim, one after the other: cut, made, committed, dispatched.

Owns their order. Never goes on after a failure: the partition is claimed again. Invariant: one unit at a time; the next sees
all of the last.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from streams.batches import DamagedBatch
from streams.brokers.damage import damaged
from streams.partition.desk import Desk
from streams.partition.dispatch import Dispatch
from streams.partition.failures import Failures
from streams.partition.gaps import Gaps
from streams.partition.inbox import Cut
from streams.partition.shared import Maker, Shared
from streams.unit.unit import TooMuch

log = logging.getLogger(__name__)

_ARRIVED_AT: Final = attrgetter("timestamp")


class Units:
    """`tally` counts records by what became of them."""

    def __init__(
        self, shared: Shared, number: int, desk: Desk, dispatch: Dispatch, maker: Maker, failures: Failures,
        tally: Counter[str],
    ) -> None:  # fmt: skip
        self._shared = shared
        self._number = number
        self._desk = desk
        self._dispatch = dispatch
        self._maker = maker
        self._failures = failures
        self._tally = tally
        self._clock = shared.timing.clock
        self._gaps = Gaps(number, shared.timing, self._clock.monotonic())
        self._stopped_at: dict[str, int] = {}  # by topic: where a batch lay that could not be read
        self._tell_damage_at = 0.0

    async def run(self) -> None:
        """Makes units until the owner is to stop, or the claim is over. Raises OwnershipLost, and whatever a unit fails by."""
        while not self._desk.is_stopping and not self._dispatch.is_over:
            await self._shared.outbox.room()
            await self._desk.until_a_unit_is_due(self._failures.records_max, lambda: self._dispatch.is_over)
            await self._make_unit()

    async def _make_unit(self) -> None:
        cut = self._desk.cut(self._failures.records_max, self._dispatch.claimed.meta.applied)
        self._failures.trying(cut.records)
        try:
            for missing in cut.missing:
                await self._fetch_again(missing.topic, missing.expected, f"delivered from {missing.found}")
            if cut.applied:
                await self._apply(cut)
        except TooMuch:
            self._desk.put_back(cut)
            self._failures.try_fewer()
            return
        except BaseException:
            self._desk.put_back(cut)
            raise
        self._failures.went_on()
        for topic, damage in cut.damaged.items():
            self._stop_at(topic, damage)

    def _stop_at(self, topic: str, damage: DamagedBatch) -> None:
        """Nothing of the topic comes until the batch is mended or given up; it is delivered again and again meanwhile."""
        now = self._clock.monotonic()
        self._stopped_at[topic] = self._dispatch.claimed.meta.applied[topic].offset
        if now >= self._tell_damage_at:
            self._tell_damage_at = now + self._shared.timing.damage_every_s
            log.error(
                "%s; this topic of the partition waits, all others go on", damaged(damage),
                extra={"topic": topic, "partition": self._number, "offset": damage.offset},
            )  # fmt: skip

    def stopped(self) -> set[str]:
        """The topics of which the next batch can't be read."""
        applied = self._dispatch.claimed.meta.applied
        return {topic for topic, offset in self._stopped_at.items() if applied[topic].offset == offset}

    async def _apply(self, cut: Cut) -> None:
        claimed, begun = self._dispatch.claimed, self._clock.monotonic()
        meta = claimed.meta.advanced(cut.applied)
        unit = self._maker.make(claimed.local.get_many, meta.version, cut.records, self._clock.wall_ms())
        if unit.astray:
            await self._shared.reroute(unit.astray)
        unit.changed.update(self._dispatch.give_up_refusals())
        await claimed.commit(unit, meta)
        self._dispatch.put(unit, sorted(map(_ARRIVED_AT, cut.records)))
        now = self._clock.monotonic()
        self._gaps.applied(now)
        self._shared.counts.committed(self._number, len(cut.records), unit, now - begun)
        self._tally.update(
            events=unit.events, refused=len(unit.refusals), rerouted=len(unit.astray), tombstones=unit.tombstones
        )

    async def _fetch_again(self, topic: str, offset: int, found: str) -> None:
        if self._gaps.is_to_be_sought(topic, offset, found, self._clock.monotonic()):
            log.warning(
                "%s[%d]: %s, expected %d: fetching again from there", topic, self._number, found, offset,
                extra={"topic": topic, "partition": self._number, "offset": offset},
            )  # fmt: skip
            await self._shared.seek(topic, self._number, offset)

    async def fetch_what_is_missing(self, fetched: Mapping[str, int]) -> None:
        """Called now and then with the fetch positions: what was fetched but never delivered is fetched again."""
        if self._desk.is_stopping or not self._desk.is_empty:
            return
        applied = self._dispatch.claimed.meta.applied
        for topic, position in self._gaps.never_came(fetched, applied, self._clock.monotonic()):
            await self._fetch_again(topic, applied[topic].offset, f"nothing came up to {position}")
