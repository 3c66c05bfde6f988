"""A batch costs no more memory than the bound, whatever it would unpack to; and within the bound nothing is changed."""

import resource
import subprocess
import sys
from typing import Any

import pytest
from aiokafka import codec
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c_py
from hypothesis import given
from hypothesis import strategies as st

from streams.batches.lenient import LenientRecords, read_leniently
from streams.batches.unpacking import _UNPACKERS, UNPACKED_BYTES_MAX, Unread
from tests.support.places import ROOT

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MAGIC = 2
SPARE_BYTES = 200  # of a batch, beside a value
HEAD_BYTES, LENGTH_AT, LENGTH_END, CRC_END = 61, 8, 12, 21  # of a batch (Kafka protocol, record batch)

PACKERS: dict[str, list[Any]] = {
    "gzip_decode": [codec.gzip_encode],
    "snappy_decode": [codec.snappy_encode, lambda data: codec.snappy_encode(data, xerial_compatible=False)],
    "lz4_decode": [codec.lz4_encode],
    "zstd_decode": [codec.zstd_encode],
}


def batch(codec_id: int, values: list[bytes], base_offset: int = 0) -> bytes:
    """As a broker returns it."""
    builder = _DefaultRecordBatchBuilderPy(MAGIC, codec_id, False, -1, -1, 0, 1 << 40)
    for offset, value in enumerate(values):
        builder.append(offset, 1_700_000_000_000 + offset, b"key", value, [])
    built = builder.build()
    built[:8] = base_offset.to_bytes(8, "big")
    return bytes(built)


def records(data: bytes) -> list[Any]:
    """All that a consumer gets."""
    read_leniently()
    fetched, found = LenientRecords(data), []
    while fetched.has_next():
        found += list(fetched.next_batch())
    return found


@pytest.mark.parametrize("name", PACKERS)
@given(data=st.binary(min_size=1, max_size=10_000) | st.integers(1, 200_000).map(bytes))
def test_what_is_within_the_bound_comes_out_as_it_went_in(name: str, data: bytes) -> None:
    for pack in PACKERS[name]:
        assert _UNPACKERS[name](pack(data)) == data
        assert _UNPACKERS[name](memoryview(bytearray(pack(data)))) == data


@pytest.mark.parametrize("codec_id", CODECS.values(), ids=CODECS)
def test_a_bomb_is_one_record_at_its_last_offset_and_what_follows_is_read(codec_id: int) -> None:
    bomb = batch(codec_id, [b"small", bytes(UNPACKED_BYTES_MAX), b"small"], base_offset=7)
    [unread, after] = records(bomb + batch(codec_id, [b"next"], base_offset=10))
    assert (unread.offset, unread.timestamp, unread.key, unread.headers) == (9, 1_700_000_000_002, None, [])
    assert isinstance(unread.value, Unread)
    assert unread.value == b""
    assert "from offset 7 to 9" in unread.value.why_unread
    assert (after.offset, after.value) == (10, b"next")


@pytest.mark.parametrize("codec_id", CODECS.values(), ids=CODECS)
def test_the_last_batch_within_the_bound_is_read_whole(codec_id: int) -> None:
    value = bytes(UNPACKED_BYTES_MAX - SPARE_BYTES)
    [read] = records(batch(codec_id, [value]))
    assert read.value == value


@pytest.mark.parametrize("codec_id", CODECS.values(), ids=CODECS)
def test_what_is_no_data_of_its_codec_is_unread_too(codec_id: int) -> None:
    head = batch(codec_id, [bytes(1000)])[:HEAD_BYTES]
    nonsense = b"\xff\xff\xff\xff"
    length = HEAD_BYTES - LENGTH_END + len(nonsense)
    checked = head[CRC_END:] + nonsense
    checksum = calc_crc32c_py(checked).to_bytes(4, "big")
    before = head[:LENGTH_AT] + length.to_bytes(4, "big") + head[LENGTH_END : CRC_END - 4]
    [unread] = records(before + checksum + checked)
    assert isinstance(unread.value, Unread)


_UNPACK_BOMBS = """
import resource, sys
from tests.pure.batches.test_unpacking import records
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = sys.stdin.buffer.read()
for _ in range(10):
    assert len(records(data)) == 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("codec_id", CODECS.values(), ids=CODECS)
def test_bomb_after_bomb_costs_no_more_memory_than_the_bound(codec_id: int) -> None:
    bomb = batch(codec_id, [bytes(3 * UNPACKED_BYTES_MAX)])
    ran = subprocess.run(
        [sys.executable, "-c", _UNPACK_BOMBS], input=bomb, capture_output=True, check=True, cwd=ROOT, timeout=120
    )
    assert int(ran.stdout) * 1024 < UNPACKED_BYTES_MAX + 4 * len(bomb) + 16 * resource.getpagesize() * 1024
