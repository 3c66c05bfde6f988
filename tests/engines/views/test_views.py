"""The views show what a slow, plain computation finds in the same rows, whatever else lies in the tables."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client

from schemas.measures import MEASURES, TOPIC_MEASURES
from sinks import reading
from sinks.client import connect
from sinks.generations import read_register
from sinks.migrate import migrate
from sinks.tables import AFFILIATE_PANES, JOURNEYS, REVERSALS, TOPIC_PANES, Table, pack_row
from sinks.writer import Writer
from tests.support import views_oracle as oracle
from tests.support.views_data import PANE_S, pane, panes, topic_panes
from tests.support.views_oracle import Row

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def url(clickhouse: str) -> str:
    migrate(clickhouse)
    return clickhouse


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of emptied tables."""
    found = connect(url)
    for table in (AFFILIATE_PANES.name, TOPIC_PANES.name, JOURNEYS.name, REVERSALS.name, "generations"):
        found.command(f"TRUNCATE TABLE {table}")
    yield found
    found.close()


@pytest.fixture
def writer(url: str, client: Client) -> Iterator[Writer]:
    found = Writer(url)
    yield found
    found.close()


def store(writer: Writer, table: Table, rows: list[Row], *, version: int = 10, generation: int = 1) -> None:
    writer.insert(
        table,
        [pack_row((row | {"version": version, "generation": generation})[c] for c in table.columns) for row in rows],
    )


def shown(client: Client, source: str, *keys: str) -> dict[tuple[Any, ...], Row]:
    """A view's rows by key. Asserts that a key is there once."""
    found = list(client.query(f"SELECT * FROM {source}").named_results())
    by_key = {tuple(_plain(row.pop(key)) for key in keys): row for row in found}
    assert len(by_key) == len(found)
    return by_key


def _plain(value: Any) -> Any:
    return int(value.timestamp()) if isinstance(value, datetime) else value


def assert_same(found: dict[tuple[Any, ...], Row], expected: dict[tuple[Any, ...], Row]) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key].keys() == row.keys()
        for column, value in row.items():
            close = pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
            assert found[key][column] == close, (key, column)


def asked_at(found: dict[tuple[Any, ...], Row]) -> datetime:
    """When rows of a view that ends now were asked for."""
    [end] = {row["window_end"] for row in found.values()}
    assert isinstance(end, datetime)
    return end


def rolling_at(client: Client, at: datetime = AT) -> dict[tuple[Any, ...], Row]:
    source = f"affiliate_rolling_at(at = '{at:%Y-%m-%d %H:%M:%S}')"
    return shown(client, source, "brand_id", "affiliate_id", "currency", "window")


@pytest.mark.parametrize("seed", range(3))
def test_every_view_of_panes_shows_what_a_plain_computation_finds(client: Client, writer: Writer, seed: int) -> None:
    rows = panes(seed, AT)
    store(writer, AFFILIATE_PANES, rows)

    assert_same(rolling_at(client), oracle.rolling(rows, AT))
    series = shown(client, "affiliate_series", "brand_id", "affiliate_id", "currency", "bucket")
    assert_same(series, oracle.series(rows))
    assert len(series) < len(rows)
    daily = shown(client, "affiliate_daily", "brand_id", "affiliate_id", "currency", "day")
    assert_same(daily, oracle.daily(rows))
    for zone in ("America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland"):
        daily = shown(client, f"affiliate_daily_in(zone = '{zone}')", "brand_id", "affiliate_id", "currency", "day")
        assert_same(daily, oracle.daily(rows, ZoneInfo(zone)))
    trailing = shown(client, "affiliate_trailing", "brand_id", "affiliate_id", "currency", "day")
    assert_same(trailing, oracle.trailing(rows, datetime.now(UTC).date()))


