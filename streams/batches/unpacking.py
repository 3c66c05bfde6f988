"""Unpacks compressed batches within a bound, which aiokafka does not: 46 KB of zstd may hold 1.5 GB.

Owns the bound, and the buffer that a batch is unpacked into. Invariant: what a batch unpacks to is as aiokafka has it, or
NotUnpacked is raised and no more than the bound was used.
"""

import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import cramjam
from aiokafka import codec
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled

# Of one batch. A broker takes 1 MiB packed unless told otherwise; events, whose ids repeat, pack to a tenth. Each fetched
# partition may hold one unpacked batch.
UNPACKED_BYTES_MAX: Final = 32 << 20

_XERIAL_HEADER_BYTES: Final = 16
_XERIAL_LENGTH: Final = struct.Struct("!i")  # before each block

_Packed = bytes | bytearray | memoryview
_kept = threading.local()  # a buffer for each thread that reads; pages that no batch needed take no memory


class NotUnpacked(Exception):
    """What a batch holds is more than the bound, or no data of its codec."""


class Unread(bytes):
    """Stands for the value of a record that was not unpacked: empty, and not None, which would be a tombstone."""

    why_unread: str = ""  # for people


def unpack_within_bounds() -> None:
    """Makes every aiokafka consumer of this process unpack within the bound."""
    for module in (default_records, compiled):
        for name, unpack in _UNPACKERS.items():
            setattr(module, name, unpack)


def unread(why: str) -> Unread:
    """The value of a record that stands for a batch that was not unpacked."""
    value = Unread()
    value.why_unread = why
    return value


def _unpacker(name: str, unpack_into: Callable[[_Packed, memoryview], int]) -> Callable[[_Packed], bytes]:
    def unpack(packed: _Packed) -> bytes:
        room = _room()
        try:
            return bytes(room[: unpack_into(packed, room)])
        except cramjam.DecompressionError as error:
            raise NotUnpacked(
                f"{len(packed)} bytes of {name} do not unpack to at most {UNPACKED_BYTES_MAX} bytes ({error})"
            ) from error

    return unpack


def _room() -> memoryview:
    room: memoryview | None = getattr(_kept, "room", None)
    if room is None:
        room = _kept.room = memoryview(bytearray(UNPACKED_BYTES_MAX))
    return room


def _snappy_into(packed: _Packed, room: memoryview) -> int:
    at = 0
    for block in _snappy_blocks(packed):
        at += cramjam.snappy.decompress_raw_into(block, room[at:])
    return at


def _snappy_blocks(packed: _Packed) -> Iterator[Any]:
    """As Java's library has them (xerial), one after the other with their lengths, or one alone."""
    if not codec._detect_xerial_stream(packed):
        yield packed
        return
    rest = memoryview(packed)[_XERIAL_HEADER_BYTES:]
    while rest:
        if len(rest) < _XERIAL_LENGTH.size:
            raise cramjam.DecompressionError("a block's length is cut short")
        [size] = _XERIAL_LENGTH.unpack_from(rest)
        yield rest[_XERIAL_LENGTH.size :][: max(size, 0)]
        rest = rest[_XERIAL_LENGTH.size + max(size, 0) :]


_UNPACKERS: Final = {
    "gzip_decode": _unpacker("gzip", cramjam.gzip.decompress_into),
    "snappy_decode": _unpacker("snappy", _snappy_into),
    "lz4_decode": _unpacker("lz4", cramjam.lz4.decompress_into),
    "zstd_decode": _unpacker("zstd", cramjam.zstd.decompress_into),
}
