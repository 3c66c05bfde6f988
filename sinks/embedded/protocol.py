"""ClickHouse's HTTP interface, read: from the parts of an HTTP request to a text with all that belongs to it.

Pure: no engine, no sockets. Source of the rules: ClickHouse's documentation of its HTTP interface and what
clickhouse-connect, curl and JDBC clients send.
"""

import base64
import binascii
import re
import uuid
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

import lz4.frame
import zstandard

from sinks.embedded.errors import (
    INCORRECT_DATA,
    TOO_MANY_BYTES,
    UNKNOWN_COMPRESSION,
    QueryRefused,
)

BODY_BYTES_MAX: Final = 1 << 30  # of a request body, decompressed: an insert of 50,000 wide rows has 20 MB
_ZSTD_PIECE: Final = 1 << 16

# Parameters of the URL that are not settings of the query.
_NOT_SETTINGS: Final = frozenset(
    "query database user password session_id session_timeout session_check query_id quota_key compress decompress "
    "default_format wait_end_of_query client_protocol_version role buffer_size send_progress_in_http_headers "
    "http_headers_progress_interval_ms enable_http_compression http_zlib_compression_level log_comment "
    "readonly "
    "cancel_http_readonly_queries_on_client_close".split()
)
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Request(NamedTuple):
    """All of one HTTP request that matters."""

    text: bytes  # the statement, an INSERT's with its data; b'' when nothing was asked
    default_format: str  # of the answer, when the statement names none
    database: str  # '' = the default, or the session's
    parameters: dict[str, str]
    settings: dict[str, str]
    readonly: str  # '0' unless it may only read; a setting, but the last to be set
    session_id: str
    session_timeout_s: int
    query_id: str
    compress: bool
    whole: bool  # the answer is to be ready before anything of it is sent


def read_request(url: Mapping[str, str], headers: Mapping[str, str], body: bytes, reads_only: bool) -> Request:
    """`url` holds the query parameters, `body` is decompressed; `reads_only` for GET. Raises QueryRefused.

    The URL's query and the body are one text, whichever holds what.
    """
    query = url.get("query", "").encode().strip()
    timeout, readonly = url.get("session_timeout", "60"), url.get("readonly", "0")
    return Request(
        text=(query + b"\n" + body if query and body else query or body) if (query or body.strip()) else b"",
        default_format=headers.get("X-ClickHouse-Format") or url.get("default_format") or "TabSeparated",
        database=url.get("database") or headers.get("X-ClickHouse-Database", ""),
        parameters={name[6:]: value for name, value in url.items() if name.startswith("param_")},
        settings={
            name: value
            for name, value in url.items()
            if name not in _NOT_SETTINGS and not name.startswith("param_") and _NAME.fullmatch(name)
        },
        readonly="2" if reads_only and readonly == "0" else readonly,
        session_id=url.get("session_id", ""),
        session_timeout_s=int(timeout) if timeout.isdecimal() else 60,
        query_id=url.get("query_id") or str(uuid.uuid4()),
        compress=url.get("enable_http_compression") == "1",
        whole=url.get("wait_end_of_query") == "1",
    )


def credentials(url: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    """User and password: X-ClickHouse headers before the URL before basic authentication."""
    user, password = "", ""
    authorization = headers.get("Authorization", "")
    if authorization.startswith("Basic "):
        try:
            user, _, password = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = "?"  # nobody's name
    user = headers.get("X-ClickHouse-User") or url.get("user") or user or "default"
    return user, headers.get("X-ClickHouse-Key") or url.get("password") or password


def decompress(body: bytes, encoding: str, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """A request body as it was before its Content-Encoding. Raises QueryRefused when it is damaged or too large."""
    if encoding in ("", "identity"):
        return body
    try:
        whole = _bounded(body, encoding, bytes_max + 1)
    except (RuntimeError, zlib.error, zstandard.ZstdError, EOFError) as error:
        raise QueryRefused(INCORRECT_DATA, f"Cannot decompress {encoding} body: {error}. (INCORRECT_DATA)") from error
    if len(whole) > bytes_max:
        raise QueryRefused(TOO_MANY_BYTES, f"Body above {bytes_max} bytes: send smaller inserts. (TOO_MANY_BYTES)")
    return whole


def _bounded(body: bytes, encoding: str, bytes_max: int) -> bytes:
    if encoding == "lz4":
        return _joined(body, bytes_max, lz4.frame.LZ4FrameDecompressor)
    if encoding == "zstd":
        return _joined(body, bytes_max, _ZstdFrame)
    if encoding in ("gzip", "deflate"):
        automatic = zlib.MAX_WBITS | 32  # gzip or zlib, by its header
        return _joined(body, bytes_max, lambda: zlib.decompressobj(automatic))
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


class Packer(Protocol):
    """Compresses what is put through it, piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """What of the compressed bytes is there so far."""

    def flush(self) -> bytes:
        """The rest."""


class _Lz4:
    """An LZ4 frame, whose beginning lz4 wants to be asked for."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        head = b"" if self._begun else self._frame.begin()
        self._begun = True
        return bytes(head + self._frame.compress(data))

    def flush(self) -> bytes:
        head = b"" if self._begun else self._frame.begin()
        return bytes(head + self._frame.flush())


# In the order in which they are taken.
_PACKERS: Final[Mapping[str, Callable[[], Packer]]] = {
    "lz4": _Lz4,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16),  # 16: gzip
}


def packer(accepted: str) -> tuple[Packer | None, str]:
    """A packer of the best encoding of an Accept-Encoding header, and its name; None and '' when there is none."""
    offered = {part.split(";")[0].strip() for part in accepted.split(",")}
    return next(((make(), name) for name, make in _PACKERS.items() if name in offered), (None, ""))
