"""HTTP's content encodings: what was packed can be unpacked, within a limit, and never by half."""

import gzip
import zlib

import lz4.frame
import pytest
import zstandard

from sinks.embedded.encodings import ENCODINGS, Chain, ContentEncoder, accepted_encoding, decoded
from sinks.embedded.errors import QueryRefused
from sinks.embedded.frames import FrameEncoder, unframed

DATA = bytes(range(256)) * 999
MAX = 1 << 30
PACKED = {
    "lz4": lz4.frame.compress(DATA),
    "zstd": zstandard.ZstdCompressor().compress(DATA),
    "gzip": gzip.compress(DATA),
    "deflate": zlib.compress(DATA),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_bodies_are_unpacked_within_the_limit_and_never_half(encoding: str) -> None:
    packed = PACKED[encoding]
    assert decoded(packed, encoding, len(DATA)) == DATA
    assert decoded(packed + packed, encoding, MAX) == DATA * 2  # a frame a block, as clickhouse-connect sends it
    with pytest.raises(QueryRefused) as large:
        decoded(packed, encoding, len(DATA) - 1)
    assert large.value.status == 413
    for damaged in (packed[: len(packed) // 2], packed[:-1], b"no such thing"):
        with pytest.raises(QueryRefused) as broken:
            decoded(damaged, encoding, MAX)
        assert broken.value.code == 117


def test_an_unknown_encoding_is_refused() -> None:
    assert decoded(b"a", "identity", MAX) == b"a"
    with pytest.raises(QueryRefused, match="Unknown Content-Encoding sdch"):
        decoded(b"a", "sdch", MAX)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("data", [b"", b"1\n", DATA])
def test_what_is_packed_for_a_client_can_be_unpacked(encoding: str, data: bytes) -> None:
    encoder = ContentEncoder(encoding)
    packed = b"".join([encoder.add(data[at : at + 9999]) for at in range(0, len(data), 9999)]) + encoder.end()
    assert decoded(packed, encoding, MAX) == data
    assert bool(packed) == bool(
        data
    )  # small as it may be, a client that asked for it gets it packed; nothing stays nothing


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("lz4, gzip", "lz4"),
        ("zstd;q=1", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("Deflate", "deflate"),
        ("gzip;q=0, deflate;q=0.5", "deflate"),
        ("gzip; q=0.000", ""),
        ("br", ""),
        ("identity", ""),
        ("", ""),
    ],
)
def test_the_best_that_a_client_accepts_is_taken(header: str, encoding: str) -> None:
    assert accepted_encoding(header) == encoding


def test_encoders_stand_one_behind_the_other() -> None:
    chain = Chain(FrameEncoder(), ContentEncoder("gzip"))
    packed = chain.add(DATA) + chain.add(DATA) + chain.end()
    assert unframed(gzip.decompress(packed), MAX) == DATA * 2
    empty = Chain(FrameEncoder(), ContentEncoder("gzip"))
    assert empty.add(b"") + empty.end() == b""
    plain = Chain()
    assert plain.add(b"a") + plain.end() == b"a"
