"""The batches that wait for one partition's owner, and the check that they join.

Owns their order and the cut into units. Never trusts a delivery: what is below the state is skipped, what starts above it is
dropped and named, to be fetched again. Invariant: what is cut joins what is applied, without gap or repetition.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.batches import DamagedBatch, RecordBatch
from streams.brokers.topics import SOURCES
from streams.changelog.meta import Applied
from streams.unit.record import Record


@dataclass(slots=True)
class Waiting:
    """How much of one topic waits."""

    records: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """A topic's next batch starts at `found`, above `expected`."""

    topic: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What one unit is to be made of: the records that the state does not hold yet, and how far they reach by topic."""

    records: list[Record] = field(default_factory=list)
    applied: dict[str, Applied] = field(default_factory=dict)
    batches: list[RecordBatch] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    damaged: dict[str, DamagedBatch] = field(
        default_factory=dict
    )  # by topic: what can't be read, right after what is cut


class Inbox:
    """Batches come by put(), in the order of their offsets per topic."""

    def __init__(self) -> None:
        self.waiting = {topic: Waiting() for topic in SOURCES}
        self._queues: dict[str, deque[RecordBatch]] = {topic: deque() for topic in SOURCES}

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def put(self, batch: RecordBatch) -> None:
        """Takes a batch in."""
        self._queues[batch.topic].append(batch)
        self._count(batch, 1)

    def put_back(self, cut: Cut) -> None:
        """Takes back what no unit was made of. What a unit was made of all the same will be skipped."""
        for batch in reversed(cut.batches):
            self._put_first(batch)

    def cut(self, records_max: int, applied: Mapping[str, Applied]) -> Cut:
        """At most `records_max` records, both topics turn by turn, so that neither waits for the other."""
        cut = Cut()
        while len(cut.records) < records_max and self:
            for topic in SOURCES:
                if self._queues[topic] and len(cut.records) < records_max:
                    at = cut.applied.get(topic, applied[topic])
                    self._cut_one(topic, at, records_max - len(cut.records), cut)
        return cut

    def clear(self) -> None:
        """Drops everything."""
        for topic in SOURCES:
            self._queues[topic].clear()
            self.waiting[topic] = Waiting()

    def _cut_one(self, topic: str, at: Applied, room: int, cut: Cut) -> None:
        batch = self._queues[topic].popleft()
        self._count(batch, -1)
        if batch.start > at.offset:
            cut.missing.append(Missing(topic, at.offset, batch.start))
        elif batch.damage is not None:
            if batch.start == at.offset:
                cut.damaged[topic] = batch.damage
        elif batch.end > at.offset:
            if batch.start < at.offset:
                batch = _part(batch, at.offset, batch.end)
            if len(batch) > room:
                self._put_first(_part(batch, batch[room].offset, batch.end))
                batch = _part(batch, batch.start, batch[room].offset)
            cut.records.extend(batch)
            cut.batches.append(batch)
            cut.applied[topic] = Applied(batch.end, batch[-1].timestamp if batch else at.timestamp)

    def _put_first(self, batch: RecordBatch) -> None:
        self._queues[batch.topic].appendleft(batch)
        self._count(batch, 1)

    def _count(self, batch: RecordBatch, sign: int) -> None:
        waiting = self.waiting[batch.topic]
        waiting.records += sign * len(batch)
        waiting.size_bytes += sign * sum(len(record.value or b"") for record in batch)


def _part(batch: RecordBatch, start: int, end: int) -> RecordBatch:
    return RecordBatch(batch.topic, batch.partition, start, end, [r for r in batch if start <= r.offset < end])
