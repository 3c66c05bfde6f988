"""The embedded ClickHouse's door: what anyone on this machine may do there, and what nobody may."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from sinks.embedded.rights import SYSTEM_KEPT_FROM_READERS, readable_views
from sinks.migrate import migrate
from streams.embedded.clickhouse import clickhouse_answers
from tests.support.plain_http import as_anyone, ask
from tests.support.processes import until

CANARY: Final = "canary-4711"
_SLOW: Final = (
    "SELECT sleepEachRow(3) FROM numbers(100) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 100000000"
)


@pytest.fixture(scope="module")
def writer(clickhouse: str) -> str:
    """The URL of who may write, in a ClickHouse with the schema and a table of a user's own."""
    migrate(clickhouse)
    ask(clickhouse, "CREATE TABLE default.mine (a Int64) ENGINE = MergeTree ORDER BY a")
    ask(clickhouse, "INSERT INTO default.mine VALUES (1)")
    return clickhouse


@pytest.fixture(scope="module")
def reader(writer: str) -> str:
    return as_anyone(writer)


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose content must never be in an answer, in a directory to which nothing may be added."""
    file = tmp_path_factory.mktemp("outside") / "canary"
    file.write_text(f"{CANARY}\n")
    return file


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """What listens where nothing may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


def _answer(url: str, sql: str) -> str:
    told = ask(url, sql)
    assert told.status == 200, told.body
    return told.body.decode()


def _tables(writer: str) -> str:
    return _answer(
        writer, "SELECT database, name FROM system.tables WHERE database IN ('posventa', 'default') ORDER BY ALL"
    )


def _running(writer: str, text: str) -> int:
    return int(_answer(writer, f"SELECT count() FROM system.processes WHERE query LIKE '{text}%'"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DROP DATABASE posventa",
        "SELECT 1; SYSTEM SHUTDOWN",
        "SELECT 1; DROP TABLE default.mine",
        "EXPLAIN SELECT 1; DROP TABLE default.mine",
        "SELECT 1;;; -- x\nDROP TABLE default.mine",
        "SELECT 1; CREATE TABLE default.pwned (a Int8) ENGINE = Memory",
        "WITH 1 AS x INSERT INTO default.mine SELECT x",
        "INSERT INTO default.mine VALUES (2)",
        "/* SELECT */ DROP TABLE default.mine",
        "EXPLAIN AST INSERT INTO default.mine FORMAT TSV\n2\n\nSET ROLE writer\n\nDROP TABLE default.mine\n",
        "EXPLAIN INSERT INTO default.mine VALUES (2)\n\nSET ROLE writer;\nDROP TABLE default.mine",
        "SELECT 1; INSERT INTO FUNCTION `file`('pwned.txt', 'LineAsString', 'l String') VALUES ('x')",
    ],
)
def test_a_get_changes_nothing_whoever_asks(writer: str, reader: str, sql: str) -> None:
    before = _tables(writer)
    for url in (reader, writer):
        answered = ask(url, sql, get=True)
        assert answered.status >= 400 or sql.startswith("EXPLAIN")
        assert ask(url, sql, get=True, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    ask(reader, sql)
    assert (_tables(writer), _answer(writer, "SELECT sum(a) FROM default.mine")) == (before, "1\n")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)]
)
def test_a_browser_asks_for_its_user_or_for_a_page_of_this_address(reader: str, site: str, status: int) -> None:
    for get in (True, False):
        assert ask(reader, "SELECT 1", get=get, headers={"Sec-Fetch-Site": site}).status == status


