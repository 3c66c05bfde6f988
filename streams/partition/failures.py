"""What one partition's failures mean: how long to wait, how many records to try with next, and what to tell.

Owns the search for the one record that its partition does not get past. Never drops it. Invariant: a failure that goes on is
told again and again, with the record once it is found; waits are bounded, and so is what the next unit tries.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from streams.errors import OwnershipLost

log = logging.getLogger(__name__)

_WAIT_S_FIRST, _WAIT_S_MAX = 0.2, 10.0
# What fails after so long is not the same trouble again.
_OWNED_WELL_S: Final = 60.0
# Kafka being away fails a unit of one record a few times; one that Kafka does not take fails for ever.
_FAILURES_BLAMED: Final = 5
# So often a failure that goes on is told with its stack.
_STACK_EVERY: Final = 10


class Setbacks:
    """Told of each claim, unit and failure of one partition's owner."""

    def __init__(self, partition: int, records_max: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.records_max = records_max  # of the next unit
        self._partition = partition
        self._most = records_max
        self._clock = clock
        self._claimed_at = clock()
        self._trying: Sequence[Any] = ()  # the records of the unit in the making
        self._failures = 0  # since the last unit
        self._wait_s = _WAIT_S_FIRST

    def claiming(self) -> None:
        """A claim begins."""
        self._trying = ()
        self._claimed_at = self._clock()

    def trying(self, records: Sequence[Any]) -> None:
        """A unit begins."""
        self._trying = records

    def went_on(self) -> None:
        """The unit is committed."""
        self._trying, self._failures = (), 0
        self.records_max = min(self.records_max * 2, self._most)

    def failed(self, error: Exception) -> float:
        """Tells of it. Returns how many seconds to wait before the next claim."""
        self._failures += 1
        searching = len(self._trying) > 1 and not isinstance(error, OwnershipLost)
        if searching or self._clock() - self._claimed_at > _OWNED_WELL_S:
            self._wait_s = _WAIT_S_FIRST
        if self._trying:
            self.records_max = max(1, len(self._trying) // 2)
        wait_s, self._wait_s = self._wait_s, min(self._wait_s * 2, _WAIT_S_MAX)
        self._tell(error, wait_s)
        return wait_s

    def _tell(self, error: Exception, wait_s: float) -> None:
        expected = isinstance(error, OwnershipLost)
        stack = error if not expected and self._failures % _STACK_EVERY == 1 else None
        if len(self._trying) == 1 and (not expected or self._failures >= _FAILURES_BLAMED):
            record = self._trying[0]
            log.error(
                "%s[%d] offset %d: the partition does not get past this record, after %d attempts: %r; its records wait, the "
                "other partitions go on; trying again in %.1f s",
                record.topic, self._partition, record.offset, self._failures, error, wait_s, exc_info=stack,
            )  # fmt: skip
        elif expected:
            log.warning("%s; claiming again in %.1f s if it is still ours", error, wait_s)
        else:
            log.error(
                "partition %d: %r%s; the other partitions go on; trying again in %.1f s",
                self._partition, error, f", in a unit of {len(self._trying)} records" if self._trying else "", wait_s,
                exc_info=stack,
            )  # fmt: skip
