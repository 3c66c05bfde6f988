"""The embedded ClickHouse as clients meet it: clickhouse-connect, and plain HTTP."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.errors import Unavailable
from tests.support.plain_http import as_anyone, ask


def _client(url: str, compress: bool | str = True) -> Client:
    return clickhouse_connect.get_client(dsn=url, compress=compress)


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    client = _client(clickhouse)
    yield client
    client.close()


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    client.command("CREATE TABLE t (a Int64, b String) ENGINE = MergeTree ORDER BY a")
    yield "t"
    client.command("DROP TABLE t")


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_what_is_inserted_in_many_blocks_is_what_is_read_in_many(
    clickhouse: str, table: str, compression: bool | str
) -> None:
    client = _client(clickhouse, compression)
    rows = [(number, f"ñ\t\n\0{number}" * 20) for number in range(-50_000, 50_000)]
    client.insert(table, rows, column_names=["a", "b"])
    with client.query_row_block_stream(f"SELECT a, b FROM {table} ORDER BY a") as blocks:
        assert [row for block in blocks for row in block] == rows
    client.close()


@pytest.mark.parametrize("value", ["a'b", "tab\tx", "back\\slash", "new\nline", "ñ€😀", "{x:String}", "\\N", ""])
def test_a_parameter_arrives_as_it_was(client: Client, value: str) -> None:
    assert client.query("SELECT {v:String}", parameters={"v": value}).result_rows == [(value,)]
    assert client.query("SELECT {v:Array(String)}", parameters={"v": [value]}).result_rows == [([value],)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [("SELECT nope", 47), ("SELEC 1", 62), ("SELECT * FROM nowhere", 60), ("SELECT throwIf(1)", 395)],
)
def test_an_error_tells_its_code(client: Client, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query(sql)
    assert error.value.code == code


def test_a_session_keeps_its_settings_and_nobody_elses(clickhouse: str, client: Client) -> None:
    client.command("SET max_threads = 1")
    client.command("CREATE TEMPORARY TABLE mine (a Int8)")
    client.command("USE system")
    assert client.query("SELECT getSetting('max_threads'), currentDatabase()").result_rows == [(1, "system")]
    assert client.query("SELECT count() FROM mine").result_rows == [(0,)]
    query = b"SELECT getSetting('max_threads') = 1, currentDatabase()"
    for _ in range(10):  # whichever pooled handle answers
        assert ask(clickhouse, query).body == b"0\tdefault\n"
    assert ask(clickhouse, b"SELECT count() FROM mine").status == 404


def test_a_setting_of_one_request_is_gone_in_the_next(clickhouse: str) -> None:
    query = b"SELECT getSetting('max_block_size'), getSetting('async_insert')"
    sessions: list[dict[str, str]] = [{}, {"session_id": "s"}]
    for session in sessions:
        usual = ask(clickhouse, query, session).body
        assert usual.endswith(b"\tfalse\n")
        assert ask(clickhouse, query, session | {"max_block_size": "77", "async_insert": "1"}).body == b"77\ttrue\n"
        assert ask(clickhouse, query, session).body == usual


def test_many_clients_at_once_get_their_own_answers(clickhouse: str) -> None:
    def right(number: int) -> bool:
        return ask(as_anyone(clickhouse), f"SELECT {number}, sum(number) FROM numbers(100000)").body == (
            f"{number}\t4999950000\n".encode()
        )

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(right, range(100)))


def test_plain_http_works_as_documented_by_clickhouse(clickhouse: str, table: str) -> None:
    with urllib.request.urlopen(f"{as_anyone(clickhouse)}/ping", timeout=5) as answer:  # noqa: S310
        assert answer.read() == b"Ok.\n"
    assert ask(clickhouse, "SELECT 1 AS x", get=True).body == b"1\n"
    status, headers, _ = ask(clickhouse, b'1,"a"\n2,"b"\n', {"query": f"INSERT INTO {table} FORMAT CSV"})
    assert status == 200
    assert '"written_rows": "2"' in headers["X-ClickHouse-Summary"]
    assert ask(clickhouse, f"INSERT INTO {table} VALUES (3, 'see FORMAT CSV\n')").status == 200
    status, headers, body = ask(clickhouse, f"SELECT * FROM {table} ORDER BY a FORMAT JSONCompactEachRow")
    assert [json.loads(line) for line in body.splitlines()] == [[1, "a"], [2, "b"], [3, "see FORMAT CSV\n"]]
    assert headers["X-ClickHouse-Format"] == "JSONCompactEachRow"
    status, headers, body = ask(clickhouse, b"SELECT nope")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (404, "47")
    assert body.startswith(b"Code: 47. DB::Exception: ")


def test_only_this_machine_may_ask(clickhouse: str) -> None:
    for refused in ({"Host": "elsewhere.example"}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        assert ask(clickhouse, "SELECT 1", headers=refused).status == 403
    mine = {"Host": "localhost:1", "Origin": "http://localhost:8080"}
    assert ask(clickhouse, "SELECT 1", headers=mine).status == 200


def test_a_wrong_password_is_refused(clickhouse: str) -> None:
    for user, password in (("default", "wrong"), ("posventa", "wrong"), ("posventa", ""), ("nobody", "")):
        told = ask(as_anyone(clickhouse), "SELECT 1", {"user": user, "password": password})
        assert (told.status, told.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_what_was_acknowledged_outlives_a_kill_and_a_stop(tmp_path: Path) -> None:
    for number, end in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        server = EmbeddedClickHouse(tmp_path / "clickhouse")
        server.start()
        try:
            ask(server.url, "CREATE TABLE IF NOT EXISTS t (a Int64) ENGINE = MergeTree ORDER BY a")
            ask(server.url, f"INSERT INTO t FORMAT CSV\n{number}\n")
            assert ask(server.url, "SELECT count() FROM t").body == f"{number + 1}\n".encode()
        finally:
            server.kill() if end == signal.SIGKILL else server.stop()
    assert server.child.exit_code == -signal.SIGKILL


def test_a_second_process_on_the_directory_says_so_and_ends(tmp_path: Path) -> None:
    server = EmbeddedClickHouse(tmp_path / "clickhouse")
    server.start()
    try:
        command = [sys.executable, "-m", "sinks.embedded", "--dir", str(tmp_path / "clickhouse"), "--port", "0"]
        environment = os.environ | {"CLICKHOUSE_PASSWORD": "x"}
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert second.returncode == 2
        assert f"cannot open {tmp_path}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        server.stop()


_BEFORE = """
import chdb, os, sys
connection = chdb.connect(sys.argv[1])
for sql in sys.argv[2:]:
    try:
        connection.query(sql)
    except Exception as error:
        print(error)
