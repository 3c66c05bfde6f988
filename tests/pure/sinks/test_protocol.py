"""ClickHouse's HTTP interface, read: pure functions, no engine."""

import gzip
import zlib

import lz4.frame
import pytest
import zstandard

from sinks.embedded.errors import QueryRefused, from_engine
from sinks.embedded.protocol import credentials, decompress, packer, read_request

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


_PACKED = {
    "lz4": lz4.frame.compress(NATIVE * 999),
    "zstd": zstandard.ZstdCompressor().compress(NATIVE * 999),
    "gzip": gzip.compress(NATIVE * 999),
    "deflate": zlib.compress(NATIVE * 999),
}


@pytest.mark.parametrize("encoding", _PACKED)
def test_bodies_are_unpacked_within_the_limit_and_never_half(encoding: str) -> None:
    packed = _PACKED[encoding]
    assert decompress(packed, encoding, bytes_max=len(NATIVE) * 999) == NATIVE * 999
    assert decompress(packed + packed, encoding) == NATIVE * 999 * 2  # a frame a block, as clickhouse-connect sends it
    with pytest.raises(QueryRefused) as large:
        decompress(packed, encoding, bytes_max=len(NATIVE) * 999 - 1)
    assert large.value.status == 413
    for damaged in (packed[: len(packed) // 2], packed[:-1], b"no such thing"):
        with pytest.raises(QueryRefused) as broken:
            decompress(damaged, encoding)
        assert broken.value.code == 117


@pytest.mark.parametrize("accepted", ["lz4, gzip", "zstd;q=1", "gzip, deflate", "identity", ""])
def test_what_is_packed_for_a_client_can_be_unpacked(accepted: str) -> None:
    pack, encoding = packer(accepted)
    assert encoding in accepted
    assert bool(encoding) == (accepted not in ("identity", ""))
    if pack is not None:
        packed = pack.compress(NATIVE * 99) + pack.compress(NATIVE) + pack.flush()
        assert decompress(packed, encoding) == NATIVE * 100


def test_an_error_of_the_engine_keeps_its_code_and_text() -> None:
    refused = from_engine("x: Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)")
    assert (refused.code, refused.status) == (60, 404)
    assert str(refused) == "Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)"
    assert from_engine("who knows").status == 500
