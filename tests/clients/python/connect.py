"""clickhouse-connect as it comes: sync, async, and its DB-API."""

import asyncio
import threading
from decimal import Decimal

import clickhouse_connect
import clickhouse_connect.dbapi
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.clients.python.check import GROSS, HOST, PASSWORD, PORT, ROWS, TRICKY, check, end, error_of, until

SLOW = (
    "SELECT sleepEachRow(1), 'python-cancel' FROM numbers(60) "
    "SETTINGS function_sleep_max_microseconds_per_block = 100000000, max_block_size = 1"
)


def _connect(**options: object) -> Client:
    return clickhouse_connect.get_client(host=HOST, port=PORT, database="posventa", **options)  # type: ignore[arg-type]


def _code_of(client: Client, sql: str) -> int:
    try:
        client.query(sql)
    except DatabaseError as error:
        return int(error.code or 0)
    return 0


client = _connect()


@check("every view, as many rows as there are")
def _views() -> None:
    for view, rows in ROWS.items():
        assert client.query(f"SELECT * FROM {view}").row_count == rows, view


@check("money exact, null, parameters with tricky text")
def _types() -> None:
    found = client.query("SELECT sum(gross), NULL, {t:String} FROM affiliate_series", parameters={"t": TRICKY})
    assert found.result_rows == [(Decimal(GROSS), None, TRICKY)]


@check("DataFrame, Arrow, Parquet")
def _frames() -> None:
    assert len(client.query_df("SELECT * FROM affiliate_daily")) == ROWS["affiliate_daily"]
    assert client.query_arrow("SELECT * FROM affiliate_daily").num_rows == ROWS["affiliate_daily"]
    assert client.raw_query("SELECT 1", fmt="Parquet")[:4] == b"PAR1"


for _compress in (False, "lz4", "zstd", "gzip"):

    @check(f"compress={_compress}: 200,000 rows, and insert as posventa")
    def _compressed(compress: object = _compress) -> None:
        sql = "SELECT number, toString(number) FROM numbers(200000)"
        with _connect(compress=compress) as found, found.query_row_block_stream(sql) as blocks:
            assert sum(len(block) for block in blocks) == 200_000
        with _connect(compress=compress, username="posventa", password=PASSWORD) as writer:
            writer.command("DROP TABLE IF EXISTS default.connect_written")
            writer.command("CREATE TABLE default.connect_written (a Int64, b String) ENGINE = MergeTree ORDER BY a")
            writer.insert("default.connect_written", [(n, TRICKY) for n in range(1000)], column_names=["a", "b"])
            found_rows = writer.query("SELECT count(), any(b) FROM default.connect_written").result_rows
            writer.command("DROP TABLE default.connect_written")
            assert found_rows == [(1000, TRICKY)]


@check("external data")
def _external() -> None:
    data = ExternalData(file_name="ids", data=b"1\n2\n", fmt="CSV", structure="id Int64")
    assert client.query("SELECT sum(id) FROM ids", external_data=data).result_rows == [(3,)]
    two = ExternalData(file_name="more", data=b"7\tx\n", fmt="TSV", types="Int64, String")
    two.add_file(file_name="ids", data=b"1\n", fmt="CSV", structure=["id Int64"])
    assert client.query("SELECT _1 + id, _2 FROM more, ids", external_data=two).result_rows == [(8, "x")]
    assert _code_of(client, "SELECT * FROM ids") == 60  # for one query alone


@check("a session keeps its settings; as posventa, its temporary table too")
def _session() -> None:
    with _connect(session_id="python-session") as found:
        found.command("SET max_block_size = 77")
        assert found.query("SELECT getSetting('max_block_size')").result_rows == [(77,)]
    with _connect(session_id="python-session", username="posventa", password=PASSWORD) as writer:
        writer.command("CREATE TEMPORARY TABLE mine (a Int8)")
        writer.insert("mine", [[1], [2]], column_names=["a"])
        assert writer.query("SELECT sum(a) FROM mine").result_rows == [(3,)]
    assert _code_of(client, "SELECT * FROM mine") == 60


@check("readonly=1 and readonly=2")
def _readonly() -> None:
    for value in (1, 2):
        assert client.query("SELECT 1", settings={"readonly": value}).result_rows == [(1,)]
    assert client.query("SELECT 1").result_rows == [(1,)]
    with _connect(settings={"readonly": "1"}) as found:
        assert found.query("SELECT 1").result_rows == [(1,)]


@check("errors by code, also in the middle of a result")
def _errors() -> None:
    assert [_code_of(client, sql) for sql in ("SELECT nope", "SELECT * FROM nowhere", "SELEC 1")] == [47, 60, 62]
    assert "throwIf" in error_of(lambda: client.query("SELECT throwIf(number = 3000000) FROM numbers(4000000)"))


@check("writing refused without the password")
def _reader() -> None:
    assert _code_of(client, "CREATE TABLE default.connect_reader (a Int8) ENGINE = Memory") == 497


def _running(name: str) -> int:
    """Asks as the writer, since others see nobody's queries."""
    sql = "SELECT count() FROM system.processes WHERE query LIKE concat('%python-', {name:String}, '%')"
    with _connect(username="posventa", password=PASSWORD) as writer:
        return int(writer.query(sql, parameters={"name": name}).result_rows[0][0])


@check("KILL QUERY by query_id; max_execution_time")
def _kill() -> None:
    said: list[str] = []

    def _ask() -> None:
        try:
            with _connect() as found:
                found.query(SLOW, settings={"query_id": "python-killed"})
        except DatabaseError as error:
            said.append(str(error))

    asking = threading.Thread(target=_ask)
    asking.start()
    until(lambda: _running("cancel") == 1)
    client.command("KILL QUERY WHERE query_id = 'python-killed' SYNC")
    asking.join(20)
    assert "394" in said[0]
    said_late = error_of(lambda: client.query(SLOW.replace("cancel", "late"), settings={"max_execution_time": 1}))
    assert "159" in said_late or "TIMEOUT" in said_late


@check("async client")
def _asynchronous() -> None:
    async def ask() -> None:
        found = await clickhouse_connect.get_async_client(host=HOST, port=PORT, database="posventa")
        try:
            answers = await asyncio.gather(*[found.query("SELECT * FROM affiliate_daily") for _ in range(5)])
            assert [answer.row_count for answer in answers] == [ROWS["affiliate_daily"]] * 5
        finally:
            await found.close()

    asyncio.run(ask())


@check("DB-API")
def _dbapi() -> None:
    connection = clickhouse_connect.dbapi.connect(host=HOST, port=PORT, database="posventa")
    cursor = connection.cursor()
    cursor.execute("SELECT count() FROM affiliate_series WHERE brand_id != %(no)s", {"no": TRICKY})
    assert cursor.fetchall() == [(ROWS["affiliate_series"],)]
    connection.close()


client.close()
end()
