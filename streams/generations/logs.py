"""Which partition of a source topic holds what belongs to a partition of the state, however often there came more of them.

Pure. Owns the arithmetic. Kafka's partition of a key is its hash modulo the count; with k times as many partitions, what lay
on p lies on p, p + n, … afterwards, and stays where it is. So partition q of a state is made of the logs q mod n, for every
count n that there was, each up to its cut, and then of its own log. Invariant: each record is of one partition of the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sinks.generations import Raise
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import SOURCES


class Span(NamedTuple):
    """A log that a partition of the state is made of. `ends` are by source topic; None: it goes on."""

    log: int
    ends: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class SourceLayout:
    """`logs` is how many partitions the source topics are read with, `partitions` how many the state has: as many, or a
    multiple while the topics are about to get more."""

    logs: int
    partitions: int
    raises: Sequence[Raise] = ()

    def spans(self, number: int) -> list[Span]:
        """What partition `number` of the state is made of, in the order in which it is read; the last one goes on."""
        found: dict[int, Span] = {}
        for raised in self.raises:
            log = number % raised.before
            found[log] = Span(log, tuple(raised.cuts[topic][log] for topic in SOURCES))
        found.pop(number % self.logs, None)
        return [*found.values(), Span(number % self.logs, None)]

    def home(self, key: bytes, topic: str, log: int, offset: int) -> int | None:
        """The partition of the state to which a record with the right key belongs; None when it lies where it did not belong
        when it was written, and was published again."""
        right = partition_for(key, self.count(topic, log, offset)) == log
        return partition_for(key, self.partitions) if right else None

    def count(self, topic: str, log: int, offset: int) -> int:
        """How many partitions there were when a record was written, as far as that decides where it belonged."""
        return next((r.before for r in self.raises if log < r.before and offset < r.cuts[topic][log]), self.logs)

    def is_read(self, number: int, log: int) -> bool:
        """Whether partition `number` of the state reads that log now; else it took from it, long ago, all that it takes."""
        return number % self.logs == log