_FILES: Final = [
    "SELECT * FROM '{canary}'",
    "SELECT * FROM `{canary}`",
    "SELECT * FROM files_of_nobody.`{canary}`",
    "SELECT * FROM `file`('{canary}', LineAsString)",
    "SELECT * FROM \"file\"('{canary}', LineAsString)",
    "SELECT `file`('{canary}')",
    "SELECT file('{canary}')",
    "SELECT 1 AS `'`, (SELECT any(c) FROM file('{canary}', LineAsString, 'c String')) AS `'x`",
    "SELECT $$'$$, (SELECT any(c) FROM file('{canary}', LineAsString, 'c String')), $$'$$",
    "SELECT * FROM filesystem('{directory}')",
    "DESCRIBE TABLE file('{canary}', CSV)",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{canary}'",
    "SELECT 1 FORMAT Protobuf SETTINGS format_schema = '{canary}:M'",
    "SELECT 1 INTO OUTFILE '{directory}/written'",
    "SELECT 1 INTO/**/OUTFILE '{directory}/written' TRUNCATE",
    "CREATE DATABASE fs ENGINE = Filesystem('{directory}')",
    "CREATE TABLE default.f (l String) ENGINE = `File`(LineAsString, '{canary}')",
    "INSERT INTO FUNCTION file('{directory}/written', CSV, 'a Int8') SELECT 1",
    "INSERT INTO default.mine FROM INFILE '{canary}' FORMAT CSV",
    "BACKUP DATABASE posventa TO File('{directory}/written')",
]
_SERVERS: Final = [
    "SELECT * FROM `url`('http://{server}/', CSV, 'a String')",
    "DESCRIBE TABLE url('http://{server}/', CSV)",
    "SELECT * FROM `remote`('{server}', 'system.one')",
    "SELECT * FROM s3('http://{server}/b/x.csv')",
    "SELECT * FROM mysql('{server}', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('{server}', 'a', 'b', 'c', 'd')",
    "INSERT INTO FUNCTION url('http://{server}/', CSV, 'a Int8') SELECT 1",
    "CREATE DATABASE d ENGINE = MySQL('{server}', 'a', 'b', 'c')",
    "CREATE TABLE default.k (l String) ENGINE = Kafka('{server}', 't', 'g', 'LineAsString')",
    "CREATE DICTIONARY default.d (a UInt64) PRIMARY KEY a SOURCE(HTTP(url 'http://{server}/' format 'CSV')) "
    "LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY default.d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(host '127.0.0.1' port {port} table 't')) "
    "LAYOUT(FLAT()) LIFETIME(0)",
]


@pytest.mark.parametrize("sql", _FILES)
def test_no_statement_reaches_a_file_whoever_asks(writer: str, reader: str, canary: Path, sql: str) -> None:
    before = _tables(writer)
    for url in (reader, writer):
        told = ask(url, sql.format(canary=canary, directory=canary.parent))
        assert told.status >= 400
        assert CANARY.encode() not in told.body
    assert [file.name for file in canary.parent.iterdir()] == ["canary"]
    assert _tables(writer) == before


@pytest.mark.parametrize("sql", _SERVERS)
def test_no_statement_connects_to_another_server_whoever_asks(
    writer: str, reader: str, listener: socket.socket, sql: str
) -> None:
    port = listener.getsockname()[1]
    for url in (reader, writer):
        assert ask(url, sql.format(server=f"127.0.0.1:{port}", port=port)).status >= 400
    with pytest.raises(TimeoutError):
        listener.accept()