@pytest.mark.parametrize("seed", range(3))
def test_topics_show_share_and_lift_as_computed_plainly(client: Client, writer: Writer, seed: int) -> None:
    rows, said = panes(seed, AT), topic_panes(seed, AT)
    store(writer, AFFILIATE_PANES, rows)
    store(writer, TOPIC_PANES, said)

    keys = ("brand_id", "affiliate_id", "topic", "verdict", "window")
    expected = oracle.topics(said, rows, AT)
    assert_same(shown(client, f"affiliate_topics_at(at = '{AT:%Y-%m-%d %H:%M:%S}')", *keys), expected)
    assert any(row["lift"] is None for row in expected.values())
    assert any(row["lift"] for row in expected.values())
    days = shown(client, "topic_daily", "brand_id", "affiliate_id", "topic", "verdict", "day")
    assert_same(days, oracle.topic_days(said))


@pytest.mark.parametrize("seed", range(3))
def test_a_window_is_compared_with_the_one_just_before(client: Client, writer: Writer, seed: int) -> None:
    edges = [AT - n * length for length in oracle.WINDOWS.values() for n in (1, 2)]
    dice = random.Random(seed)
    starts = [int(edge.timestamp()) + dice.choice((-PANE_S, 0)) for edge in edges for _ in range(12)]
    rows = panes(seed, AT) + [pane(seed * 1000 + n, start) for n, start in enumerate(starts)]
    rows = list({tuple(row[c] for c in AFFILIATE_PANES.columns[1:6]): row for row in rows}.values())
    store(writer, AFFILIATE_PANES, rows)

    expected = oracle.changes(rows, AT)
    found = shown(client, f"affiliate_change_at(at = '{AT:%Y-%m-%d %H:%M:%S}')", "brand_id", "affiliate_id", "window")
    assert_same(found, expected)
    assert {row["nps_turned"] for row in expected.values()} >= {""}
    assert any(row["nps_change"] is not None for row in expected.values())


def test_a_change_is_told_when_it_is_more_than_chance(client: Client, writer: Writer) -> None:
    """By hand: from 2 of 20 to 18 of 20 promoters, and CSAT the other way round."""
    nothing = pane(1, 0) | dict.fromkeys(MEASURES, 0) | {"brand_id": "b", "affiliate_id": "a", "currency": "EUR"}
    before = {
        "bucket": int((AT - timedelta(hours=30)).timestamp()),
        "promoters": 2,
        "detractors": 18,
        "csat_satisfied": 18,
    }
    later = {
        "bucket": int((AT - timedelta(hours=3)).timestamp()),
        "promoters": 18,
        "detractors": 2,
        "csat_satisfied": 2,
    }
    both = {"feedback": 20, "csat_answers": 20}
    store(writer, AFFILIATE_PANES, [nothing | both | before, nothing | both | later])
    day = shown(client, f"affiliate_change_at(at = '{AT:%Y-%m-%d %H:%M:%S}')", "window")[("24h",)]
    assert (day["nps"], day["nps_before"], day["nps_change"], day["nps_turned"]) == (80.0, -80.0, 160.0, "up")
    # (18.75 - 2.75) / 23 = 0.69565 each way; variance 0.45085 / 23 = 0.019602, twice; 1.96 * sqrt(0.039204) = 0.38808
    assert (day["nps_change_low"], day["nps_change_high"]) == (
        pytest.approx(100.322, abs=1e-3),
        pytest.approx(177.938, abs=1e-3),
    )
    # 3/22 - 19/22 = -0.72727; variance 0.117769 / 22 twice; 1.96 * sqrt(0.010706) = 0.20280
    assert (day["csat_change"], day["csat_turned"]) == (pytest.approx(-0.8), "down")
    assert (day["csat_change_low"], day["csat_change_high"]) == (
        pytest.approx(-0.93007, abs=1e-4), pytest.approx(-0.52448, abs=1e-4)
    )  # fmt: skip


def test_a_window_holds_its_start_and_not_its_end(client: Client, writer: Writer) -> None:
    def sales_at(bucket: datetime) -> set[str]:
        client.command("TRUNCATE TABLE affiliate_panes")
        row = pane(1, int(bucket.timestamp())) | dict.fromkeys(MEASURES, 0) | {"sales": 1}
        store(writer, AFFILIATE_PANES, [row])
        return {window for *_, window in rolling_at(client)}

    names = list(oracle.WINDOWS)
    for position, length in enumerate(oracle.WINDOWS.values()):
        assert sales_at(AT - length - timedelta(seconds=PANE_S)) == set(names[position + 1 :])
        assert sales_at(AT - length) == set(names[position:])
    assert sales_at(AT - timedelta(seconds=PANE_S)) == set(names)
    assert sales_at(AT) == set()


