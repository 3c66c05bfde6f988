"""What one partition's failures mean: how long to wait, how many records to try with next, and what to tell.

Owns the search for the one record that its partition does not get past. Never drops it. Invariant: a failure that goes on is
told again and again, with the record once it is found; waits are bounded, and so is what the next unit tries.
"""

import logging
from collections.abc import Sequence
from typing import Final

from streams.backoff import BackOff
from streams.errors import OwnershipLost
from streams.timing import Timing
from streams.unit.record import Record

log = logging.getLogger(__name__)

# Kafka being away fails a unit of one record a few times; one that Kafka does not take fails for ever.
_FAILURES_BLAMED: Final = 5
# So often a failure that goes on is told with its stack.
_STACK_EVERY: Final = 10


class Failures:
    """Told of each claim, unit and failure of one partition's owner."""

    def __init__(self, partition: int, records_max: int, timing: Timing) -> None:
        self.records_max = records_max  # of the next unit
        self._partition = partition
        self._most = records_max
        self._clock = timing.clock.monotonic
        self._owned_well_s = timing.owned_well_s
        self._claimed_at = self._clock()
        self._trying: Sequence[Record] = ()  # the records of the unit in the making
        self._count = 0  # since the last unit
        self._back_off = BackOff(timing.claim_again_s_first, timing.claim_again_s_max)

    def claiming(self) -> None:
        """A claim begins."""
        self._trying = ()
        self._claimed_at = self._clock()

    def trying(self, records: Sequence[Record]) -> None:
        """A unit begins."""
        self._trying = records

    def try_fewer(self) -> None:
        """The unit in the making is too much: the next one is to have half its records."""
        self.records_max = max(1, len(self._trying) // 2)

    def went_on(self) -> None:
        """The unit is committed."""
        self._trying, self._count = (), 0
        self.records_max = min(self.records_max * 2, self._most)

    def failed(self, error: Exception) -> float:
        """Tells of it. Returns how many seconds to wait before the next claim."""
        self._count += 1
        searching = len(self._trying) > 1 and not isinstance(error, OwnershipLost)
        if searching or self._clock() - self._claimed_at > self._owned_well_s:
            self._back_off.begin_anew()
        if self._trying:
            self.try_fewer()
        wait_s = self._back_off.wait_s()
        self._tell(error, wait_s)
        return wait_s

    def _tell(self, error: Exception, wait_s: float) -> None:
        expected = isinstance(error, OwnershipLost)
        stack = error if not expected and self._count % _STACK_EVERY == 1 else None
        if len(self._trying) == 1 and (not expected or self._count >= _FAILURES_BLAMED):
            record = self._trying[0]
            log.error(
                "%s[%d] offset %d: the partition does not get past this record, after %d attempts: %r; its records wait, the "
                "other partitions go on; trying again in %.1f s",
                record.topic, self._partition, record.offset, self._count, error, wait_s, exc_info=stack,
                extra={"topic": record.topic, "partition": self._partition, "offset": record.offset},
            )  # fmt: skip
        elif expected:
            log.warning(
                "%s; claiming again in %.1f s if it is still ours", error, wait_s, extra={"partition": self._partition}
            )
        else:
            log.error(
                "partition %d: %r%s; the other partitions go on; trying again in %.1f s",
                self._partition, error, f", in a unit of {len(self._trying)} records" if self._trying else "", wait_s,
                exc_info=stack, extra={"partition": self._partition},
            )  # fmt: skip