def test_anyone_reads_the_views_and_what_clients_ask_for_and_nothing_else(writer: str, reader: str) -> None:
    assert _answer(reader, "SHOW TABLES FROM posventa").split() == sorted(readable_views())
    assert _answer(
        reader, "SELECT DISTINCT database FROM system.columns WHERE database != 'system' ORDER BY 1"
    ).split() == [*("INFORMATION_SCHEMA", "information_schema", "posventa")]
    assert _answer(reader, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'posventa'")
    assert ask(reader, "SELECT * FROM posventa.freshness_now").status == 200
    assert ask(reader, "SELECT * FROM posventa.affiliate_rolling_at(at = '2026-01-31 12:00:00')").status == 200
    for source in (
        "posventa.journeys",
        "mergeTreeIndex('posventa', 'journeys')",
        "default.mine",
    ):
        assert ask(reader, f"SELECT * FROM {source}").status == 403
    for pattern in (
        ".*",
        "^journeys$",
    ):  # a reader's merge() knows no base table, and meets views that want a parameter
        assert ask(reader, f"SELECT * FROM merge('posventa', '{pattern}')").status >= 400
    for table in SYSTEM_KEPT_FROM_READERS:
        told = ask(reader, f"SELECT count() FROM system.{table}")
        assert told.status == 404 or told.body == b"0\n", table


def test_a_reader_stays_one(writer: str, reader: str) -> None:
    for sql in ("SET ROLE writer", "SET DEFAULT ROLE writer TO default", "EXECUTE AS default SELECT 1"):
        for session in ({}, {"session_id": "reader"}):
            assert ask(reader, sql, session).status >= 400
    ask(writer, "SET max_threads = 1", {"session_id": "shared"})
    assert ask(reader, "SELECT * FROM default.mine", {"session_id": "shared"}).status == 403
    for setting in (
        "max_execution_time = 0",
        "max_memory_usage = 0",
        "max_execution_time = 100000",
        "profile = 'writer'",
    ):
        assert ask(reader, f"SELECT 1 SETTINGS {setting}").status >= 400
        assert ask(reader, f"SET {setting}", {"session_id": "reader"}).status >= 400


def test_nothing_is_carried_into_another_request(reader: str, writer: str) -> None:
    asked = "SELECT currentDatabase(), getSetting('readonly'), getSetting('max_block_size')"
    usual = ask(reader, asked).body
    said = ["USE posventa", "SET readonly = 1", "SET max_block_size = 7", "SELECT sleep(1); USE posventa"]
    with ThreadPoolExecutor(8) as threads:
        for url in (reader, writer):
            list(threads.map(lambda sql, url=url: ask(url, sql, {"database": "system"}), said * 2))
            assert {told.body for told in threads.map(lambda _, url=url: ask(url, asked), range(16))} == {usual}


@pytest.mark.parametrize("text", ["/**/" * 40, " " * 16_000, "-- x\n" * 500, "(" * 20, "/*/**/*/"])
def test_blanks_and_comments_cost_no_more_than_reading_them(reader: str, text: str) -> None:
    told = ask(reader, f"{text} SELECT 1 {')' * text.count('(')}")
    assert told.body == b"1\n"


def _leave_alone(url: str, count: int, sql: str) -> list[HTTPConnection]:
    """Asks, and waits for no answer."""
    connections = [HTTPConnection("127.0.0.1", urlsplit(url).port) for _ in range(count)]
    for connection in connections:
        connection.request("POST", "/", sql)
    return connections


def test_slow_readers_take_no_writers_threads_and_leave_when_their_clients_do(writer: str, reader: str) -> None:
    connections = _leave_alone(reader, 20, _SLOW)
    until(lambda: _running(writer, "SELECT sleepEachRow") == 8)
    assert _answer(writer, "SELECT count() FROM default.mine") == "1\n"  # while no reader could ask
    assert clickhouse_answers(reader)
    for connection in connections:
        connection.close()
    until(lambda: _running(writer, "SELECT sleepEachRow") == 0)
    assert _answer(reader, "SELECT 1") == "1\n"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT sleepEachRow(1) FROM numbers(30) SETTINGS max_block_size = 1, max_execution_time = 1", "159"),
        ("SELECT length(groupArray(number)) FROM numbers(10000000000)", "241"),
        ("SELECT 1 SETTINGS max_threads = 1000", "452"),
    ],
)
def test_a_reader_has_limits(reader: str, sql: str, code: str) -> None:
    assert ask(reader, sql).headers["X-ClickHouse-Exception-Code"] == code


def test_an_answer_that_can_only_come_whole_is_smaller(reader: str) -> None:
    asked = "SELECT getSetting('max_result_bytes') AS most FORMAT"
    assert ask(reader, f"{asked} CSV").body == b"1000000000\n"
    assert ask(reader, f"{asked} JSONCompactColumns").body.split() == [b"[", b"[268435456]", b"]"]


def test_who_may_write_has_no_limits_and_cannot_shut_everybody_out(writer: str) -> None:
    assert _answer(writer, "SELECT getSetting('max_execution_time'), getSetting('max_memory_usage')") == "0\t0\n"
    assert ask(writer, "SELECT 1", {"max_execution_time": "5000"}).body == b"1\n"
    for sql in ("DROP DATABASE default", "SYSTEM SHUTDOWN", "CREATE USER x", "GRANT SELECT ON *.* TO reader"):
        assert ask(writer, sql).status == 403


