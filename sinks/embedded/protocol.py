"""ClickHouse's HTTP interface, read: from the parts of an HTTP request to a text with all that belongs to it.

Pure: no engine, no sockets. Source of the rules: ClickHouse's documentation of its HTTP interface and what
clickhouse-connect, curl and JDBC clients send.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from typing import Final, NamedTuple

from sinks.embedded.encodings import decoded
from sinks.embedded.errors import BAD_ARGUMENTS, QueryRefused
from sinks.embedded.external import ExternalTable, take_external
from sinks.embedded.frames import unframed

BODY_BYTES_MAX: Final = 1 << 30  # of a request body, decompressed: an insert of 50,000 wide rows has 20 MB

# Parameters of the URL that are not settings of the query.
_NOT_SETTINGS: Final = frozenset(
    "query database user password session_id session_timeout session_check close_session query_id quota_key compress "
    "decompress http_native_compression_disable_checksumming_on_decompress default_format wait_end_of_query "
    "http_wait_end_of_query client_protocol_version role buffer_size stacktrace send_progress_in_http_headers "
    "http_headers_progress_interval_ms enable_http_compression http_zlib_compression_level log_comment readonly "
    "cancel_http_readonly_queries_on_client_close".split()
)
_NO_FILES: Final[Mapping[str, bytes]] = {}
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
    session_check: bool  # the session is to be there already
    session_ends: bool  # with this request
    query_id: str
    compress: bool  # as HTTP has it, by what the client accepts
    framed: bool  # the answer is to be in ClickHouse's own compressed frames
    revision: int  # of the client's protocol, for the format Native; 0 = it says none
    whole: bool  # the answer is to be ready before anything of it is sent
    external: list[ExternalTable]  # that it brings along


def read_body(url: Mapping[str, str], headers: Mapping[str, str], body: bytes, bytes_max: int) -> bytes:
    """A body as it was before the client packed it. Raises QueryRefused when it is damaged or too large."""
    body = decoded(body, headers.get("Content-Encoding", "").strip().lower(), bytes_max)
    if _is_on(url, "decompress"):
        verified = not _is_on(url, "http_native_compression_disable_checksumming_on_decompress")
        body = unframed(body, bytes_max, verified)
    return body


def read_request(
    url: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    reads_only: bool,
    files: Mapping[str, bytes] = _NO_FILES,
) -> Request:
    """`url` holds the query parameters, `body` is as read_body has it; `reads_only` for GET. Raises QueryRefused.

    The URL's query and the body are one text, whichever holds what. `files` are those of a multipart request.
    """
    url = dict(url)
    external = take_external(files, url)
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
        session_check=_is_on(url, "session_check"),
        session_ends=_is_on(url, "close_session"),
        query_id=url.get("query_id") or str(uuid.uuid4()),
        compress=_is_on(url, "enable_http_compression"),
        framed=_is_on(url, "compress"),
        revision=_number(url, "client_protocol_version"),
        whole=_is_on(url, "wait_end_of_query") or _is_on(url, "http_wait_end_of_query"),
        external=external,
    )


def _is_on(url: Mapping[str, str], name: str) -> bool:
    return url.get(name, "").lower() in ("1", "true")


def _number(url: Mapping[str, str], name: str) -> int:
    value = url.get(name) or "0"
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise QueryRefused(BAD_ARGUMENTS, f"{name}={value}: expected a number. (BAD_ARGUMENTS)")
    return int(value)


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
