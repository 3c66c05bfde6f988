"""SQLAlchemy with both dialects: clickhouse-connect's (Superset uses it), and clickhouse-sqlalchemy over HTTP."""

import sys
from decimal import Decimal

import sqlalchemy
from sqlalchemy import text

from tests.clients.python.check import GROSS, HOST, PASSWORD, PORT, ROWS, TRICKY, check, end, error_of

_SCHEMES = {"clickhousedb": "clickhousedb", "clickhouse-sqlalchemy": "clickhouse+http"}
scheme = _SCHEMES[sys.argv[1]]
engine = sqlalchemy.create_engine(f"{scheme}://default:@{HOST}:{PORT}/posventa")


@check("schemas, views, columns with types")
def _reflection() -> None:
    inspector = sqlalchemy.inspect(engine)
    assert "posventa" in inspector.get_schema_names()
    assert set(ROWS) <= {*inspector.get_table_names("posventa"), *inspector.get_view_names("posventa")}
    for view in ROWS:
        assert len(inspector.get_columns(view, "posventa")) > 5
    table = sqlalchemy.Table("affiliate_daily", sqlalchemy.MetaData(), autoload_with=engine)
    assert len(table.columns) > 40


@check("every view, as many rows as there are")
def _views() -> None:
    with engine.connect() as connection:
        for view, rows in ROWS.items():
            assert len(connection.execute(text(f"SELECT * FROM {view}")).fetchall()) == rows


@check("money exact, null, parameters with tricky text")
def _types() -> None:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT sum(gross), NULL, :t FROM affiliate_series"), {"t": TRICKY}).one()
        assert (Decimal(str(found[0])), found[1], found[2]) == (Decimal(GROSS), None, TRICKY)


@check("errors name what is missing")
def _errors() -> None:
    with engine.connect() as connection:
        said = error_of(lambda: connection.execute(text("SELECT * FROM nowhere")).fetchall())
        assert "nowhere" in said
        assert "60" in said


@check("pandas read_sql")
def _frames() -> None:
    import pandas

    with engine.connect() as connection:
        assert len(pandas.read_sql(text("SELECT * FROM affiliate_daily"), connection)) == ROWS["affiliate_daily"]


@check("create, insert and drop as posventa")
def _writes() -> None:
    writing = sqlalchemy.create_engine(f"{scheme}://posventa:{PASSWORD}@{HOST}:{PORT}/posventa")
    with writing.connect() as connection:
        connection.execute(text("DROP TABLE IF EXISTS default.alchemy_written"))
        connection.execute(text("CREATE TABLE default.alchemy_written (a Int32) ENGINE = MergeTree ORDER BY a"))
        connection.execute(text("INSERT INTO default.alchemy_written SELECT number FROM numbers(10)"))
        assert connection.execute(text("SELECT sum(a) FROM default.alchemy_written")).scalar() == 45
        connection.execute(text("DROP TABLE default.alchemy_written"))


end()
