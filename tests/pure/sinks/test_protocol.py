"""ClickHouse's HTTP interface, read: pure functions, no engine."""

import gzip
import zlib

import lz4.frame
import pytest
import zstandard

from sinks.embedded.errors import QueryRefused, from_engine
from sinks.embedded.protocol import compress, credentials, decompress, read_request, read_statement

NATIVE = bytes(range(256))


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b"INSERT INTO t FORMAT Native\n" + NATIVE),
        (b"INSERT INTO t FORMAT Native", NATIVE),
        (b"INSERT INTO t FORMAT Native\n", NATIVE),
        (b"", b"/* who */ insert into `d`.`t` (`a(b)`, `c`) Format Native\n" + NATIVE),
        (b"", b"-- who\nINSERT INTO TABLE d.t (a) SETTINGS x = 'FORMAT CSV', y = 1 FORMAT Native\r\n" + NATIVE),
    ],
)
def test_binary_data_of_an_insert_arrives_byte_for_byte(query: bytes, body: bytes) -> None:
    statement = read_statement(query, body, "TabSeparated")
    assert statement is not None
    assert statement.data == NATIVE
    assert statement.data_format == "Native"
    assert statement.first_word == "INSERT"
    assert b"FORMAT Native" not in statement.sql


def test_the_word_format_inside_a_value_is_no_format_clause() -> None:
    text = b"INSERT INTO t VALUES ('see FORMAT CSV\nfile(1)')"
    statement = read_statement(b"", text, "TabSeparated")
    assert statement is not None
    assert statement.data is None
    assert statement.sql == text


@pytest.mark.parametrize(
    ("sql", "output_format"),
    [
        (b"SELECT 1", "TabSeparated"),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 format JSONEachRow ;\n", "JSONEachRow"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        (b"SELECT ' FORMAT JSON'", "TabSeparated"),
    ],
)
def test_the_answers_format_is_the_statements_own_before_the_default(sql: bytes, output_format: str) -> None:
    statement = read_statement(b"", sql, "TabSeparated")
    assert statement is not None
    assert statement.output_format == output_format


@pytest.mark.parametrize("nothing", [b"", b"  \n"])
def test_no_text_is_no_statement(nothing: bytes) -> None:
    assert read_statement(nothing, nothing, "CSV") is None


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT * FROM file('/etc/passwd')",
        b"SELECT * FROM /* x */ URL ('http://elsewhere')",
        b"CREATE TABLE t (a Int8) ENGINE = File(CSV)",
        b"SELECT 1 INTO OUTFILE '/tmp/x'",
        b"INSERT INTO FUNCTION file('x') SELECT 1",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
    ],
)
def test_nothing_reaches_outside_of_the_database(sql: bytes) -> None:
    with pytest.raises(QueryRefused) as refused:
        read_statement(b"", sql, "CSV")
    assert refused.value.code == 497


def test_get_only_reads() -> None:
    assert read_request({"query": "/* x */ WITH 1 AS a SELECT a"}, {}, b"", reads_only=True).statement
    with pytest.raises(QueryRefused) as refused:
        read_request({"query": "DROP TABLE t"}, {}, b"", reads_only=True)
    assert (refused.value.code, refused.value.status) == (164, 403)


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
    body, encoding = compress(NATIVE * 99, accepted)
    assert decompress(body, encoding) == NATIVE * 99
    assert encoding in accepted
    assert bool(encoding) == (accepted not in ("identity", ""))


def test_an_error_of_the_engine_keeps_its_code_and_text() -> None:
    refused = from_engine("x: Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)")
    assert (refused.code, refused.status) == (60, 404)
    assert str(refused) == "Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)"
    assert from_engine("who knows").status == 500
