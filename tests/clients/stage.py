"""What the clients meet: the embedded ClickHouse as `posventa up` runs it, every view with rows, and what they must find."""

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sinks.client import connect
from sinks.migrate import migrate
from sinks.tables import AFFILIATE_PANES, FRESHNESS, JOURNEYS, TOPIC_PANES, Table, pack_row
from sinks.writer import Writer
from streams.embedded.clickhouse import EmbeddedClickHouse
from tests.support.views_data import PANE_S, pane, panes, topic_panes
from tests.support.views_oracle import Row

# affiliate_rolling_at and affiliate_topics_at want a time; the others are read as tables.
VIEWS: Final = (
    "affiliate_rolling",
    "affiliate_series",
    "affiliate_daily",
    "affiliate_topics",
    "journey",
    "freshness_now",
)
# What a column holds that a row says nothing of, by its type; numbers 0.
_NOTHING: Final[dict[str, object]] = {"String": "", "LowCardinality(String)": "", "Float64": 0.0}


@contextmanager
def stage(directory: Path) -> Iterator[dict[str, str]]:
    """The environment of a client's program: where ClickHouse is, and what is in it."""
    server = EmbeddedClickHouse(directory)
    server.start()
    try:
        migrate(server.url)
        _fill(server.url)
        yield _told(server.url)
    finally:
        server.stop()


def _told(url: str) -> dict[str, str]:
    address = urlsplit(url)
    with closing(connect(url)) as client:
        rows = {view: client.command(f"SELECT count() FROM {view}") for view in VIEWS}
        gross = client.query("SELECT sum(gross) FROM affiliate_series").result_rows[0][0]
    assert all(rows.values()), rows
    return {
        "CLICKHOUSE_HOST": address.hostname or "",
        "CLICKHOUSE_PORT": str(address.port),
        "WRITER_PASSWORD": address.password or "",
        "ROWS": ",".join(f"{view}={count}" for view, count in rows.items()),
        "GROSS": format(gross.normalize(), "f"),
    }


def _fill(url: str) -> None:
    """Some 2,000 rows. Windows that end now keep their rows for the next 50 minutes, so that counts stand still."""
    now = datetime.now(UTC)
    recent = int((now - timedelta(minutes=6)).timestamp()) // PANE_S * PANE_S
    sold = [row for seed in range(20) for row in panes(seed, now)]
    said = [row for seed in range(20) for row in topic_panes(seed, now)]
    for brand, affiliate, currency in product(("b1", "b2"), ("", "a1", "a2"), ("EUR", "USD")):
        sold.append(pane(1, recent) | {"brand_id": brand, "affiliate_id": affiliate, "currency": currency, "sales": 1})
        for topic, verdict in product(("delivery", "price", "size"), ("DONE_RIGHT", "NOT_CONSIDERED")):
            key = {"brand_id": brand, "affiliate_id": affiliate, "topic": topic, "verdict": verdict}
            said.append(key | {"bucket": recent, "source_partition": 9, "answers": 2})
    writer = Writer(url)
    try:
        _store(writer, AFFILIATE_PANES, sold)
        _store(writer, TOPIC_PANES, said)
        _store(writer, JOURNEYS, [_journey(number) for number in range(500)])
        _store(writer, FRESHNESS, [_report(partition) for partition in range(4)])
    finally:
        writer.close()


def _store(writer: Writer, table: Table, rows: list[Row]) -> None:
    nothing = {name: _NOTHING.get(kind, 0) for name, kind in zip(table.columns, table.types, strict=True)}
    complete = [nothing | row | {"version": 10, "generation": 1} for row in rows]
    writer.insert(table, [pack_row(row[column] for column in table.columns) for row in complete])


def _journey(number: int) -> Row:
    dice = random.Random(number)
    return {
        "status": "valid",
        "brand_id": dice.choice(("b1", "b2")),
        "sale_id": f"sale {number} ñ",
        "customer_id": f"c{number % 50}",
        "affiliate_id": dice.choice(("", "a1", "a2")),
        "offering": "PHYSICAL",
        "currency": "EUR",
        "amount": dice.randrange(10**9),
        "occurred_at": int(time.time() * 1000) - dice.randrange(10**9),
        "last_metric": "NPS",
        "last_score": dice.choice((None, 0, 10)),
        "feedback_delay_seconds": dice.choice((None, 60)),
    }


def _report(partition: int) -> Row:
    now_ms = int(time.time() * 1000)
    times = dict.fromkeys(("complete_up_to", "progress_at", "busy_at", "as_of"), now_ms)
    return times | {"topic": "t", "source_partition": partition, "report": 1, "worker": "w"}
