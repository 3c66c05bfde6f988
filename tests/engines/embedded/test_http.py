"""The small print of ClickHouse's HTTP interface, as clients rely on it: what tests/clients shows, told one by one."""

import gzip
import json
import struct
import urllib.request
import zlib
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import lz4.frame
import pytest
import zstandard

from sinks.embedded.encodings import decoded
from sinks.embedded.errors import CODES_OF_STATUS
from sinks.embedded.frames import FrameEncoder, unframed
from sinks.embedded.native import NativeEncoder
from streams.embedded.clickhouse import EmbeddedClickHouse
from tests.support.plain_http import Told, as_anyone, ask

MAX = 1 << 30


@pytest.fixture
def anyone(clickhouse: str) -> str:
    return as_anyone(clickhouse)


def framed(data: bytes) -> bytes:
    encoder = FrameEncoder()
    return encoder.add(data) + encoder.end()


def form(url: str, files: dict[str, bytes], fields: dict[str, str]) -> Told:
    """A multipart request, as a browser's form sends it."""
    edge = "edge-of-a-part"
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [f'name="{name}"; filename="{name}"\r\n\r\n'.encode() + data for name, data in files.items()]
    head = f"--{edge}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(head + part + b"\r\n" for part in parts) + f"--{edge}--\r\n".encode()
    return ask(url, body, headers={"Content-Type": f"multipart/form-data; boundary={edge}"})


