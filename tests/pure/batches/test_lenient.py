"""Whatever bytes a header's name is made of, a batch is read whole; and as aiokafka reads it where aiokafka can."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from streams.batches import DamagedBatch
from streams.batches.lenient import LenientRecords

CODECS = range(5)  # none, gzip, snappy, lz4, zstd
MAGIC = 2
BATCH_BYTES_MAX = 1 << 20
BATCH_HEAD_BYTES = 61


class Name(str):
    """A header's name that is sent as the bytes that it was made of."""

    __slots__ = ("raw",)
    raw: bytes

    def encode(self, _encoding: str = "utf-8", _errors: str = "strict") -> bytes:
        return self.raw


def name(raw: bytes) -> Name:
    made = Name(raw.decode("utf-8", "backslashreplace"))
    made.raw = raw
    return made


maybe_bytes = st.none() | st.binary(max_size=40)
utf8 = st.text(st.characters(codec="utf-8"), max_size=20).map(str.encode)


def batches_of(names: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[tuple[int, list[Any]]]]:
    """Batches: a codec, and records of time, key, value and headers."""
    headers = st.lists(st.tuples(names.map(name), maybe_bytes), max_size=3)
    record = st.tuples(st.integers(0, 1 << 41), maybe_bytes, maybe_bytes, headers)
    return st.lists(st.tuples(st.sampled_from(CODECS), st.lists(record, min_size=1, max_size=5)), max_size=4)


def fetched(batches: list[tuple[int, list[Any]]]) -> bytes:
    """As a broker returns them."""
    data = b""
    for codec, records in batches:
        builder = _DefaultRecordBatchBuilderPy(MAGIC, codec, False, -1, -1, 0, BATCH_BYTES_MAX)
        for offset, (timestamp, key, value, headers) in enumerate(records):
            builder.append(offset, timestamp, key, value, headers)
        data += bytes(builder.build())
    return data


def read(reader: Callable[[bytes], Any], data: bytes) -> list[Any]:
    """All that a consumer looks at."""
    records, found = reader(data), []
    assert records.size_in_bytes() == len(data)
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        found += [batch.base_offset, batch.next_offset, batch.is_control_batch, batch.is_transactional]
        found += [(r.offset, r.timestamp, r.timestamp_type, r.key, r.value, list(r.headers)) for r in batch]
    assert records.next_batch() is None
    return found


@given(batches_of(utf8))
def test_what_aiokafka_can_read_is_read_as_aiokafka_does(batches: list[tuple[int, list[Any]]]) -> None:
    data = fetched(batches)
    assert read(LenientRecords, data) == read(MemoryRecords, data)


@given(batches_of(st.binary(max_size=20)))
def test_any_bytes_may_be_a_name_and_all_else_is_as_it_was(batches: list[tuple[int, list[Any]]]) -> None:
    found = [record for record in read(LenientRecords, fetched(batches)) if isinstance(record, tuple)]
    sent = [
        (offset, timestamp, 0, key, value, [(str(header), content) for header, content in headers])
        for _, records in batches
        for offset, (timestamp, key, value, headers) in enumerate(records)
    ]
    assert found == sent


@given(batches_of(st.binary(max_size=20)), st.data())
def test_a_fetch_that_was_cut_short_gives_its_whole_batches(
    batches: list[tuple[int, list[Any]]], data: st.DataObject
) -> None:
    whole = [fetched([batch]) for batch in batches]
    together = b"".join(whole)
    cut = data.draw(st.integers(0, len(together)))
    records, count = LenientRecords(together[:cut]), 0
    if whole and 0 < cut < len(whole[0]):  # brokers send the first one whole: that has lost its end
        with pytest.raises(DamagedBatch):
            records.next_batch()
        return
    while records.has_next():
        assert len(list(records.next_batch())) == len(batches[count][1])
        count += 1
    assert records.next_batch() is None
    assert len(b"".join(whole[:count])) <= cut
    assert count == len(whole) or len(b"".join(whole[: count + 1])) > cut


@pytest.mark.parametrize("codec", CODECS)
def test_header_names_that_are_no_utf8_come_escaped_and_all_else_as_it_was(codec: int) -> None:
    names = [b"before"], [b"ok", "piñata".encode(), "piñata".encode("latin-1"), b"end"], [b"after"]
    batches = [
        (codec, [(1000 + n, b"key", b"value %d" % n, [(name(raw), b"x"), (name(b"plain"), None)]) for n, raw in own])
        for own in map(enumerate, names)
    ]
    found = [record for record in read(LenientRecords, fetched(batches)) if isinstance(record, tuple)]
    shown = [(0, "before"), (0, "ok"), (1, "piñata"), (2, "pi\\xf1ata"), (3, "end"), (0, "after")]
    assert found == [
        (n, 1000 + n, 0, b"key", b"value %d" % n, [(header, b"x"), ("plain", None)]) for n, header in shown
    ]


def test_a_batch_that_is_truly_damaged_is_still_refused() -> None:
    whole = bytearray(fetched([(0, [(1000, b"key", b"value", [(name(b"name"), b"x")])])]))
    whole[BATCH_HEAD_BYTES] += 2  # the length of the first record
    with pytest.raises(CorruptRecordException):
        list(LenientRecords(bytes(whole)).next_batch())
