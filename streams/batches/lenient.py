"""Reads what aiokafka cannot, so that no record stops its partition: header names that are not UTF-8, and bombs.

Owns nothing but the detour: aiokafka reads every batch, and only one that it gives up on is read again, leniently.
Invariant: a batch gives the same records as aiokafka's, but for header names, in which bytes that are no UTF-8 come
escaped (b"\\xff" as the four characters \\xff), and for a batch that does not unpack within bounds: one record, at the last
of its offsets, whose value is Unread.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from .unpacking import NotUnpacked, unpack_within_bounds, unread

_LENGTH_AT, _LENGTH_END = 8, 12  # of a batch: int64 base offset, then int32 length of what follows (Kafka protocol)
_WITH_HEADERS = 2  # the magic of record format v2; older formats have no headers


def read_leniently() -> None:
    """Makes every aiokafka consumer of this process read leniently."""
    fetcher.MemoryRecords = LenientRecords
    unpack_within_bounds()


class LenientRecords:
    """The batches of one fetched partition; stands in for aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._records = MemoryRecords(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Of all batches."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether a whole batch is left."""
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        """The next batch, None when none is left."""
        batch = self._records.next_batch()
        length = int.from_bytes(self._data[self._at + _LENGTH_AT : self._at + _LENGTH_END], "big")
        raw = self._data[self._at : self._at + _LENGTH_END + length]
        self._at += len(raw)
        return LenientBatch(batch, raw) if batch is not None and batch.magic >= _WITH_HEADERS else batch


class LenientBatch:
    """One batch: aiokafka's, with a second way to its records."""

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
            yield from islice(_leniently(self._raw), read, None)
        except NotUnpacked as error:
            yield _unread(_DefaultRecordBatchPy(self._raw), error)


class _Escaping(bytearray):
    """Bytes whose parts decode without failing."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Escaping(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


def _unread(batch: Any, error: NotUnpacked) -> Any:
    last = (
        batch.base_offset + batch.last_offset_delta
    )  # wherever reading begins in a batch, its last offset is not passed
    value = unread(f"{error}: everything from offset {batch.base_offset} to {last} stays there, unread")
    return DefaultRecord(last, batch.max_timestamp, batch.timestamp_type, None, value, [])


def _leniently(raw: memoryview) -> Iterator[Any]:
    batch: Any = _DefaultRecordBatchPy(raw)  # plain Python, which can be taught to escape
    records: Iterator[Any] = iter(batch)  # uncompresses
    batch._buffer = _Escaping(batch._buffer)
    return records