def test_the_codes_of_a_status_are_the_engines(anyone: str) -> None:
    for codes in CODES_OF_STATUS.values():
        names, numbers = codes.split()[::2], codes.split()[1::2]
        told = ask(anyone, f"SELECT errorCodeToName(arrayJoin([{','.join(numbers)}]))").body.decode().split()
        assert told == names


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT 1 SETTINGS nope = 1", 404, 115),
        ("SELECT 1 FORMAT Nope", 404, 73),
        ("SELECT * FROM nowhere", 404, 60),
        ("SELEC 1", 400, 62),
        ("SELECT [1, 'a']", 500, 386),
        ("SELECT throwIf(1)", 500, 395),
        ("DROP TABLE posventa.journeys", 403, 497),
    ],
)
def test_an_error_has_a_servers_status_and_is_said_once(anyone: str, sql: str, status: int, code: int) -> None:
    for url in ({}, {"compress": "1"}):
        told = ask(anyone, sql, url)
        assert (told.status, told.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
        body = unframed(told.body, MAX) if url and status != 403 else told.body
        assert body.startswith(f"Code: {code}. DB::Exception: ".encode())
        assert body.count(b"DB::Exception") == 1


def test_answers_are_framed_and_bodies_unframed(clickhouse: str, anyone: str) -> None:
    assert unframed(ask(anyone, "SELECT 1", {"compress": "1"}).body, MAX) == b"1\n"
    many = unframed(ask(anyone, "SELECT number FROM numbers(1000000)", {"compress": "1"}).body, MAX)
    assert many.count(b"\n") == 1_000_000
    packed = framed(b"CREATE TABLE framed (a Int8) ENGINE = MergeTree ORDER BY a")
    assert ask(clickhouse, packed, {"decompress": "1"}).status == 200
    rows = framed(b"1\n2\n")
    assert ask(clickhouse, rows, {"decompress": "1", "query": "INSERT INTO framed FORMAT TSV"}).status == 200
    damaged = bytes(16) + rows[16:]
    told = ask(clickhouse, damaged, {"decompress": "1", "query": "INSERT INTO framed FORMAT TSV"})
    assert (told.status, told.headers["X-ClickHouse-Exception-Code"]) == (500, "40")
    unverified = {"http_native_compression_disable_checksumming_on_decompress": "1"}
    assert (
        ask(clickhouse, damaged, {"decompress": "1", "query": "INSERT INTO framed FORMAT TSV", **unverified}).status
        == 200
    )
    assert ask(clickhouse, "SELECT sum(a) FROM framed").body == b"6\n"
    assert ask(clickhouse, "DROP TABLE framed").status == 200


def test_a_body_that_is_not_what_it_says_is_refused_and_nothing_is_done(clickhouse: str) -> None:
    told = ask(clickhouse, "CREATE TABLE silent (a Int8) ENGINE = MergeTree ORDER BY a", {"decompress": "1"})
    assert told.status == 500
    claim = bytes(16) + struct.pack("<BII", 0x90, 9 + 4, 1 << 31) + b"1234"
    told = ask(
        clickhouse, claim, {"decompress": "1", "http_native_compression_disable_checksumming_on_decompress": "1"}
    )
    assert told.status == 413
    assert ask(clickhouse, "EXISTS TABLE silent").body == b"0\n"


@pytest.mark.parametrize(
    "kind",
    "String LowCardinality(Nullable(String)) Array(LowCardinality(String)) Map(String,Array(Nullable(String))) "
    "Tuple(String,Array(UInt8)) Decimal(38,4) DateTime64(3) UUID FixedString(5) Enum8('a,b)'=1) Point Nullable(Date) "
    "Array(Tuple(LowCardinality(String),Int256)) Polygon".split(),
)
@pytest.mark.parametrize("rows", [0, 1, 70_000])
def test_native_of_a_later_revision_is_whole(anyone: str, kind: str, rows: int) -> None:
    source = "generateRandom('a " + kind.replace("'", "\\'") + "', 1, 5, 3)"
    sql = f"SELECT a, 7::UInt8 AS b FROM {source} LIMIT {rows} FORMAT Native"
    settings = {"allow_suspicious_low_cardinality_types": "1", "max_threads": "1"}  # the same blocks twice
    plain = ask(anyone, sql, settings).body
    told = ask(anyone, sql, {"client_protocol_version": "54460", **settings})
    encoder = NativeEncoder(54460)
    assert told.body == encoder.add(plain) + encoder.end()
    assert told.body.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00\x02") == (rows > 0)
    assert told.body.count(b"\x01b\x05UInt8\x00") >= (rows > 0)


def test_a_type_that_native_cannot_be_written_of_is_refused(anyone: str) -> None:
    told = ask(
        anyone, "SELECT sumState(number) AS s FROM numbers(3) FORMAT Native", {"client_protocol_version": "54460"}
    )
    assert (told.status, told.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
    assert b"Column s is of type AggregateFunction(sum, UInt64)" in told.body


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
        ("CSV", "text/csv; charset=UTF-8; header=absent"),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
        ("csvwithnames", "text/csv; charset=UTF-8; header=present"),
        ("JSON", "application/json; charset=UTF-8"),
        ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
        ("Parquet", "application/octet-stream"),
        ("Native", "application/octet-stream"),
        ("RowBinary", "application/octet-stream"),
        ("ArrowStream", "application/octet-stream"),
        ("XML", "application/xml; charset=UTF-8"),
        ("Markdown", "text/plain; charset=UTF-8"),
    ],
)
def test_the_content_type_is_the_formats(anyone: str, name: str, content_type: str) -> None:
    for told in (ask(anyone, f"SELECT 1 FORMAT {name}"), ask(anyone, "SELECT 1", {"default_format": name})):
        assert told.headers["Content-Type"] == content_type
        assert told.headers["X-ClickHouse-Format"].lower() == name.lower()


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip", "deflate"])
def test_whoever_accepts_an_encoding_and_asks_for_it_gets_it(anyone: str, encoding: str) -> None:
    accepted = {"Accept-Encoding": f"br, {encoding}"}
    for sql, whole in (
        ("SELECT 1", b"1\n"),
        ("SELECT repeat('a', 99999) FROM numbers(30)", (b"a" * 99_999 + b"\n") * 30),
    ):
        told = ask(anyone, sql, {"enable_http_compression": "1"}, accepted)
        assert told.headers["Content-Encoding"] == encoding
        assert decoded(told.body, encoding, MAX) == whole
    assert ask(anyone, "SELECT 1", headers=accepted).body == b"1\n"  # a server packs nothing unless it is asked to
    nothing = ask(anyone, "SELECT 1 LIMIT 0", {"enable_http_compression": "1"}, accepted)
    assert (nothing.body, nothing.headers.get("Content-Encoding")) == (b"", None)
    refused = ask(anyone, "SELECT nope", {"enable_http_compression": "1"}, accepted)
    assert b"Code: 47." in decoded(refused.body, encoding, MAX)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("lz4", lz4.frame.compress), ("zstd", zstandard.compress)],
)
def test_bodies_come_in_any_of_them(anyone: str, encoding: str, pack: object) -> None:
    assert callable(pack)
    assert ask(anyone, pack(b"SELECT 1"), headers={"Content-Encoding": encoding}).body == b"1\n"


def test_a_query_brings_tables_along(anyone: str) -> None:
    fields = {"query": "SELECT sum(id), any(text) FROM ids, more", "ids_format": "CSV", "ids_structure": "id Int64"}
    files = {"ids": b"1\n2\n", "more": b"7\tx\n"}
    told = form(anyone, files, fields | {"more_structure": "n Int8, text String DEFAULT 'y'", "default_format": "CSV"})
    assert told.body == b'3,"x"\n'
    told = form(anyone, {"t": b"1\tb\n"}, {"query": "SELECT _1, _2 FROM t", "t_types": "Int8, LowCardinality(String)"})
    assert told.body == b"1\tb\n"
    assert ask(anyone, "SELECT * FROM ids").status == 404  # for one query alone


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "36"),
        ({"t_structure": "id Nope"}, "50"),
        ({"t_structure": "id Int8) ENGINE = File(CSV"}, "62"),
        ({"t_structure": "id Int8", "t_format": "Nope"}, "73"),
        ({"t_structure": "id Int8"}, "27"),
    ],
)
def test_a_table_that_cannot_be_made_is_refused(anyone: str, fields: dict[str, str], code: str) -> None:
    told = form(anyone, {"t": b"x\n"}, {"query": "SELECT * FROM t"} | fields)
    assert told.headers["X-ClickHouse-Exception-Code"] == code, told.body


