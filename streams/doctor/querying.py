"""What a look at ClickHouse tells: version, migrations, rights, clock, disks, and what the tables hold.

Owns the questions. Never changes anything, and puts no value into SQL text. All raise SinkError.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors
from sinks.migrate import MIGRATIONS
from sinks.tables import DATABASE, TABLES
from streams.doctor.disks import Disk
from streams.doctor.looking import ClockReading

GUEST_SALES_MAX: Final = 200  # contract: guest_like has more valid sales in 30 days
_GUESTS_LISTED: Final = 20

_HAS_TABLES: Final = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'generations'"
_GENERATION: Final = "SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g"
_MIGRATIONS: Final = "SELECT s.version, s.md5 FROM posventa.schema_versions AS s"
_DISKS: Final = "SELECT d.name, d.path, d.free_space, d.total_space FROM system.disks AS d WHERE d.total_space > 0"
_SIZE: Final = "SELECT sum(p.bytes_on_disk) FROM system.parts AS p WHERE p.active AND p.database = {database:String}"
_GUESTS: Final = """
SELECT j.brand_id, j.customer_id, count() AS sales
FROM posventa.journeys AS j FINAL
WHERE j.generation = {generation:UInt32} AND j.status = 'valid' AND j.occurred_at > now() - INTERVAL 30 DAY
GROUP BY j.brand_id, j.customer_id
HAVING sales > {most:UInt32}
ORDER BY sales DESC, j.brand_id, j.customer_id
LIMIT {listed:UInt32}
"""
_LETTERS: Final = """
SELECT d.reason, count()
FROM posventa.dead_letters AS d FINAL
WHERE d.generation = {generation:UInt32} AND d.refused_at > now() - INTERVAL 1 DAY
GROUP BY d.reason
"""
_LINKS: Final = """
SELECT a.match, count()
FROM posventa.answers AS a FINAL
WHERE a.generation = {generation:UInt32}
    AND (a.brand_id, a.customer_id, a.feedback_id) IN {answers:Array(Tuple(String, String, String))}
GROUP BY a.match
"""


class Guest(NamedTuple):
    """A pseudonym that many seem to share."""

    brand_id: str
    customer_id: str
    sales: int  # valid ones of the last 30 days


def server_version(client: Client) -> str:
    """Of the server, such as 26.3.1.10."""
    return str(_one(client, "reading the version", "SELECT version()"))


def has_tables(client: Client) -> bool:
    """Whether a migration ever ran here, as far as this user may see."""
    return bool(_one(client, "looking for the tables", _HAS_TABLES, {"database": DATABASE}))


def generation_of(client: Client) -> int:
    """The generation that the views show."""
    return int(_one(client, "reading the generation", _GENERATION))


def migrations_of(client: Client) -> dict[int, str]:
    """The migrations that were run, with their digests, by number."""
    return dict(_rows(client, "reading the migrations", _MIGRATIONS))


def own_migrations() -> dict[int, str]:
    """Those of this version; the digest is the one by which clickhouse-migrations knows them."""
    return {
        int(file.name.partition("_")[0]): hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        for file in MIGRATIONS.glob("*.sql")
    }


def lacking_rights(client: Client, rights: Sequence[str]) -> list[str]:
    """Those of the rights, such as `INSERT ON posventa.journeys`, that this user does not have."""
    with sink_errors("asking for rights"):
        return [right for right in rights if not client.command(f"CHECK GRANT {right}")]


def server_clock(client: Client) -> ClockReading:
    """Its clock."""
    before = time.time() * 1000
    theirs = _one(client, "reading the clock", "SELECT toUnixTimestamp64Milli(now64(3))")
    return ClockReading(before, float(theirs), time.time() * 1000)


def server_disks(client: Client) -> Iterator[Disk]:
    """Its disks; all that is ours is taken to lie on the first."""
    size = int(_one(client, "reading the sizes", _SIZE, {"database": DATABASE}))
    for place, (name, path, free, total) in enumerate(_rows(client, "reading the disks", _DISKS)):
        yield Disk(f"ClickHouse {name} {path}", 0 if place else size, int(free), int(total))


def guests_of(client: Client, generation: int) -> list[Guest]:
    """Those with the most sales."""
    parameters = {"generation": generation, "most": GUEST_SALES_MAX, "listed": _GUESTS_LISTED}
    return [Guest(*row) for row in _rows(client, "counting sales of customers", _GUESTS, parameters)]


def letters_of(client: Client, generation: int) -> dict[str, int]:
    """How many refusals the last day had, by reason."""
    return dict(_rows(client, "counting dead letters", _LETTERS, {"generation": generation}))


def links_of(client: Client, generation: int, answers: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """How these answers (brand_id, customer_id, feedback_id) were linked, as far as they are there."""
    if not answers:
        return {}
    parameters = {"generation": generation, "answers": list(answers)}
    return dict(_rows(client, "reading how answers were linked", _LINKS, parameters))


def rows_by_generation(client: Client) -> dict[str, dict[int, int]]:
    """How many rows of each generation a table has, by table."""
    found: dict[str, dict[int, int]] = {}
    for table in TABLES:
        sql = f"SELECT t.generation, count() FROM posventa.{table.name} AS t GROUP BY t.generation"  # noqa: S608 - names only
        found[table.name] = dict(_rows(client, f"counting {table.name}", sql))
    return found


def _rows(client: Client, doing: str, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
    with sink_errors(doing):
        return client.query(sql, parameters=dict(parameters or {})).result_rows


def _one(client: Client, doing: str, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
    return _rows(client, doing, sql, parameters)[0][0]