def test_a_day_at_midnight_is_the_day_of_the_daily_view(client: Client, writer: Writer) -> None:
    midnight = datetime(2026, 2, 1, tzinfo=UTC)
    store(writer, AFFILIATE_PANES, panes(5, midnight))
    days = shown(client, "affiliate_daily", "day", "brand_id", "affiliate_id", "currency")
    yesterday = midnight.date() - timedelta(days=1)
    last = {key[1:]: row for key, row in days.items() if key[0] == yesterday}
    found = {
        key[:3]: {column: row[column] for column in row if not column.startswith("window_")}
        for key, row in rolling_at(client, midnight).items()
        if key[3] == "24h"
    }
    assert last
    assert found == last


def test_windows_that_end_now_are_the_windows_at_this_time(client: Client, writer: Writer) -> None:
    now = datetime.now(UTC)
    ages = (-600, 1800, 7200, 3 * 86400, 20 * 86400, 40 * 86400)  # none near an edge, and one in the future
    rows = [pane(age, int(now.timestamp()) - age) | {"affiliate_id": f"a{age}"} for age in ages]
    said = [
        {"brand_id": r["brand_id"], "affiliate_id": r["affiliate_id"], "topic": "t", "verdict": "DONE_RIGHT"}
        | {"bucket": r["bucket"], "source_partition": 0}
        | dict.fromkeys(TOPIC_MEASURES, 1)
        for r in rows
    ]
    store(writer, AFFILIATE_PANES, rows)
    store(writer, TOPIC_PANES, said)

    found = shown(client, "affiliate_rolling", "brand_id", "affiliate_id", "currency", "window")
    assert_same(found, oracle.rolling(rows, asked_at(found)))
    assert now.replace(microsecond=0) <= asked_at(found) < now + timedelta(seconds=60)
    found = shown(client, "affiliate_topics", "brand_id", "affiliate_id", "topic", "verdict", "window")
    assert_same(found, oracle.topics(said, rows, asked_at(found)))


def test_older_versions_repeats_and_other_generations_change_nothing(client: Client, writer: Writer) -> None:
    rows = panes(11, AT)
    stale = [row | {"sales": 77, "refunds": 5} for row in rows]
    store(writer, AFFILIATE_PANES, stale[::2], version=9)
    store(writer, AFFILIATE_PANES, rows)
    store(writer, AFFILIATE_PANES, stale[1::2], version=9)
    store(writer, AFFILIATE_PANES, rows)
    store(writer, AFFILIATE_PANES, stale, version=99, generation=2)
    assert_same(rolling_at(client), oracle.rolling(rows, AT))

    client.command("INSERT INTO generations (generation) VALUES (2)")
    assert read_register(client).in_use == 2
    assert_same(rolling_at(client), oracle.rolling(stale, AT))


def test_money_stays_exact_where_int64_and_float_would_not(client: Client, writer: Writer) -> None:
    largest = 2**63 - 1
    row = pane(1, int(AT.timestamp()) - PANE_S) | {"sales": 1, "gross": largest, "refunded": 1}
    rows = [row | {"source_partition": partition} for partition in range(3)]
    store(writer, AFFILIATE_PANES, rows)

    total = Decimal(3 * largest).scaleb(-4)
    for source in (f"affiliate_rolling_at(at = '{AT:%Y-%m-%d %H:%M:%S}')", "affiliate_series", "affiliate_daily"):
        found = client.query(f"SELECT DISTINCT gross FROM {source} WHERE sales > 0").result_rows
        assert found == [(total,)]
    nets = client.query("SELECT net_30d FROM affiliate_trailing WHERE day = '2026-01-31'").result_rows
    assert nets == [(total - Decimal("0.0003") - 3 * Decimal(row["charged_back"]).scaleb(-4),)]


