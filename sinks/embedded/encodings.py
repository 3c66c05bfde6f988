"""HTTP's content encodings, both ways: what a client sends compressed, and what it accepts.

Pure. Invariant: what comes out of a body is bounded, whatever it claims; nothing at all stays nothing, not an empty frame.
"""

import zlib
from collections.abc import Callable
from typing import Any, Final, Protocol

import lz4.frame
import zstandard

from sinks.embedded.errors import INCORRECT_DATA, QUERY_IS_TOO_LARGE, UNKNOWN_COMPRESSION, QueryRefused

_ZSTD_PIECE: Final = 1 << 16
_ZLIB: Final = zlib.MAX_WBITS  # what HTTP calls deflate
_GZIP: Final = zlib.MAX_WBITS | 16
_EITHER: Final = zlib.MAX_WBITS | 32  # gzip or zlib, by its header

ENCODINGS: Final = ("lz4", "zstd", "gzip", "deflate")  # the best first, by the time they take


class Encoder(Protocol):
    """Takes bytes and gives others, piece by piece."""

    def add(self, data: bytes) -> bytes:
        """What is ready after so much more."""

    def end(self) -> bytes:
        """What is still missing. Call once."""


class Chain:
    """An Encoder of several, in this order."""

    def __init__(self, *encoders: Encoder) -> None:
        self._encoders = encoders

    def add(self, data: bytes) -> bytes:
        """What the last one has ready."""
        for encoder in self._encoders:
            data = encoder.add(data)
        return data

    def end(self) -> bytes:
        """What is still in any of them."""
        data = b""
        for encoder in self._encoders:
            data = encoder.add(data) + encoder.end()
        return data


class ContentEncoder:
    """An Encoder for one of ENCODINGS."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._frame: Any = None

    def add(self, data: bytes) -> bytes:
        """Compressed data, if a piece of it is complete."""
        if not data:
            return b""
        if self._frame is not None:
            return bytes(self._frame.compress(data))
        self._frame = _COMPRESSORS[self._encoding]()
        header = self._frame.begin() if self._encoding == "lz4" else b""
        return bytes(header + self._frame.compress(data))

    def end(self) -> bytes:
        """The rest of the compressed data."""
        return bytes(self._frame.flush()) if self._frame is not None else b""


_COMPRESSORS: Final[dict[str, Callable[[], Any]]] = {
    "lz4": lz4.frame.LZ4FrameCompressor,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(1, wbits=_GZIP),
    "deflate": lambda: zlib.compressobj(1, wbits=_ZLIB),
}


def accepted_encoding(header: str) -> str:
    """The best encoding of an Accept-Encoding header, '' when it names none of ours."""
    offered = {part.partition(";")[0].strip().lower() for part in header.split(",") if not _is_refused(part)}
    return next((encoding for encoding in ENCODINGS if encoding in offered), "")


def _is_refused(part: str) -> bool:
    quality = part.partition(";")[2].replace(" ", "")
    return quality.startswith("q=0") and not quality.removeprefix("q=0").strip(".0")


def decoded(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """A request body as it was before its Content-Encoding. Raises QueryRefused when it is damaged or too large."""
    if encoding in ("", "identity"):
        return body
    try:
        whole = _bounded(body, encoding, bytes_max + 1)
    except (RuntimeError, zlib.error, zstandard.ZstdError, EOFError) as error:
        raise QueryRefused(INCORRECT_DATA, f"Cannot decompress {encoding} body: {error}. (INCORRECT_DATA)") from error
    require_size(len(whole), bytes_max)
    return whole


def require_size(size: int, bytes_max: int) -> None:
    """Raises QueryRefused for a body that is, or says that it would be, too large."""
    if size > bytes_max:
        raise QueryRefused(
            QUERY_IS_TOO_LARGE, f"Body above {bytes_max} bytes: send smaller inserts. (QUERY_IS_TOO_LARGE)"
        )


def _bounded(body: bytes, encoding: str, bytes_max: int) -> bytes:
    if encoding == "lz4":
        return _joined(body, bytes_max, lz4.frame.LZ4FrameDecompressor)
    if encoding == "zstd":
        return _joined(body, bytes_max, _ZstdFrame)
    if encoding in ("gzip", "deflate"):
        return _joined(body, bytes_max, lambda: zlib.decompressobj(_EITHER))
    raise QueryRefused(UNKNOWN_COMPRESSION, f"Unknown Content-Encoding {encoding}. (UNKNOWN_COMPRESSION_METHOD)")


class _ZstdFrame:
    """One frame, decompressed in pieces, since zstandard takes no limit for what comes out."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self.eof = False
        self.unused_data = b""

    def decompress(self, data: bytes, bytes_max: int) -> bytes:
        whole = bytearray()
        for start in range(0, len(data), _ZSTD_PIECE):
            whole += self._frame.decompress(data[start : start + _ZSTD_PIECE])
            if self._frame.eof:
                self.eof = True
                self.unused_data = self._frame.unused_data + data[start + _ZSTD_PIECE :]
                break
            if len(whole) >= bytes_max:
                break
        return bytes(whole)


def _joined(body: bytes, bytes_max: int, open_frame: Callable[[], Any]) -> bytes:
    """All frames of a body, of which clickhouse-connect sends one a block."""
    whole = bytearray()
    rest: bytes | None = body
    while rest and len(whole) < bytes_max:
        frame = open_frame()
        whole += frame.decompress(rest, bytes_max - len(whole))
        if not frame.eof and len(whole) < bytes_max:
            raise EOFError("it ends too early")
        rest = frame.unused_data
    return bytes(whole)
