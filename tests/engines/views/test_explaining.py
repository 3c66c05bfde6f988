"""Whatever cell of the views is opened, its lines add up to it; and pages are the lines, one after the other."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.events import Event, customer_of, partition_key
from schemas.measures import MEASURES, MONEY
from sinks.client import connect
from sinks.explaining import LINES, Cell, Line, PaneSpan, between, explained, of_window
from sinks.migrate import migrate
from sinks.tables import AFFILIATE_PANES, ANSWERS, JOURNEYS, REVERSALS, Table, pack_row
from sinks.windows import WINDOWS
from sinks.writer import Writer
from streams.brokers.partitioner import partition_for
from streams.domain.contributions import contributions
from streams.domain.fold import fold
from streams.domain.rules import Rules
from streams.domain.state import Customer
from tests.support.tricky import tricky_events

RULES = Rules()
NEWEST = 1_770_000_123_456
CUSTOMERS = 300
EVER = PaneSpan(0, 2**32 // RULES.pane_s * RULES.pane_s * 1000)
ALL = 10_000


def rows_of(events: list[Event]) -> dict[Table, list[dict[str, Any]]]:
    """The rows of the base tables after these events, as the workers make them."""
    customers: dict[tuple[str, str], Customer] = {}
    for event in events:
        key = customer_of(event)
        fold(customers.setdefault(key, Customer(*key)), event, RULES)
    panes: dict[tuple[Any, ...], Counter[str]] = {}
    found: dict[Table, list[dict[str, Any]]] = {JOURNEYS: [], REVERSALS: [], ANSWERS: []}
    for (brand, customer), state in customers.items():
        own = contributions(state, RULES)
        for pane, measures in own.panes.items():
            home = partition_for(partition_key(brand, customer), 3)
            panes.setdefault((*pane, home), Counter()).update(dict(zip(MEASURES, measures, strict=True)))
        found[JOURNEYS] += [row._asdict() for row in own.journeys.values()]
        found[REVERSALS] += [row._asdict() for row in own.given_back.values()]
        found[ANSWERS] += [row._asdict() for row in own.answers.values()]
    keys = AFFILIATE_PANES.columns[1:6]
    found[AFFILIATE_PANES] = [
        dict(zip(keys, key, strict=True)) | {m: sums[m] for m in MEASURES} for key, sums in panes.items()
    ]
    return found


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    """Of tables that hold what an adversarial stream came to, older versions of it, and another generation."""
    migrate(clickhouse)
    writer = Writer(clickhouse)
    whole = tricky_events(5, CUSTOMERS, NEWEST)
    for events, generation, version in (
        (whole[: len(whole) // 2], 1, 1),
        (whole[len(whole) // 2 :], 2, 9),
        (whole, 1, 2),
    ):
        for table, rows in rows_of(events).items():
            if version == 1 and table is AFFILIATE_PANES:
                continue  # of a pane that is nowhere any more the workers write zeros
            stored = [row | {"generation": generation, "version": version} for row in rows]
            writer.insert(table, [pack_row(row[column] for column in table.columns) for row in stored])
    writer.close()
    found = connect(clickhouse)
    yield found
    found.close()


def opened(client: Client, cell: Cell, measure: str, span: PaneSpan) -> tuple[int, list[Line]]:
    """What a cell shows, and all its lines, which must be as many as told and add up to what is told."""
    found = explained(client, cell, measure, span, None, ALL)
    assert not found.more
    assert (len(found.lines), sum(line.share for line in found.lines)) == (found.size, found.total)
    assert len(set(found.lines)) == len(found.lines)
    assert all(span.start_ms <= line.key.occurred_at_ms < span.end_ms for line in found.lines)
    return found.shown, found.lines


def number(measure: str, lines: list[Line]) -> Decimal | int:
    """What lines add up to, as a view shows it."""
    total = sum(line.share for line in lines)
    return Decimal(total).scaleb(-4) if measure in MONEY else total


def cells_of(client: Client) -> list[Cell]:
    rows = client.query(
        "SELECT DISTINCT brand_id, affiliate_id, currency FROM affiliate_series ORDER BY ALL"
    ).result_rows
    return [Cell(*row) for row in rows]


def shown_in(client: Client, view: str, cell: Cell, measure: str, where: str) -> Decimal | int:
    rows = client.query(
        f"SELECT v.{measure} FROM {view} AS v WHERE v.brand_id = {{brand_id:String}} AND v.affiliate_id = "
        f"{{affiliate_id:String}} AND v.currency = {{currency:String}} AND {where}",
        parameters=cell._asdict(),
    ).result_rows
    return rows[0][0] if rows else 0


@pytest.mark.parametrize("measure", LINES)
def test_the_lines_of_every_cell_add_up_to_it(client: Client, measure: str) -> None:
    found = {cell: opened(client, cell, measure, EVER) for cell in cells_of(client)}
    assert {cell.affiliate_id for cell in found} == {"", "ana", "bo", "carla"}
    assert {cell: sum(line.share for line in lines) for cell, (_, lines) in found.items()} == {
        cell: shown for cell, (shown, _) in found.items()
    }
    assert any(lines for _, lines in found.values()), "the stream has none of it"


@pytest.mark.parametrize("measure", LINES)
def test_the_lines_of_random_windows_add_up_to_the_cell_of_each_view(client: Client, measure: str) -> None:
    dice = random.Random(measure)
    cells = [cell for cell in cells_of(client) if opened(client, cell, measure, EVER)[1]]
    for cell in dice.choices(cells, k=3):
        lines = opened(client, cell, measure, EVER)[1]
        moment = datetime.fromtimestamp(dice.choice(lines).key.occurred_at_ms // 1000, UTC)  # where something is

        window = dice.choice(WINDOWS)
        at = moment + timedelta(seconds=dice.choice([0, 1, 299, 300, window.seconds - 300, window.seconds, 86_400]))
        within = opened(client, cell, measure, of_window(window, at, RULES.pane_s))[1]
        view = f"affiliate_rolling_at(at = '{at:%Y-%m-%d %H:%M:%S}')"
        assert number(measure, within) == shown_in(client, view, cell, measure, f"v.window = '{window.name}'"), (
            cell,
            at,
        )

        bucket = moment.timestamp() // RULES.pane_s * RULES.pane_s
        start = datetime.fromtimestamp(bucket, UTC)
        within = opened(client, cell, measure, between(start, start + timedelta(seconds=RULES.pane_s), RULES.pane_s))[1]
        assert within
        shown = shown_in(client, "affiliate_series", cell, measure, f"toUnixTimestamp(v.bucket) = {int(bucket)}")
        assert number(measure, within) == shown, (cell, start)

        day = moment.replace(hour=0, minute=0, second=0)
        within = opened(client, cell, measure, between(day, day + timedelta(days=1), RULES.pane_s))[1]
        assert within
        shown = shown_in(client, "affiliate_daily", cell, measure, f"v.day = '{day:%Y-%m-%d}'")
        assert number(measure, within) == shown, (cell, day)


def test_pages_are_the_lines_one_after_the_other(client: Client) -> None:
    most = max(cells_of(client), key=lambda cell: explained(client, cell, "sales", EVER, None, 1).size)
    for measure in ("sales", "commission_reversed", "feedback", "invitations"):
        whole = opened(client, most, measure, EVER)[1]
        assert len(whole) > 7
        place, pages = None, list[Line]()
        while True:
            page = explained(client, most, measure, EVER, place, 7)
            assert (page.total, page.size) == (sum(line.share for line in whole), len(whole))
            pages += page.lines
            if not page.more:
                break
            assert len(page.lines) == 7
            place = page.lines[-1].key
        assert pages == whole


def test_a_line_names_what_it_is_about(client: Client) -> None:
    kinds: dict[str, Callable[[Line], bool]] = {
        "sales": lambda line: line.kind == "sale" and not (line.key.reversal_id or line.key.feedback_id),
        "refunds": lambda line: line.kind == "refund" and bool(line.key.sale_id and line.key.reversal_id),
        "chargebacks": lambda line: line.kind == "chargeback" and bool(line.key.sale_id and line.key.reversal_id),
        "invitations": lambda line: line.kind == "invitation" and bool(line.key.sale_id and line.key.feedback_id),
        "feedback": lambda line: line.kind == "answer" and bool(line.key.sale_id and line.key.feedback_id),
        "unlinked_feedback": lambda line: line.kind == "answer" and not line.key.sale_id and bool(line.key.feedback_id),
    }
    for measure, fits in kinds.items():
        found = [line for cell in cells_of(client) for line in opened(client, cell, measure, EVER)[1]]
        assert found
        assert all(map(fits, found))


def test_what_does_not_add_up_is_told(client: Client) -> None:
    cell = cells_of(client)[-1]
    before = opened(client, cell, "sales", EVER)
    client.command("INSERT INTO affiliate_panes (generation, brand_id, affiliate_id, currency, bucket, sales, version, "
                   "source_partition) VALUES (1, {b:String}, {a:String}, {c:String}, 1700000000, 5, 1, 99)",
                   parameters={"b": cell.brand_id, "a": cell.affiliate_id, "c": cell.currency})  # fmt: skip
    try:
        assert opened(client, cell, "sales", EVER) == (before[0] + 5, before[1])
    finally:
        client.command("ALTER TABLE affiliate_panes DELETE WHERE source_partition = 99", settings={"mutations_sync": 1})
