"""Connections to ClickHouse over HTTP: to a server, or to the embedded engine, which speaks the same.

The database is always `posventa`, times come back as aware datetimes in UTC, and no message shows a password.
"""

import logging
from contextlib import AbstractContextManager, closing
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors
from sinks.tables import DATABASE

CONNECT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 60  # a flush takes well under a second; a report over years takes seconds

logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)  # it warns of what it then raises


def connect(url: str, database: str = DATABASE, answer_s: int = ANSWER_TIMEOUT_S) -> Client:
    """A client for one thread. `url` is http(s)://user:password@host:port, as Settings have it.

    Raises SinkUnavailable when nothing answers there, SinkRefused when it is not for us.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    with sink_errors(f"connecting to {address(url)}"):
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            secure=secure,
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=database,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=answer_s,
            autogenerate_session_id=False,  # a session would lock out the next query of the same client
            tz_mode="aware",
        )


def connected(url: str, answer_s: int = ANSWER_TIMEOUT_S) -> AbstractContextManager[Client]:
    """A client for the length of a `with`, that waits so long for an answer. Raises as connect() does."""
    return closing(connect(url, answer_s=answer_s))


def address(url: str) -> str:
    """Host and port of a URL: what may be shown."""
    return urlsplit(url).netloc.rpartition("@")[2]