def test_a_query_is_ended_by_its_query_id(writer: str, reader: str) -> None:
    def ended(url: str, killer: str, wait: str) -> tuple[bytes, int]:
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(ask, url, _SLOW, {"query_id": "a'b"})
            until(lambda: _running(writer, "SELECT sleepEachRow") == 1)
            told = ask(killer, f"KILL QUERY WHERE query_id = 'a\\'b' {wait}")
            assert told.status == 200
            if not told.body:
                ask(writer, "KILL QUERY WHERE query_id = 'a\\'b'")
            return told.body.partition(b"\t")[0], running.result().status

    assert ended(reader, reader, "SYNC") == (b"finished", 500)
    assert ended(reader, writer, "") == (b"waiting", 500)
    assert ended(writer, writer, "ASYNC") == (b"waiting", 500)
    assert ended(writer, reader, "SYNC") == (b"", 500)
    assert ask(reader, "KILL QUERY WHERE query_id = 'nobody'").body == b""
    assert ask(reader, "KILL QUERY WHERE 1").status == 403


def test_readonly_of_the_url_reads_and_spoils_no_session(writer: str) -> None:
    for mode in ("1", "2"):
        for session in ({}, {"session_id": "careful"}):
            assert (
                ask(writer, "SELECT a FROM default.mine", session | {"readonly": mode, "max_threads": "1"}).body
                == b"1\n"
            )
            assert ask(writer, "INSERT INTO default.mine VALUES (9)", session | {"readonly": mode}).status == 500
            assert ask(writer, "SET max_threads = 2", session).status == 200


def test_an_answer_comes_while_it_is_made(writer: str, reader: str) -> None:
    connection = HTTPConnection("127.0.0.1", urlsplit(reader).port)
    connection.request("POST", "/", "SELECT number, sipHash64(number) FROM numbers(9000000000) FORMAT CSV")
    answer = connection.getresponse()
    assert answer.read(9).startswith(b"0,")
    assert _running(writer, "SELECT number, sip") == 1
    connection.close()
    until(lambda: _running(writer, "SELECT number, sip") == 0)


def test_an_error_in_the_middle_of_an_answer_is_seen(reader: str) -> None:
    connection = HTTPConnection("127.0.0.1", urlsplit(reader).port)
    connection.request("POST", "/", "SELECT throwIf(number = 3000000) FROM numbers(4000000)")
    with closing(connection), connection.getresponse() as answer:
        assert answer.status == 200
        with pytest.raises(IncompleteRead):
            answer.read()


@pytest.mark.parametrize(
    "sql", [b"SELEC \xff", b"SELECT '\xff", b"SET ROLE `\xff`", b"SELECT \xff", b"\xff", b"SELECT `\xff`"]
)
def test_bytes_that_are_no_text_are_refused_like_any_other_mistake(reader: str, sql: bytes) -> None:
    assert ask(reader, sql).body.startswith(b"Code: ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "[::1"},
        {"Origin": "http://[::1"},
        {"X-ClickHouse-User": "posventa", "X-ClickHouse-Key": "\xff"},
        {"Authorization": "Basic /w=="},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Encoding": "zstd"},
        {"Content-Encoding": "nope"},
    ],
)
def test_odd_headers_are_refused_like_any_other_mistake(reader: str, headers: dict[str, str]) -> None:
    assert ask(reader, b"SELECT 1", headers=headers).body.startswith(b"Code: ")


@pytest.mark.parametrize("line", ["", "1\n"])
def test_data_never_becomes_a_statement(writer: str, line: str) -> None:
    for form in ("TSV", "CSV", "Values", "MsgPack"):
        ask(writer, f"INSERT INTO default.mine FORMAT {form}\n{line}\n\nDROP TABLE default.mine\n")
    for sql in ("INSERT INTO default.mine VALUES (1);", "EXPLAIN AST INSERT INTO default.mine FORMAT TSV\n1\n\n"):
        ask(writer, f"{sql} DROP TABLE default.mine")
    assert ask(writer, "EXISTS default.mine").body == b"1\n"
