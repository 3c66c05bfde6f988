"""Folds a referred sale and its way back, and prints what the views show of a measure before and after.

`python -m tests.support.grown URL MEASURE` is a command, since a copy of the project that has a measure more runs it.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.migrate import migrate
from sinks.writer import Writer
from streams.changelog import records
from streams.domain.contributions import contributions
from streams.domain.fold import fold
from streams.domain.state import Customer
from streams.unit.rows import RowMaker, Rows
from tests.support.domain_strategies import A_SALE, RULES

HOUR_MS = 3_600_000
SALE = A_SALE._replace(referred_by="c9")
REFUND = SALE._replace(event_id="r1", action="REFUNDED", occurred_at=SALE.occurred_at + HOUR_MS)
CHARGEBACK = REFUND._replace(event_id="r2", action="CHARGED_BACK")
AT = datetime.fromtimestamp((REFUND.occurred_at + HOUR_MS // 2) / 1000, UTC)
SHOWN_BY = {
    "1h": f"affiliate_rolling_at(at = '{AT:%Y-%m-%d %H:%M:%S}') WHERE window = '1h'",
    "24h": f"affiliate_rolling_at(at = '{AT:%Y-%m-%d %H:%M:%S}') WHERE window = '24h'",
    "series": "affiliate_series",
    "daily": "affiliate_daily",
}


def store(url: str, version: int) -> None:
    """Writes the panes of these events as a unit does."""
    customer = Customer(SALE.brand_id, SALE.customer_id)
    for event in (SALE, REFUND, CHARGEBACK):
        fold(customer, event, RULES)
    rows: Rows = {}
    for key, measures in contributions(customer, RULES).panes.items():
        packed = records.pack_key(records.PANE, key), records.pack_measures(measures)
        RowMaker(1, 0, RULES).packed(rows, *packed, records.pack(version))
    writer = Writer(url)
    for table, by_key in rows.items():
        writer.insert(table, by_key.values())
    writer.close()


def sums(client: Client, measure: str) -> dict[str, list[int]]:
    """By view: the sales, and the measure."""
    return {
        name: list(client.query(f"SELECT sum(sales), sum({measure}) FROM {view}").result_rows[0])
        for name, view in SHOWN_BY.items()
    }


def main(url: str, measure: str) -> dict[str, Any]:
    """What the views show and say of the measure, in a ClickHouse that an older version may have written to."""
    run = migrate(url)
    client = connect(url)
    before = sums(client, measure)
    store(url, version=2)
    described = client.query("DESCRIBE TABLE affiliate_rolling").named_results()
    [told] = [f"{row['type']}: {row['comment']}" for row in described if row["name"] == measure]
    found = {"run": run, "before": before, "after": sums(client, measure), "told": told}
    client.close()
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
