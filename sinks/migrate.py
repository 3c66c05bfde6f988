"""Brings a ClickHouse to the schema of this version: numbered files, each run once, in order.

clickhouse-migrations keeps the record (table `schema_versions`) and refuses a file that was edited after it ran. Every
statement is `IF NOT EXISTS` or `OR REPLACE`, so a run that was cut short, and two runs at once, are harmless.
"""

import os
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.audience import FOR_THE_BRAND_ALONE
from sinks.client import address, connect, connected
from sinks.errors import SinkRefused, sink_errors
from sinks.tables import DATABASE

MIGRATIONS: Final = Path(__file__).parent / "migrations"
BI_ROLE: Final = "posventa_bi"

_VIEWS: Final = "SELECT name FROM system.tables WHERE database = {database:String} AND engine = 'View' ORDER BY name"

# clickhouse-driver, which clickhouse-migrations brings along and we do not use, fills its tables of dates when needed,
# instead of a fifth of a second long at each start of a worker.
_LAZY_DATES: Final = "CLICKHOUSE_DRIVER_LASY_DATE_LUT"


def migrate(url: str) -> list[str]:
    """Creates or upgrades database posventa; returns the files that were run. Raises SinkUnavailable or SinkRefused."""
    os.environ.setdefault(_LAZY_DATES, "1")
    from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
    from clickhouse_migrations.exceptions import MigrationException

    connect(url, database="default").close()  # who is away or refuses us is told in our own words
    cluster = ClickhouseCluster(db_url=url, driver="clickhouse-connect")
    with sink_errors(f"migrating {address(url)}"):
        try:
            applied = cluster.migrate(DATABASE, MIGRATIONS, migration_log_format="compact")
        except MigrationException as error:
            raise SinkRefused(
                f"migrating {address(url)}: {error} Its tables were made by another version of posventa: "
                "use that version or a newer one."
            ) from error
        with connected(url) as client:
            _grant_views(client)
    names = {int(file.name.partition("_")[0]): file.name for file in MIGRATIONS.glob("*.sql")}
    return [names[migration.version] for migration in applied]


def grants(client: Client) -> list[str]:
    """What makes a role that may read the views that there are, but for comments, and nothing beneath them."""
    found = client.query(_VIEWS, parameters={"database": DATABASE}).result_rows
    views = [f"GRANT SELECT ON {DATABASE}.{view} TO {BI_ROLE}" for (view,) in found if view not in FOR_THE_BRAND_ALONE]
    return [f"CREATE ROLE IF NOT EXISTS {BI_ROLE}", *views]


def _grant_views(client: Client) -> None:
    """Where this user may make a role. The embedded engine has none, and says so here."""
    if client.command("CHECK GRANT CREATE ROLE ON *.*"):
        for statement in grants(client):
            client.command(statement)
