"""ClickHouse's HTTP interface without a client library: one request, one answer."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPResponse, IncompleteRead
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit


class Told(NamedTuple):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


_ANSWER_S: Final = 150  # a reader's query ends after 60, where the machine has time for it
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def ask(
    url: str,
    sql: str | bytes,
    parameters: Mapping[str, str] = _NOTHING,
    headers: Mapping[str, str] = _NOTHING,
    get: bool = False,
) -> Told:
    """Sends a statement as the body of a POST, or in the URL of a GET; as the user that the URL names."""
    parts = urlsplit(url)
    text = sql.encode() if isinstance(sql, str) else sql
    sent = dict(headers)
    if parts.username:
        sent |= {"X-ClickHouse-User": parts.username, "X-ClickHouse-Key": parts.password or ""}
    address = f"http://{parts.hostname}:{parts.port}/?{urlencode({**parameters, **({'query': text} if get else {})})}"
    request = urllib.request.Request(address, None if get else text, sent)
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:  # noqa: S310
            return Told(answer.status, dict(answer.headers), _body(answer))
    except urllib.error.HTTPError as error:
        return Told(error.code, dict(error.headers), error.read())


def _body(answer: HTTPResponse) -> bytes:
    """All that came, also of an answer that broke off."""
    try:
        return answer.read()
    except IncompleteRead as cut:
        return cut.partial


def as_anyone(url: str) -> str:
    """The URL without its user and password."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
