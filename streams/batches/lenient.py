"""Reads what aiokafka cannot, so that no record stops its partition: header names that are not UTF-8, and bombs; and names
the place of what nobody can read, so that it stops no other partition.

Owns nothing but the detour: aiokafka reads every batch, and only one that it gives up on is read again, leniently.
Invariant: a batch gives the same records as aiokafka's, but for header names, in which bytes that are no UTF-8 come
escaped (b"\\xff" as the four characters \\xff), and for a batch that does not unpack within bounds: one record, at the last
of its offsets, whose value is Unread.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from .damage import DamagedBatch, GivenUpBatch, Head, head_of, is_given_up
from .unpacking import NotUnpacked, unpack_within_bounds, unread

_LENGTH_AT, _LENGTH_END = 8, 12  # of a batch: int64 base offset, then int32 length of what follows (Kafka protocol)
_WITH_HEADERS = 2  # the magic of record format v2; older formats have no headers


def read_leniently() -> None:
    """Makes every aiokafka consumer of this process read leniently, and name what is damaged."""
    fetcher.MemoryRecords = LenientRecords
    fetcher.PartitionRecords = PlacedRecords
    unpack_within_bounds()


class PlacedRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """aiokafka's reading of one fetched partition, which tells the batches where they are from."""

    def __init__(self, tp: Any, records: Any, aborted_transactions: Any, fetch_offset: int, *rest: Any) -> None:
        """As aiokafka calls it."""
        records.place, records.position = (tp.topic, tp.partition), fetch_offset
        super().__init__(tp, records, aborted_transactions, fetch_offset, *rest)


class LenientRecords:
    """The batches of one fetched partition; stands in for aiokafka's MemoryRecords. Nothing is raised before next_batch(),
    since aiokafka's fetching of all partitions would end by it. A damaged batch is the first, or waits to be in a fetch of its
    own: so what lies before it is delivered."""

    def __init__(self, data: bytes) -> None:
        self.place: tuple[str, int] = ("", -1)
        self.position = 0  # where reading begins
        self._data = memoryview(data)
        self._records = MemoryRecords(data)
        self._at = 0
        self._is_first = True
        self._next = self._take()

    def size_in_bytes(self) -> int:
        """Of all batches."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether a whole batch is left."""
        return self._next is not None and (self._is_first or not isinstance(self._next, _Unreadable))

    def next_batch(self) -> Any:
        """The next batch, None when none is left. Raises DamagedBatch."""
        found = self._next
        if isinstance(found, _Unreadable):
            return self._given_up_or_raise(found)
        self._is_first = False
        self._next = self._take()
        if isinstance(found, LenientBatch):
            found.place = self.place
        return found

    def _given_up_or_raise(self, found: "_Unreadable") -> Any:
        known = (
            found.head.base if found.head.base >= 0 and (found.head.last or self.position) >= self.position else None
        )
        offset = self.position if known is None else known
        if known is not None and is_given_up((*self.place, offset)):
            following = self._take()
            last = following.base_offset - 1 if isinstance(following, LenientBatch) else found.head.last
            if last is not None and last >= self.position:
                self._is_first, self._next = False, following
                return GivenUpBatch(offset, last, found.why)
        raise DamagedBatch(*self.place, offset, found.why)

    def _take(self) -> Any:
        """The next batch, looked at: None when no whole one is left, _Unreadable when it is damaged."""
        if self._at >= len(self._data):
            return None
        length = int.from_bytes(self._data[self._at + _LENGTH_AT : self._at + _LENGTH_END], "big", signed=True)
        raw = self._data[self._at : self._at + _LENGTH_END + max(length, 0)]
        is_first, self._at = self._at == 0, self._at + len(raw)
        try:
            batch = self._records.next_batch()
            if batch is None:  # a broker sends its first batch whole, however great, and the last one cut
                return _Unreadable(Head(-1, None), "it has no end, or its length is wrong") if is_first else None
            if not batch.validate_crc():
                head = head_of(raw) if batch.magic >= _WITH_HEADERS else Head(-1, None)
                return _Unreadable(head, "its bytes do not fit its checksum (CRC)")
        except Exception as error:  # whatever wrong lengths lead aiokafka into
            return _Unreadable(Head(-1, None), f"its head makes no sense ({error!r})")
        return LenientBatch(batch, raw) if batch.magic >= _WITH_HEADERS else batch


class _Unreadable(NamedTuple):
    head: Head
    why: str


class LenientBatch:
    """One batch: aiokafka's, with a second way to its records."""

    place: tuple[str, int] = ("", -1)

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except (CorruptRecordException, UnicodeDecodeError):
            yield from self._read_again(read)
        except NotUnpacked as error:
            yield _unread(_DefaultRecordBatchPy(self._raw), str(error))

    def validate_crc(self) -> bool:
        """Looked at already."""
        return True

    def _read_again(self, read: int) -> Iterator[Any]:
        """The records after the first `read`. Raises DamagedBatch where they are none."""
        try:
            found = list(islice(_leniently(self._raw), read, None))
        except Exception as error:  # whatever wrong lengths lead aiokafka into
            offset = int(self._batch.base_offset)
            why = f"its records make no sense ({error!r})"
            if not is_given_up((*self.place, offset)):
                raise DamagedBatch(*self.place, offset, why) from error
            found = [_unread(_DefaultRecordBatchPy(self._raw), why)]
        yield from found


class _Escaping(bytearray):
    """Bytes whose parts decode without failing."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Escaping(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


def _unread(batch: Any, why: str) -> Any:
    last = (
        batch.base_offset + batch.last_offset_delta
    )  # wherever reading begins in a batch, its last offset is not passed
    value = unread(f"{why}: everything from offset {batch.base_offset} to {last} stays there, unread")
    return DefaultRecord(last, batch.max_timestamp, batch.timestamp_type, None, value, [])


def _leniently(raw: memoryview) -> Iterator[Any]:
    batch: Any = _DefaultRecordBatchPy(raw)  # plain Python, which can be taught to escape
    records: Iterator[Any] = iter(batch)  # uncompresses
    batch._buffer = _Escaping(batch._buffer)
    return records
