"""The embedded ClickHouse as clients meet it: clickhouse-connect, and plain HTTP."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from streams.embedded.clickhouse import EmbeddedClickHouse


def _client(url: str, compress: bool | str = True) -> Client:
    return clickhouse_connect.get_client(host="127.0.0.1", port=urlsplit(url).port or 0, compress=compress)


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


def _post(url: str, body: bytes, query: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    address = f"{url}/?{query}"
    request = urllib.request.Request(address, body, {name.replace("_", "-"): value for name, value in headers.items()})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


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
        assert _post(clickhouse, query)[2] == b"0\tdefault\n"
    assert _post(clickhouse, b"SELECT count() FROM mine")[0] == 404


def test_a_setting_of_one_request_is_gone_in_the_next(clickhouse: str) -> None:
    query = b"SELECT getSetting('max_block_size'), getSetting('async_insert')"
    usual = _post(clickhouse, query)[2]
    assert usual.endswith(b"\tfalse\n")
    assert _post(clickhouse, query, "max_block_size=77&async_insert=1")[2] == b"77\ttrue\n"
    for _ in range(10):
        assert _post(clickhouse, query)[2] == usual


def test_many_clients_at_once_get_their_own_answers(clickhouse: str) -> None:
    def ask(number: int) -> bool:
        return _post(clickhouse, f"SELECT {number}, sum(number) FROM numbers(100000)".encode())[2] == (
            f"{number}\t4999950000\n".encode()
        )

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(100)))


def test_plain_http_works_as_documented_by_clickhouse(clickhouse: str, table: str) -> None:
    with urllib.request.urlopen(f"{clickhouse}/ping", timeout=5) as answer:  # noqa: S310
        assert answer.read() == b"Ok.\n"
    with urllib.request.urlopen(f"{clickhouse}/?query={quote('SELECT 1 AS x')}", timeout=5) as answer:  # noqa: S310
        assert answer.read() == b"1\n"
    status, headers, _ = _post(clickhouse, b'1,"a"\n2,"b"\n', f"query={quote(f'INSERT INTO {table} FORMAT CSV')}")
    assert status == 200
    assert '"written_rows": "2"' in headers["X-ClickHouse-Summary"]
    assert _post(clickhouse, f"INSERT INTO {table} VALUES (3, 'see FORMAT CSV\n')".encode())[0] == 200
    status, headers, body = _post(clickhouse, f"SELECT * FROM {table} ORDER BY a FORMAT JSONCompactEachRow".encode())
    assert [json.loads(line) for line in body.splitlines()] == [[1, "a"], [2, "b"], [3, "see FORMAT CSV\n"]]
    assert headers["X-ClickHouse-Format"] == "JSONCompactEachRow"
    status, headers, body = _post(clickhouse, b"SELECT nope")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (404, "47")
    assert body.startswith(b"Code: 47. DB::Exception: ")


def test_only_this_machine_may_ask(clickhouse: str) -> None:
    assert _post(clickhouse, b"SELECT 1", Host="elsewhere.example")[0] == 403
    assert _post(clickhouse, b"SELECT 1", Origin="https://elsewhere.example")[0] == 403
    assert _post(clickhouse, b"SELECT 1", Origin="null")[0] == 403
    assert _post(clickhouse, b"SELECT 1", Host="localhost:1", Origin="http://localhost:8080")[0] == 200


def test_a_wrong_password_is_refused(clickhouse: str) -> None:
    status, headers, _ = _post(clickhouse, b"SELECT 1", X_ClickHouse_User="default", X_ClickHouse_Key="wrong")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (401, "516")
    assert _post(clickhouse, b"SELECT 1", X_ClickHouse_User="nobody")[0] == 401


def test_what_was_acknowledged_outlives_a_kill_and_a_stop(tmp_path: Path) -> None:
    for number, end in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        server = EmbeddedClickHouse(tmp_path)
        server.start()
        try:
            _post(server.url, b"CREATE TABLE IF NOT EXISTS t (a Int64) ENGINE = MergeTree ORDER BY a")
            _post(server.url, f"INSERT INTO t FORMAT CSV\n{number}\n".encode())
            assert _post(server.url, b"SELECT count() FROM t")[2] == f"{number + 1}\n".encode()
        finally:
            server.kill() if end == signal.SIGKILL else server.stop()
    assert server.child.exit_code == -signal.SIGKILL


def test_a_second_process_on_the_directory_says_so_and_ends(tmp_path: Path) -> None:
    server = EmbeddedClickHouse(tmp_path)
    server.start()
    try:
        command = [sys.executable, "-m", "sinks.embedded", "--dir", str(tmp_path), "--port", "0"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2
        assert f"cannot open {tmp_path}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        server.stop()