def test_a_table_that_was_brought_along_is_gone_in_the_sessions_next_query(anyone: str) -> None:
    brought = {"query": "SELECT count() FROM t", "session_id": "brought", "t_structure": "a Int8"}
    for _ in range(2):
        assert form(anyone, {"t": b"1\n"}, brought).body == b"1\n"
    for wrong in ({"query": "SELECT nope FROM t"}, {"database": "nowhere"}, {"nope": "1"}, {"t_format": "JSONEachRow"}):
        assert form(anyone, {"t": b"1\n"}, brought | wrong).status >= 400
        assert ask(anyone, "SELECT * FROM t", {"session_id": "brought"}).status == 404


def test_no_reader_makes_a_table_of_a_session(anyone: str) -> None:
    assert ask(anyone, "CREATE TEMPORARY TABLE mine (a Int8)", {"session_id": "mine"}).status == 403


def test_a_session_can_be_asked_to_be_there_and_to_end(anyone: str) -> None:
    told = ask(anyone, "SELECT 1", {"session_id": "nobodys", "session_check": "1"})
    assert (told.status, told.headers["X-ClickHouse-Exception-Code"]) == (500, "372")
    asked = "SELECT getSetting('max_block_size') = 77"
    assert ask(anyone, "SET max_block_size = 77", {"session_id": "checked"}).status == 200
    assert ask(anyone, asked, {"session_id": "checked", "session_check": "1"}).body == b"1\n"
    assert ask(anyone, asked, {"session_id": "checked", "close_session": "1"}).body == b"1\n"
    assert ask(anyone, asked, {"session_id": "checked", "session_check": "1"}).status == 500
    assert ask(anyone, asked, {"session_id": "checked"}).body == b"0\n"


def test_an_error_in_the_middle_is_told_at_the_end_of_what_was_sent(anyone: str) -> None:
    sql = "SELECT throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_block_size = 65536"
    parts = urlsplit(anyone)
    with urllib.request.urlopen(f"http://{parts.netloc}/", sql.encode(), timeout=60) as answer:
        tag, body = answer.headers["X-ClickHouse-Exception-Tag"], b""
        try:
            while piece := answer.read1(1 << 16):
                body += piece
        except HTTPException:
            pass  # it has no end
    assert answer.status == 200
    assert body.startswith(b"0\n0\n")
    head, _, rest = body.partition(f"\r\n__exception__\r\n{tag}\r\n".encode())
    assert rest.startswith(b"Code: 395. DB::Exception: ")
    assert rest.endswith(f" {tag}\r\n__exception__\r\n".encode())
    assert set(head.split(b"\n")) == {b"0", b""}
    whole = ask(anyone, sql, {"wait_end_of_query": "1"})
    assert (whole.status, whole.headers["X-ClickHouse-Exception-Code"]) == (500, "395")


def test_headers_tell_what_a_servers_tell(clickhouse: str) -> None:
    told = ask(clickhouse, "SELECT sum(number) FROM numbers(10)", {"query_id": "mine"})
    assert told.headers["X-ClickHouse-Query-Id"] == "mine"
    assert told.headers["X-ClickHouse-Timezone"] == "UTC"
    assert told.headers["X-ClickHouse-Server-Display-Name"] == "posventa"
    assert len(told.headers["X-ClickHouse-Exception-Tag"]) == 16
    summary = json.loads(told.headers["X-ClickHouse-Summary"])  # clickhouse-jdbc takes no result_rows for no rows
    assert (summary["read_rows"], summary["result_rows"], summary["written_rows"]) == ("10", "1", "0")
    ask(clickhouse, "CREATE TABLE told (a Int8) ENGINE = MergeTree ORDER BY a")
    told = ask(clickhouse, b"1\n2\n", {"query": "INSERT INTO told FORMAT CSV"})
    assert json.loads(told.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert "X-ClickHouse-Format" not in told.headers
    ask(clickhouse, "DROP TABLE told")


def test_times_are_in_utc_wherever_the_machine_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    server = EmbeddedClickHouse(tmp_path / "clickhouse")
    server.start()
    try:
        told = ask(server.open_url, "SELECT timezone(), toDateTime(0)")
        assert (told.headers["X-ClickHouse-Timezone"], told.body) == ("UTC", b"UTC\t1970-01-01 00:00:00\n")
    finally:
        server.stop()
