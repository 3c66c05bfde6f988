"""A batch whose bytes are not those that were written: named by its place, and never passed over unless somebody said so.

Owns the error, the places that were given up, and what a batch's head tells although something in it is wrong. Invariant: what
is not damaged is delivered first, and the offset after a batch that was given up is that of the next one.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord

from .unpacking import unread

# Of record format v2 (Kafka protocol): base offset, then after length, epoch, magic, checksum and attributes the delta of
# the last offset, then times, producer and sequence, then the number of records. The checksum covers all from the attributes.
_BASE: Final = struct.Struct(">q")
_DELTA_AT, _COUNT_AT, _HEAD_BYTES = 23, 57, 61
_INT: Final = struct.Struct(">i")

BatchPlace = tuple[str, int, int]  # topic, partition, offset

_given_up: set[BatchPlace] = set()


class DamagedBatch(CorruptRecordException):  # type: ignore[misc]
    """Raised where a batch can't be read. `offset` is its first, or where reading was to begin if not even that can be told."""

    def __init__(self, topic: str, partition: int, offset: int, why: str) -> None:
        """`why` says what is wrong with it."""
        super().__init__(topic, partition, offset, why)
        self.topic, self.partition, self.offset, self._why = topic, partition, offset, why

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] offset {self.offset}: {self._why}"


def refuse_batches(places: Iterable[BatchPlace]) -> None:
    """From now on these batches, if they are damaged, are read as one record without a key, whose value is Unread. They and no
    others, in this process."""
    _given_up.clear()
    _given_up.update(places)


def is_given_up(place: BatchPlace) -> bool:
    """Whether somebody said so."""
    return place in _given_up


class Head(NamedTuple):
    """What can be told of a damaged batch. `last` is None where its parts contradict each other."""

    base: int
    last: int | None


def head_of(raw: memoryview) -> Head:
    """Reads it. The delta is believed where it fits the number of records, as in every batch that was not compacted."""
    if len(raw) < _HEAD_BYTES:
        return Head(-1, None)
    [base], [delta], [count] = (
        _BASE.unpack_from(raw),
        _INT.unpack_from(raw, _DELTA_AT),
        _INT.unpack_from(raw, _COUNT_AT),
    )
    return Head(base, base + delta if 0 <= delta == count - 1 else None)


class GivenUpBatch:
    """Stands for a damaged batch: one record, at the last of its offsets."""

    is_control_batch = is_transactional = False
    producer_id = None

    def __init__(self, base: int, last: int, why: str) -> None:
        """Its first and last offset."""
        self.base_offset = base
        self.next_offset = last + 1
        self._why = why

    def validate_crc(self) -> bool:
        """That it is damaged is known."""
        return True

    def __iter__(self) -> Iterator[Any]:
        last = self.next_offset - 1
        value = unread(f"{self._why}: everything from offset {self.base_offset} to {last} stays there, unread")
        yield DefaultRecord(last, 0, 0, None, value, [])  # its times can't be believed
