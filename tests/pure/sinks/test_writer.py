"""The writer without a server: what it asks of nobody, and what it says when nobody answers."""

import socket

import pytest

from sinks.errors import SinkUnavailable
from sinks.tables import COMMENTS
from sinks.writer import Writer


def test_an_empty_insert_asks_nothing_of_anybody() -> None:
    Writer("http://127.0.0.1:1").insert(COMMENTS, [])


def test_a_server_that_is_away_may_be_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(SinkUnavailable, match=f"127.0.0.1:{port}"):
        Writer(f"http://user:hidden@127.0.0.1:{port}").positions([0])
