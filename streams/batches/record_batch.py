"""What an agent receives: the records that one poll brought for one topic-partition."""

from typing import Any

from .damage import DamagedBatch


class RecordBatch(list[Any]):
    """aiokafka ConsumerRecords in offset order, possibly none.

    `start` and `end` are the fetch position before and after the poll. Offsets between them without a record are
    transaction markers, aborted records or compacted ones: legitimate gaps that belong to the batch. A batch without
    records says that the position moved all the same; or, with `damage`, that what lies at `start` can't be read: it comes
    again and again until it can, or was given up.
    """

    __slots__ = ("damage", "end", "partition", "start", "topic")

    def __init__(
        self, topic: str, partition: int, start: int, end: int, records: list[Any], damage: DamagedBatch | None = None
    ) -> None:
        super().__init__(records)
        self.topic = topic
        self.partition = partition
        self.start = start
        self.end = end
        self.damage = damage
