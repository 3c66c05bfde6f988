"""What the owners of a worker's partitions did since it began: for its metrics.

Pure: plain counters, changed once a unit, a claim or a failure. Never decides anything.
"""

from collections import Counter
from typing import Final

from streams.histogram import SECONDS, Histogram
from streams.unit.unit import Unit

_SIZES: Final = (1.0, 10.0, 100.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 50_000.0, 100_000.0)


class UnitCounts:
    """Of all partitions that a worker has owned. Changed and read in its event loop."""

    def __init__(self) -> None:
        self.records: Counter[int] = Counter()  # in committed units, by partition; the others are some of these
        self.refused: Counter[str] = Counter()  # by reason
        self.rerouted: Counter[str] = Counter()  # by the topic to which they were published again
        self.tombstones = 0
        self.sizes = Histogram(_SIZES)  # records of a unit
        self.seconds = Histogram(SECONDS)  # from the making of a unit until it is committed
        self.claims: Counter[int] = Counter()  # that succeeded, by partition
        self.claim_s = Histogram(SECONDS)  # until what ClickHouse lacks was sent again
        self.failures: Counter[int] = Counter()  # after which a partition is claimed again

    def committed(self, number: int, records: int, unit: Unit, seconds: float) -> None:
        """Called after each unit."""
        self.records[number] += records
        self.tombstones += unit.tombstones
        self.refused.update(refusal.reason for refusal in unit.refusals)
        self.rerouted.update(found.topic for found in unit.astray)
        self.sizes.add(records)
        self.seconds.add(seconds)

    def claimed(self, number: int, seconds: float) -> None:
        """Called after each claim."""
        self.claims[number] += 1
        self.claim_s.add(seconds)
