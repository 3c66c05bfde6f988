"""ClickHouse's own compressed frames: what clients ask for with `compress=1`, and send with `decompress=1`.

Pure. Source: ClickHouse's specification of the format Native, "Compression frame". A frame is

    16 bytes  CityHash128 (version 1.0.2) of all that follows
     1 byte   method: 0x82 LZ4 (a block, not a frame of LZ4), 0x90 Zstandard, 0x02 not compressed
     4 bytes  size from the method to the end of the frame
     4 bytes  size of what is in it, before it was compressed

Invariant: no more memory is taken for a frame than what may come out of the whole body.
"""

import struct
from typing import Final

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from sinks.embedded.encodings import require_size
from sinks.embedded.errors import (
    CANNOT_DECOMPRESS,
    CANNOT_READ_ALL_DATA,
    CHECKSUM_DOESNT_MATCH,
    TOO_LARGE_SIZE_COMPRESSED,
    UNKNOWN_CODEC,
    QueryRefused,
)

_FRAME_BYTES: Final = 1 << 20  # of what is in a frame that we write: as a server's buffer
_FRAME_BYTES_MAX: Final = 1 << 30  # DBMS_MAX_COMPRESSED_SIZE
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_CHECKSUM: Final = struct.Struct("<QQ")
_HEADER: Final = struct.Struct("<BII")
_LZ4_RATIO_MAX: Final = 255  # a byte of a match's length stands for 255 bytes


class FrameEncoder:
    """An Encoder: frames with LZ4, as a server's; none at all for an empty answer."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def add(self, data: bytes) -> bytes:
        """The frames that are full."""
        self._waiting += data
        full = len(self._waiting) - len(self._waiting) % _FRAME_BYTES
        frames = [_frame(bytes(self._waiting[at : at + _FRAME_BYTES])) for at in range(0, full, _FRAME_BYTES)]
        del self._waiting[:full]
        return b"".join(frames)

    def end(self) -> bytes:
        """The last one."""
        return _frame(bytes(self._waiting)) if self._waiting else b""


def _frame(data: bytes) -> bytes:
    packed: bytes = lz4.block.compress(data, store_size=False)
    rest = _HEADER.pack(_LZ4, _HEADER.size + len(packed), len(data)) + packed
    return _checksum(rest) + rest


def _checksum(data: bytes) -> bytes:
    number: int = CityHash128(data)  # its first half stands in the upper bits
    return _CHECKSUM.pack(number >> 64, number & (1 << 64) - 1)


def unframed(body: bytes, bytes_max: int, verified: bool = True) -> bytes:
    """What is in the frames of a body. `verified` compares the checksums.

    Raises QueryRefused, with a server's codes, when a frame is damaged, of another method, or more than `bytes_max` come out.
    """
    whole = bytearray()
    at = 0
    while at < len(body):
        end = _end(body, at)
        if verified:
            _verify(body[at : at + _CHECKSUM.size], body[at + _CHECKSUM.size : end])
        method, _, size = _HEADER.unpack_from(body, at + _CHECKSUM.size)
        require_size(len(whole) + size, bytes_max)
        whole += _unpacked(method, body[at + _CHECKSUM.size + _HEADER.size : end], size)
        at = end
    return bytes(whole)


def _end(body: bytes, at: int) -> int:
    """Where the frame that begins there ends."""
    expected = _CHECKSUM.size + _HEADER.size
    if len(body) - at >= expected:
        _, size, _ = _HEADER.unpack_from(body, at + _CHECKSUM.size)
        if size > _FRAME_BYTES_MAX:
            raise QueryRefused(
                TOO_LARGE_SIZE_COMPRESSED,
                f"Too large size_compressed_without_checksum: {size}. Most likely corrupted data. "
                "(TOO_LARGE_SIZE_COMPRESSED)",
            )
        if size < _HEADER.size:
            raise _damaged(
                f"the compressed data size ({size}, this should include header size) "
                f"is less than the header size ({_HEADER.size})"
            )
        expected = _CHECKSUM.size + size
    if len(body) - at < expected:
        raise QueryRefused(
            CANNOT_READ_ALL_DATA,
            f"Cannot read all data. Bytes read: {len(body) - at}. Bytes expected: {expected}. (CANNOT_READ_ALL_DATA)",
        )
    return at + expected


def _verify(stated: bytes, data: bytes) -> None:
    if (actual := _checksum(data)) != stated:
        raise QueryRefused(
            CHECKSUM_DOESNT_MATCH,
            f"Checksum doesn't match: corrupted data. Reference: {_hex(stated)}. Actual: {_hex(actual)}. "
            f"Size of compressed block: {len(data)} (CHECKSUM_DOESNT_MATCH)",
        )


def _unpacked(method: int, packed: bytes, size: int) -> bytes:
    try:
        if method == _NONE:
            whole = packed
        elif method == _LZ4:
            # Else the library would take the memory first that a damaged size asks for.
            whole = lz4.block.decompress(packed, size) if size <= _LZ4_RATIO_MAX * (len(packed) + 1) else b""
        elif method == _ZSTD:
            stated = zstandard.frame_content_size(packed)
            whole = zstandard.decompress(packed, max_output_size=size) if stated in (-1, size) else b""
        else:
            raise QueryRefused(UNKNOWN_CODEC, f"Unknown codec family code: {method}. (UNKNOWN_CODEC)")
    except (lz4.block.LZ4BlockError, zstandard.ZstdError, ValueError) as error:
        raise _damaged(str(error)) from error
    if len(whole) != size:
        raise _damaged(f"the size after decompression is different than the expected size ({size})")
    return whole


def _damaged(reason: str) -> QueryRefused:
    return QueryRefused(CANNOT_DECOMPRESS, f"Can't decompress data: {reason}. (CANNOT_DECOMPRESS)")


def _hex(checksum: bytes) -> str:
    low, high = _CHECKSUM.unpack(checksum)
    return f"{low:016x}{high:016x}"
