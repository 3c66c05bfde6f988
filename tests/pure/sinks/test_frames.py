"""ClickHouse's compressed frames: golden bytes of other implementations, limits, and a server's errors."""

import struct
from io import BytesIO

import pytest
import zstandard
from clickhouse_driver.reader import read_binary_uint128
from hypothesis import given
from hypothesis import strategies as st

from sinks.embedded.errors import QueryRefused
from sinks.embedded.frames import FrameEncoder, unframed

MAX = 1 << 30
# b"\1\2", from the tests of ClickHouse's own Java client.
GOLDEN = bytes.fromhex("dcaa1f71962c636070f92f0fc127b798 82 0c000000 02000000 200102")


def framed(*pieces: bytes) -> bytes:
    encoder = FrameEncoder()
    return b"".join([encoder.add(piece) for piece in pieces]) + encoder.end()


def by_hand(method: int, packed: bytes, size: int) -> bytes:
    """A frame with a checksum that doesn't match."""
    return bytes(16) + struct.pack("<BII", method, 9 + len(packed), size) + packed


def test_a_frame_has_the_bytes_of_clickhouses_own_client() -> None:
    assert framed(b"\1\2") == GOLDEN
    assert unframed(GOLDEN, MAX) == b"\1\2"


def test_nothing_is_no_frame() -> None:
    assert framed() == framed(b"") == unframed(b"", MAX) == b""


@given(st.lists(st.binary(max_size=50)), st.integers(1, 3))
def test_what_was_framed_comes_out_again(pieces: list[bytes], times: int) -> None:
    assert unframed(framed(*pieces) * times, MAX) == b"".join(pieces) * times


def test_a_large_answer_is_many_frames_of_a_mebibyte() -> None:
    data = bytes(range(256)) * 10_000
    packed = framed(*[data[at : at + 99_999] for at in range(0, len(data), 99_999)])
    sizes, at = [], 0
    while at < len(packed):
        stream = BytesIO(packed[at : at + 16])
        assert read_binary_uint128(stream) > 0
        _, length, size = struct.unpack_from("<BII", packed, at + 16)
        sizes.append(size)
        at += 16 + length
    assert sizes == [1 << 20, 1 << 20, len(data) - (2 << 20)]
    assert unframed(packed, len(data)) == data


def test_each_method_that_clients_use_is_read() -> None:
    data = b"abc" * 1000
    one_piece = zstandard.ZstdCompressor().compress(data)
    stream = zstandard.ZstdCompressor().compressobj()
    without_size = stream.compress(data) + stream.flush()
    for method, packed in ((0x02, data), (0x90, one_piece), (0x90, without_size)):
        assert unframed(by_hand(method, packed, len(data)), MAX, verified=False) == data


def test_a_damaged_byte_is_found_and_told_as_a_server_does() -> None:
    for at in range(len(GOLDEN)):
        damaged = bytearray(GOLDEN)
        damaged[at] ^= 1
        with pytest.raises(QueryRefused) as refused:
            unframed(bytes(damaged), MAX)
        assert refused.value.code in (33, 39, 40, 271)
    with pytest.raises(
        QueryRefused, match=r"Reference: 60632c96711faadc98b727c10f2ff970. Actual: .* block: 12 "
    ) as wrong:
        unframed(GOLDEN[:-1] + b"\3", MAX)
    assert (wrong.value.code, wrong.value.status) == (40, 500)


@pytest.mark.parametrize("end", range(1, len(GOLDEN)))
def test_a_frame_that_ends_too_early_is_refused(end: int) -> None:
    with pytest.raises(QueryRefused, match=f"Bytes read: {end}. Bytes expected: ") as refused:
        unframed(GOLDEN[:end], MAX)
    assert refused.value.code == 33


def test_checksums_are_left_alone_when_asked() -> None:
    assert unframed(bytes(16) + GOLDEN[16:], MAX, verified=False) == b"\1\2"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (by_hand(0x82, b"\x20\1\2", MAX), 271),  # a claim that no such block can keep
        (by_hand(0x82, b"\x20\1\2", 1), 271),
        (by_hand(0x82, b"\x20\1\2", 3), 271),
        (by_hand(0x82, b"", 0), 271),
        (by_hand(0x90, zstandard.compress(bytes(99)), 98), 271),
        (by_hand(0x90, b"no such thing", 9), 271),
        (by_hand(0x02, b"abc", 2), 271),
        (by_hand(0x91, b"abc", 3), 432),  # several codecs at once: ClickHouse's files have it, its clients don't
        (by_hand(0x82, b"", 0)[:17] + struct.pack("<II", 8, 0), 271),
        (by_hand(0x82, b"", 0)[:17] + struct.pack("<II", MAX + 1, 0), 39),
    ],
)
def test_a_frame_that_lies_is_refused(frame: bytes, code: int) -> None:
    with pytest.raises(QueryRefused) as refused:
        unframed(frame, MAX, verified=False)
    assert refused.value.code == code


def test_no_more_comes_out_than_may() -> None:
    packed = framed(bytes(3 << 20))
    assert len(packed) < 20_000
    assert unframed(packed, 3 << 20) == bytes(3 << 20)
    bomb = by_hand(0x90, zstandard.compress(bytes(3 << 20)), 3 << 20)
    for body in (packed, bomb):
        with pytest.raises(QueryRefused) as refused:
            unframed(body, (3 << 20) - 1, verified=False)
        assert refused.value.status == 413
