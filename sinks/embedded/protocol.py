"""ClickHouse's HTTP interface, read: from the parts of an HTTP request to one statement with all that belongs to it.

Pure: no engine, no sockets. Source of the rules: ClickHouse's documentation of its HTTP interface and what
clickhouse-connect, curl and JDBC clients send.
"""

import base64
import binascii
import re
import uuid
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import lz4.frame
import zstandard

from sinks.embedded.errors import (
    ACCESS_DENIED,
    INCORRECT_DATA,
    READONLY,
    TOO_MANY_BYTES,
    UNKNOWN_COMPRESSION,
    UNKNOWN_FORMAT,
    QueryRefused,
)

BODY_BYTES_MAX: Final = 1 << 30  # of a request body, decompressed: an insert of 50,000 wide rows has 20 MB
_ZSTD_PIECE: Final = 1 << 16

# Parameters of the URL that are not settings of the query.
_NOT_SETTINGS: Final = frozenset(
    "query database user password session_id session_timeout session_check query_id quota_key compress decompress "
    "default_format wait_end_of_query client_protocol_version role buffer_size send_progress_in_http_headers "
    "http_headers_progress_interval_ms enable_http_compression http_zlib_compression_level "
    "cancel_http_readonly_queries_on_client_close".split()
)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_BLANK: Final = rb"(?:\s|/\*.*?\*/|--[^\n]*(?:\n|$))*"
_IDENTIFIER: Final = rb"(?:\w+|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")"
# INSERT INTO table (columns) SETTINGS a = 1 FORMAT Name, then the data from the next line on.
_INSERT: Final = re.compile(
    _BLANK + rb"(INSERT\s+INTO\s+(?:TABLE\s+)?" + _IDENTIFIER + rb"(?:\s*\.\s*" + _IDENTIFIER + rb")?\s*"
    rb"(?:\((?:`(?:[^`\\]|\\.)*`|[^()`])*\)\s*)?"
    rb"(?:SETTINGS\s+(?:'(?:[^'\\]|\\.)*'|[^'])*?\s+)?)FORMAT\s+(\w+)(?:[ \t]*\r?\n|[ \t]+|$)",
    re.IGNORECASE | re.DOTALL,
)  # fmt: skip
_FORMAT: Final = re.compile(rb"\bFORMAT\s+(\w+)(?:\s+SETTINGS\b[^)]*?)?\s*;?\s*$", re.IGNORECASE)
_FIRST_WORD: Final = re.compile(_BLANK + rb"\(*\s*(\w+)", re.DOTALL)
_READS: Final = frozenset({b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN"})
_QUOTED: Final = re.compile(rb"'(?:[^'\\]|\\.)*'|/\*.*?\*/|--[^\n]*", re.DOTALL)
# What would reach beyond the database: files of this user and other machines. A server keeps them from HTTP by grants.
_OUTSIDE: Final = re.compile(
    rb"\b(file|fileCluster|url|urlCluster|s3|s3Cluster|gcs|hdfs|hdfsCluster|azureBlobStorage|remote|remoteSecure|mysql|"
    rb"postgresql|mongodb|redis|sqlite|odbc|jdbc|executable|executable_pool|python|deltaLake|iceberg\w*|hudi)\s*\(|"
    rb"\b(INFILE|OUTFILE)\b",
    re.IGNORECASE,
)
# Formats with which the engine's Python binding would answer Python objects.
_PYTHON_FORMATS: Final = frozenset({"dataframe", "arrowtable", "debug"})


class Statement(NamedTuple):
    """One statement for the engine. `data` is None unless it is an INSERT with data in `output_format`'s place."""

    sql: bytes
    data: bytes | None
    data_format: str
    output_format: str
    first_word: str


class Request(NamedTuple):
    """All of one HTTP request that matters."""

    statement: Statement | None  # None: nothing was asked
    database: str  # '' = the default
    parameters: dict[str, str]
    settings: dict[str, str]
    session_id: str
    session_timeout_s: int
    query_id: str
    compress: bool


def read_request(url: Mapping[str, str], headers: Mapping[str, str], body: bytes, reads_only: bool) -> Request:
    """`url` holds the query parameters, `body` is decompressed; `reads_only` for GET. Raises QueryRefused."""
    default_format = headers.get("X-ClickHouse-Format") or url.get("default_format") or "TabSeparated"
    statement = read_statement(url.get("query", "").encode(), body, default_format)
    if statement and reads_only and statement.first_word.encode() not in _READS:
        raise QueryRefused(
            READONLY, "Cannot execute query in readonly mode: use POST for what changes data. (READONLY)"
        )
    timeout = url.get("session_timeout", "60")
    return Request(
        statement=statement,
        database=url.get("database") or headers.get("X-ClickHouse-Database", ""),
        parameters={name[6:]: value for name, value in url.items() if name.startswith("param_")},
        settings={
            name: value
            for name, value in url.items()
            if name not in _NOT_SETTINGS and not name.startswith("param_") and _NAME.fullmatch(name)
        },
        session_id=url.get("session_id", ""),
        session_timeout_s=int(timeout) if timeout.isdecimal() else 60,
        query_id=url.get("query_id") or str(uuid.uuid4()),
        compress=url.get("enable_http_compression") == "1",
    )


def read_statement(query: bytes, body: bytes, default_format: str) -> Statement | None:
    """The URL's query and the body are one text, whichever holds what. Raises QueryRefused."""
    text = query.rstrip() + b"\n" + body if query.strip() and body else query.strip() or body
    if not text.strip():
        return None
    word = _FIRST_WORD.match(text)
    first_word = word[1].decode(errors="replace").upper() if word else ""
    insert = _INSERT.match(text)
    sql, data, data_format = (insert[1], text[insert.end() :], insert[2].decode()) if insert else (text, None, "")
    outside = _OUTSIDE.search(_QUOTED.sub(b" ", sql))
    if outside:
        named = (outside[1] or outside[2]).decode()
        raise QueryRefused(ACCESS_DENIED, f"{named} reaches outside of the database: not allowed here. (ACCESS_DENIED)")
    asked = _FORMAT.search(sql) if first_word != "INSERT" else None
    output_format = asked[1].decode() if asked else default_format
    if output_format.lower() in _PYTHON_FORMATS:
        raise QueryRefused(UNKNOWN_FORMAT, f"Unknown format {output_format}. (UNKNOWN_FORMAT)")
    return Statement(sql, data, data_format, output_format, first_word)


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


def compress(body: bytes, accepted: str) -> tuple[bytes, str]:
    """The body in the best encoding of an Accept-Encoding header, and that encoding ('' when left as it is)."""
    offered = {part.split(";")[0].strip() for part in accepted.split(",")}
    if len(body) > 1024:
        if "lz4" in offered:
            return lz4.frame.compress(body), "lz4"
        if "zstd" in offered:
            return zstandard.ZstdCompressor(level=1).compress(body), "zstd"
        if "gzip" in offered:
            packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)  # 16: gzip
            return packer.compress(body) + packer.flush(), "gzip"
    return body, ""