os._exit(0)
"""


def _made_before(directory: Path, *statements: str) -> None:
    """A directory as versions left it in which the engine had no roles and `default` was all of the machine's files."""
    (directory / "data").mkdir(parents=True)
    command = [sys.executable, "-c", _BEFORE, str(directory / "data"), *statements]
    subprocess.run(command, timeout=60, check=True, capture_output=True)


def test_a_directory_of_before_opens_with_what_is_in_it(tmp_path: Path) -> None:
    made = "(a Int64) ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a"
    view = "CREATE VIEW posventa.journey DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT a FROM posventa.t"
    statements = (f"CREATE TABLE t {made}", "CREATE DATABASE posventa", f"CREATE TABLE posventa.t {made}", view)
    _made_before(tmp_path / "clickhouse", *statements)
    for number in range(3):
        server = EmbeddedClickHouse(tmp_path / "clickhouse")
        server.start()
        try:
            assert ask(server.url, "SELECT count() FROM t").body == f"{number + 1}\n".encode()
            assert ask(server.url, "INSERT INTO t VALUES (2)").status == 200
            assert ask(server.open_url, "SELECT * FROM posventa.journey").body == b"1\n"
        finally:
            server.stop()


def test_a_directory_that_does_not_open_says_how_to_go_on(tmp_path: Path) -> None:
    broken = "CREATE TABLE tk (l String) ENGINE = Kafka('127.0.0.1:9', 't', 'g', 'LineAsString')"
    _made_before(tmp_path / "clickhouse", broken)
    with pytest.raises(Unavailable, match="move the directory away and start again"):
        EmbeddedClickHouse(tmp_path / "clickhouse").start()
