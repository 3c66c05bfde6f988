"""ClickHouse's HTTP interface, read: pure functions, no engine."""

import gzip

import pytest

from sinks.embedded.errors import QueryRefused, from_engine
from sinks.embedded.frames import FrameEncoder
from sinks.embedded.protocol import credentials, read_body, read_request

NATIVE = bytes(range(256))


def test_the_query_and_the_body_are_one_text() -> None:
    def text(query: str, body: bytes) -> bytes:
        return read_request({"query": query}, {}, body, reads_only=False).text

    assert text("INSERT INTO t FORMAT Native ", NATIVE) == b"INSERT INTO t FORMAT Native\n" + NATIVE
    assert text("", b"SELECT 1") == b"SELECT 1"
    assert text("SELECT 1", b"") == b"SELECT 1"
    assert text("", b"  \n") == b""


def test_get_and_readonly_only_read() -> None:
    def readonly(mode: str, reads_only: bool) -> str:
        return read_request({"query": "SELECT 1", "readonly": mode}, {}, b"", reads_only).readonly

    assert [readonly(mode, reads_only=True) for mode in "012"] == ["2", "1", "2"]
    assert [readonly(mode, reads_only=False) for mode in "012"] == ["0", "1", "2"]


def test_parameters_settings_and_session_are_told_apart() -> None:
    url = {
        "query": "SELECT 1",
        "param_a": "x",
        "max_threads": "1",
        "session_id": "s",
        "session_timeout": "9",
        "database": "d",
    }
    request = read_request(url, {}, b"", reads_only=True)
    assert request.parameters == {"a": "x"}
    assert request.settings == {"max_threads": "1"}
    assert (request.session_id, request.session_timeout_s, request.database) == ("s", 9, "d")


def test_a_setting_that_is_no_name_never_reaches_sql() -> None:
    assert read_request({"query": "SELECT 1", "a = 1; DROP": "x"}, {}, b"", reads_only=True).settings == {}


def test_credentials_come_from_headers_url_or_basic_authentication() -> None:
    basic = {"Authorization": "Basic dTpwOnE="}  # u:p:q
    assert credentials({}, {}) == ("default", "")
    assert credentials({}, basic) == ("u", "p:q")
    assert credentials({"user": "v", "password": "w"}, basic) == ("v", "w")
    assert credentials({}, {"X-ClickHouse-User": "x", "X-ClickHouse-Key": "y"}) == ("x", "y")
    assert credentials({}, {"Authorization": "Basic ?"})[0] != "default"


def test_a_body_is_unpacked_as_its_headers_and_its_url_say() -> None:
    framed = FrameEncoder()
    frames = framed.add(NATIVE) + framed.end()
    damaged = bytes(16) + frames[16:]
    unverified = {"decompress": "1", "http_native_compression_disable_checksumming_on_decompress": "1"}
    assert read_body({}, {}, NATIVE, len(NATIVE)) == NATIVE
    assert read_body({"decompress": "0"}, {"Content-Encoding": " GZIP"}, gzip.compress(NATIVE), len(NATIVE)) == NATIVE
    assert read_body({"decompress": "1"}, {}, frames, len(NATIVE)) == NATIVE
    assert read_body({"decompress": "1"}, {"Content-Encoding": "gzip"}, gzip.compress(frames), len(frames)) == NATIVE
    assert read_body(unverified, {}, damaged, len(NATIVE)) == NATIVE
    with pytest.raises(QueryRefused) as refused:
        read_body({"decompress": "1"}, {}, damaged, len(NATIVE))
    assert refused.value.code == 40


def test_what_belongs_to_a_session_or_an_answer_is_no_setting() -> None:
    url = {"session_check": "1", "close_session": "true", "compress": "1", "stacktrace": "1", "query": "SELECT 1"}
    request = read_request(url | {"client_protocol_version": "54460"}, {}, b"", reads_only=True)
    assert (request.session_check, request.session_ends, request.framed, request.revision) == (True, True, True, 54460)
    assert request.settings == {}


def test_an_error_of_the_engine_keeps_its_code_and_text() -> None:
    refused = from_engine("x: Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)")
    assert (refused.code, refused.status) == (60, 404)
    assert str(refused) == "Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)"
    assert from_engine("who knows").status == 500


def test_an_error_that_the_engine_says_three_times_is_told_once() -> None:
    part = "(UNKNOWN_FORMAT) (version 26.9.2.1)."
    refused = from_engine(f"{'Code: 73. DB::Exception: ' * 3}Unknown format Nope. {part} {part} (UNKNOWN_FORMAT)")
    assert str(refused) == "Code: 73. DB::Exception: Unknown format Nope. (UNKNOWN_FORMAT)"
