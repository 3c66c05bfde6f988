"""The owner of one partition: claims it, sends again what ClickHouse lacks, then turns batches into units.

Owns the partition, claim after claim. Never ends for a record, nor for a row that ClickHouse refuses: after a failure the
partition is claimed again, and other partitions go on. Invariant: one claim at a time, and nothing outside of one.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping

from sinks.errors import SinkRefused
from streams.batches import RecordBatch
from streams.brokers.admission import refused_or
from streams.brokers.topics import SOURCES
from streams.changelog.local_copy import CopySize
from streams.delivery.freshness import Gauge
from streams.domain.rules import Rules
from streams.errors import Misuse, NotAdmitted, StateRefused
from streams.partition.cluster import Cluster
from streams.partition.desk import Desk
from streams.partition.dispatch import Dispatch
from streams.partition.failures import Failures
from streams.partition.inbox import Waiting
from streams.partition.partition import Partition
from streams.partition.shared import Maker, Shared
from streams.partition.units import Units
from streams.unit.marks import marker
from streams.unit.rows import RowMaker
from streams.unit.unit import UnitMaker

log = logging.getLogger(__name__)


class Owner:
    """Owns from run() to stop(). Batches are handed in by put(), in the order of their offsets per topic; `on_cut` is called
    when fewer wait than before."""

    def __init__(self, shared: Shared, number: int, on_cut: Callable[[], None]) -> None:
        settings, timing = shared.settings, shared.timing
        self.tally: Counter[str] = Counter()  # records since the start, by what became of them
        self._shared = shared
        self._number = number
        self._rules = Rules(settings.pane, settings.attribution_window * 1000, settings.customer_events_max)
        self._rows = RowMaker(shared.outbox.generation, number, self._rules)
        self._gauges = {topic: Gauge(timing.clock.wall_ms()) for topic in SOURCES}
        self._desk = Desk(timing, on_cut)
        self._failures = Failures(number, settings.unit_records_max, timing)
        self._units: Units | None = None  # while it has any to make
        self._partition: Partition | None = None  # while it is claimed, or being claimed

    @property
    def makes_units(self) -> bool:
        """Whether the partition is claimed, and what ClickHouse lacked sent again."""
        return self._units is not None

    def state_size(self) -> CopySize | None:
        """What the local copy holds; None while there is none."""
        return self._partition.state_size() if self._partition is not None else None

    def recovery_remaining(self) -> int | None:
        """The offsets of the changelog that are still to be read until the state is whole; None while that is not known."""
        return self._partition.recovery_remaining if self._partition is not None else None

    def stopped(self) -> set[str]:
        """The topics of which the next batch can't be read: nobody is stuck who waits for those."""
        return self._units.stopped() if self._units is not None else set()

    def put(self, batch: RecordBatch) -> None:
        """Takes a batch; it is processed, or skipped, or dropped when the owner stops."""
        self._desk.put(batch)

    def waiting(self, topic: str) -> Waiting:
        """How much of a topic waits here."""
        return self._desk.waiting(topic)

    def stop(self) -> None:
        """Ends run() after the unit that is being made."""
        self._desk.stop()

    async def run(self) -> None:
        """Owns the partition until stop(). Raises StateRefused, Misuse, NotAdmitted or SinkRefused, when no partition could go
        on; loses nothing either way."""
        try:
            while not self._desk.is_stopping:
                self._failures.claiming()
                try:
                    await self._own()
                except (StateRefused, Misuse, NotAdmitted, SinkRefused):
                    raise
                except Exception as error:
                    told = refused_or(self._shared.settings, error.__cause__, error)
                    if told is not error:
                        raise told from error
                    self._shared.counts.failures[self._number] += 1
                    await self._desk.until_stopping(self._failures.failed(error))
        finally:
            self._desk.clear()

    async def _own(self) -> None:
        """One claim, from beginning to end."""
        cluster = await self._shared.look_at()
        log_read = self._shared.history.log_of(self._number) if self._shared.history else self._number
        partition = Partition(self._shared.settings, self._shared.timing, cluster, self._number, log_read)
        self._partition = partition
        try:
            dispatch = await self._claim(partition)
            self._units = Units(
                self._shared, self._number, self._desk, dispatch, self._maker(cluster), self._failures, self.tally
            )
            await self._units.run()
            if dispatch.refused:
                raise dispatch.refused
            if dispatch.moved:
                log.warning(
                    "partition %d: ClickHouse is not as it was left; sending again", self._number,
                    extra={"partition": self._number},
                )  # fmt: skip
        finally:
            self._units = self._partition = None
            self._shared.outbox.close_account(self._number)
            await partition.close()

    async def _claim(self, partition: Partition) -> Dispatch:
        now = self._shared.timing.clock.monotonic
        found = await self._shared.outbox.position(self._number)
        begun = now()
        claimed = await partition.claim(found)
        dispatch = Dispatch(self._number, self._shared.outbox, claimed, self._rows, self._desk.wake)
        sent = await dispatch.begin(found, self._gauges, partition.given_up())
        took_s = now() - begun
        self._shared.counts.claimed(self._number, took_s)
        log.info(
            "partition %d: claimed (owner number %d) in %.2f s, %d changelog records read, %d rows sent again",
            self._number, claimed.meta.claims, took_s, claimed.recovered_records, sent,
            extra={"partition": self._number},
        )  # fmt: skip
        return dispatch

    def _maker(self, cluster: Cluster) -> Maker:
        ground, history = cluster.ground, self._shared.history
        mark = marker(ground.sales_topic_id, ground.feedback_topic_id)
        maker = UnitMaker(self._number, ground.partitions, self._rules, self._rows, mark)
        return history.maker(self._number, maker, self._rows) if history else maker

    async def fetch_what_is_missing(self, fetched: Mapping[str, int]) -> None:
        """Called now and then with the fetch positions: what was fetched but never delivered is fetched again."""
        if self._units is not None:
            await self._units.fetch_what_is_missing(fetched)