def test_a_journey_shows_its_row_with_decimals(client: Client, writer: Writer) -> None:
    sale = {
        "brand_id": "b", "sale_id": "s1", "customer_id": "c", "affiliate_id": "a", "product_id": "p",
        "offering": "SERVICE", "campaign": "", "status": "valid", "amount": 10**14, "commission": 12_345,
        "currency": "EUR", "occurred_at": 1_700_000_000_123, "is_new_customer": 1, "referred_by": "r",
        "refunded": 1, "charged_back": 20_000, "answers": 2, "last_metric": "NPS", "last_score": 0,
        "verdicts": "DONE_RIGHT", "feedback_delay_seconds": -5, "subscription_id": "sub", "is_renewal": 1,
        "refunds": 1, "chargebacks": 2, "commission_reversed": 345, "mismatched_amounts": 1, "last_nps": 0,
        "last_csat": None, "last_ces": 7,
    }  # fmt: skip
    void = sale | {"sale_id": "s2", "status": "rejected", "last_score": None, "feedback_delay_seconds": None}
    void |= {"refunded": 0, "charged_back": 0}
    store(writer, JOURNEYS, [sale | {"status": "rejected"}], version=1)
    store(writer, JOURNEYS, [sale, void])

    money = {"amount": Decimal(10**10), "commission": Decimal("1.2345")}
    money |= {"refunded": Decimal("0.0001"), "charged_back": Decimal(2), "net": Decimal("9999999997.9999")}
    money |= {"commission_reversed": Decimal("0.0345"), "earnings": Decimal("1.2")}
    time = {"occurred_at": datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)}
    found = shown(client, "journey", "brand_id", "sale_id")
    assert found["b", "s1"] == {k: v for k, v in (sale | money | time).items() if k not in ("brand_id", "sale_id")}
    assert (found["b", "s2"]["net"], found["b", "s2"]["earnings"]) == (0, 0)
    assert found["b", "s2"]["last_score"] is None


def test_a_reversal_shows_its_newest_row_with_decimals(client: Client, writer: Writer) -> None:
    refund = {
        "brand_id": "b", "sale_id": "s1", "reversal_id": "r1", "customer_id": "c", "kind": "REFUND",
        "status": "counted", "affiliate_id": "a", "campaign": "spring", "amount": 10**14, "commission": 12_345,
        "currency": "EUR", "occurred_at": 1_700_000_000_123,
    }  # fmt: skip
    waiting = refund | {"reversal_id": "r2", "kind": "CHARGEBACK", "status": "without_sale", "currency": ""}
    store(writer, REVERSALS, [refund | {"status": "without_sale", "affiliate_id": ""}], version=1)
    store(writer, REVERSALS, [refund, waiting])
    store(writer, REVERSALS, [refund | {"reversal_id": "r3"}], generation=2)

    found = shown(client, "reversal", "brand_id", "sale_id", "reversal_id")
    assert found.keys() == {("b", "s1", "r1"), ("b", "s1", "r2")}
    assert found["b", "s1", "r1"] == {
        "kind": "REFUND", "status": "counted", "affiliate_id": "a", "campaign": "spring", "amount": Decimal(10**10),
        "commission": Decimal("1.2345"), "currency": "EUR",
        "occurred_at": datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC),
    }  # fmt: skip
    assert found["b", "s1", "r2"]["status"] == "without_sale"


def test_questions_are_narrowed_by_brand_affiliate_and_time(client: Client, writer: Writer) -> None:
    rows, said = panes(3, AT), topic_panes(3, AT)
    store(writer, AFFILIATE_PANES, rows)
    store(writer, TOPIC_PANES, said)

    found = reading.rolling(client, brand="b1", affiliate="a1", at=AT)
    assert [row["window"] for row in found if row["currency"] == "EUR"] == list(oracle.WINDOWS)
    expected = {key for key in oracle.rolling(rows, AT) if key[:2] == ("b1", "a1")}
    assert {(r["brand_id"], r["affiliate_id"], r["currency"], r["window"]) for r in found} == expected
    assert len(reading.rolling(client, at=AT)) == len(oracle.rolling(rows, AT))
    assert {r["affiliate_id"] for r in reading.topics(client, affiliate="", at=AT)} == {""}
    assert reading.rolling(client, brand="b1' OR 1 = 1 --", at=AT) == []
