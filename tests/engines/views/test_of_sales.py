"""The views of sales and answers show what a slow, plain computation finds in the same rows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.migrate import migrate
from sinks.tables import AFFILIATE_PANES, ANSWERS, COMMENTS, JOURNEYS, Table, pack_row
from sinks.writer import Writer
from tests.support import sales_data as data
from tests.support import sales_oracle as oracle
from tests.support.plain_http import as_anyone, ask
from tests.support.sales_oracle import Shown
from tests.support.views_oracle import Row

SEEDS = range(4)


@pytest.fixture(scope="module")
def url(clickhouse: str) -> str:
    migrate(clickhouse)
    return clickhouse


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of emptied tables."""
    found = connect(url)
    for table in (AFFILIATE_PANES.name, JOURNEYS.name, ANSWERS.name, COMMENTS.name, "generations"):
        found.command(f"TRUNCATE TABLE {table}")
    yield found
    found.close()


@pytest.fixture
def writer(url: str, client: Client) -> Iterator[Writer]:
    found = Writer(url)
    yield found
    found.close()


def store(writer: Writer, table: Table, rows: list[Row], *blanked: str) -> None:
    """Stores rows among others that must not count: older ones of the same keys and another generation's, with nothing in the
    columns `blanked`; and repeats."""
    stale = [row | dict.fromkeys(blanked, "") | {"version": 9} for row in rows]
    others = [row | dict.fromkeys(blanked, "") | {"generation": 2, "version": 99} for row in rows]
    for some in (stale[::2], rows, stale[1::2], rows[::3], others):
        writer.insert(table, [pack_row(row[column] for column in table.columns) for row in some])


def shown(client: Client, view: str, *keys: str, **settings: Any) -> Shown:
    """A view's rows by key. Asserts that a key is there once."""
    found = list(client.query(f"SELECT * FROM {view}", settings=settings).named_results())
    by_key = {tuple(row.pop(key) for key in keys): row for row in found}
    assert len(by_key) == len(found)
    return by_key


@pytest.mark.parametrize("seed", SEEDS)
def test_findings_are_those_of_linked_answers(client: Client, writer: Writer, seed: int) -> None:
    given = data.answers(seed, data.sales(seed, datetime.now(UTC)))
    store(writer, ANSWERS, given, "findings", "affiliate_id")

    expected = oracle.findings(given)
    assert shown(client, "finding", "brand_id", "feedback_id", "verdict", "topic") == expected
    assert expected


def test_an_answer_with_two_findings_is_two_rows(client: Client, writer: Writer) -> None:
    said = data.answer(
        findings="DONE_RIGHT:price,UNMET_EXPECTATION:late-delivery", answered_at=1_700_000_000_123, nps=0
    )
    store(writer, ANSWERS, [said, said | {"feedback_id": "f2", "match": "none", "sale_id": "", "affiliate_id": ""}])

    found = client.query("SELECT * FROM finding ORDER BY topic").result_rows
    at = datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
    assert found == [
        ("b1", "f1", "UNMET_EXPECTATION", "late-delivery", "a1", "s1", at, 0, 0, None, None),
        ("b1", "f1", "DONE_RIGHT", "price", "a1", "s1", at, 0, 0, None, None),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_comments_are_those_of_answers_that_stand(client: Client, writer: Writer, seed: int) -> None:
    given = data.answers(seed, data.sales(seed, datetime.now(UTC)))
    written = data.comments(seed, given)
    store(writer, ANSWERS, given, "affiliate_id")
    store(writer, COMMENTS, written, "comment")

    expected = oracle.comments(written, given)
    assert shown(client, "comment", "brand_id", "feedback_id") == expected
    assert expected


def test_a_comment_goes_with_its_answer(client: Client, writer: Writer) -> None:
    store(writer, ANSWERS, [data.answer(answered_at=1_700_000_000_000)])
    store(writer, COMMENTS, [data.comment(comment="Chegou cedo", language="pt-BR")])
    at = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    found = client.query("SELECT * FROM comment").result_rows
    assert found == [("b1", "f1", "c1", "a1", at, "pt-BR", "Chegou cedo")]

    withdrawn = data.answer(status="withdrawn", match="none", sale_id="", affiliate_id="", version=11)
    writer.insert(ANSWERS, [pack_row(withdrawn[column] for column in ANSWERS.columns)])
    assert client.query("SELECT * FROM comment").result_rows == []


def test_nobody_reads_comments_who_does_not_write(url: str, client: Client, writer: Writer) -> None:
    store(writer, ANSWERS, [data.answer()])
    store(writer, COMMENTS, [data.comment(comment="canary-4711")])
    assert b"canary-4711" in ask(url, "SELECT * FROM posventa.comment").body

    reader = as_anyone(url)
    assert ask(reader, "SELECT count() FROM posventa.finding").status == 200
    for sql in (
        "SELECT * FROM posventa.comment",
        "SELECT count() FROM posventa.comment",
        "DESCRIBE TABLE posventa.comment",
        "SELECT c.comment FROM posventa.finding AS f INNER JOIN posventa.comment AS c USING (brand_id, feedback_id)",
        "SELECT * FROM merge('posventa', '^comment')",
        "SELECT * FROM viewExplain('', '', (SELECT comment FROM posventa.comment))",
    ):
        told = ask(reader, sql)
        assert told.status >= 400, sql
        assert b"canary-4711" not in told.body
    listed = ask(reader, "SELECT name, create_table_query FROM system.tables WHERE database = 'posventa'").body
    assert b"posventa.comments" not in listed


@pytest.mark.parametrize("nulls", [0, 1], ids=["joins fill in", "joins leave null"])
@pytest.mark.parametrize("seed", SEEDS)
def test_word_of_mouth_is_what_customers_brought(client: Client, writer: Writer, seed: int, nulls: int) -> None:
    sold = data.sales(seed, datetime.now(UTC), 300)
    given = data.answers(seed, sold, 300)
    store(writer, JOURNEYS, sold, "referred_by")
    store(writer, ANSWERS, given, "status")

    expected = oracle.word_of_mouth(sold, given)
    keys = ("brand_id", "affiliate_id", "currency", "month")
    assert shown(client, "word_of_mouth", *keys, join_use_nulls=nulls) == expected
    assert any(0 < row["promoter_referrers"] < row["referrers"] for row in expected.values())
    assert any(row["referrers"] < row["referred_sales"] for row in expected.values())
    assert {affiliate for _, affiliate, _, _ in expected} == set(data.AFFILIATES)


def test_a_recommendation_counts_for_who_had_won_the_customer_before(client: Client, writer: Writer) -> None:
    """c1 was won by a1 on the 1st, c2 by a2 on the 3rd; c3 buys on the 2nd and on the 4th, when c1 is a detractor no more."""

    def day(number: int) -> int:
        return round(datetime(2026, 1, number, tzinfo=UTC).timestamp() * 1000)

    store(
        writer,
        JOURNEYS,
        [
            data.sale(customer_id="c1", occurred_at=day(1), is_new_customer=1),
            data.sale(customer_id="c2", occurred_at=day(3), is_new_customer=1, affiliate_id="a2", referred_by="c2"),
            data.sale(
                customer_id="c3", sale_id="s1", occurred_at=day(2), referred_by="c1", amount=50_000, is_new_customer=1
            ),
            data.sale(customer_id="c3", sale_id="s2", occurred_at=day(2), referred_by="c2", amount=1),
            data.sale(customer_id="c3", sale_id="s3", occurred_at=day(4), referred_by="c1", amount=20_000),
            data.sale(customer_id="c3", sale_id="s4", occurred_at=day(4), referred_by="c1", status="rejected"),
            data.sale(customer_id="c3", sale_id="s5", occurred_at=day(4), referred_by="c2", currency="USD"),
        ],
    )
    store(
        writer,
        ANSWERS,
        [
            data.answer(customer_id="c1", feedback_id="f1", answered_at=day(1), nps=0),
            data.answer(customer_id="c1", feedback_id="f2", answered_at=day(3), nps=9),
            data.answer(customer_id="c2", feedback_id="f3", answered_at=day(4), nps=10),
        ],
    )

    found = client.query("SELECT * FROM word_of_mouth ORDER BY affiliate_id").result_rows
    month = date(2026, 1, 1)
    assert found == [
        ("b1", "", "EUR", month, 1, Decimal("0.0001"), 1, 0),
        ("b1", "a1", "EUR", month, 2, Decimal(7), 1, 1),
        ("b1", "a2", "USD", month, 1, Decimal(0), 1, 0),
    ]


COHORT = ("brand_id", "affiliate_id", "currency", "cohort_month", "months_since")


@pytest.mark.parametrize("seed", SEEDS)
def test_retention_is_who_came_back(client: Client, writer: Writer, seed: int) -> None:
    sold = data.sales(seed, datetime.now(UTC), 300, customers=(*data.CUSTOMERS, *map(str, range(50))))
    store(writer, JOURNEYS, sold, "affiliate_id")

    found = shown(client, "retention", *COHORT)
    expected = oracle.retention(sold, _today(client))
    assert found == expected
    assert {row["is_complete"] for row in expected.values()} == {0, 1}
    assert any(row["customers"] > row["returned"] > 0 for row in expected.values())
    assert any(row["sales"] == 0 for row in expected.values())


def _today(client: Client) -> date:
    found = client.query("SELECT toDate(now('UTC'))").result_rows[0][0]
    assert isinstance(found, date)
    return found


def test_a_cohort_has_every_month_up_to_the_current_one(client: Client, writer: Writer) -> None:
    """Two months ago a1 won c1 and c2. c1 came back at once and again last month, from a2; c2 in another currency alone."""
    this_month = _today(client).replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    cohort = (last_month - timedelta(days=1)).replace(day=1)

    def on(month: date, hour: int) -> int:
        return round(datetime(month.year, month.month, 3, hour, tzinfo=UTC).timestamp() * 1000)

    store(
        writer,
        JOURNEYS,
        [
            data.sale(customer_id="c1", occurred_at=on(cohort, 1), is_new_customer=1, amount=100_000, refunded=1),
            data.sale(customer_id="c1", sale_id="s2", occurred_at=on(cohort, 2), amount=50_000),
            data.sale(customer_id="c1", sale_id="s3", occurred_at=on(last_month, 0), affiliate_id="a2", amount=10_000),
            data.sale(customer_id="c1", sale_id="s4", occurred_at=on(last_month, 0), status="rejected", amount=7),
            data.sale(customer_id="c2", occurred_at=on(cohort, 0), is_new_customer=1, charged_back=20_000),
            data.sale(customer_id="c2", sale_id="s2", occurred_at=on(last_month, 0), currency="USD", amount=7),
        ],
    )

    key = ("b1", "a1", "EUR", cohort)
    assert client.query("SELECT * FROM retention ORDER BY months_since").result_rows == [
        (*key, 0, 2, 1, 3, Decimal(15), Decimal("12.9999"), 0.5, 1),
        (*key, 1, 2, 1, 1, Decimal(1), Decimal(1), 0.5, 1),
        (*key, 2, 2, 0, 0, Decimal(0), Decimal(0), 0.0, 0),
    ]


CAMPAIGN = ("brand_id", "affiliate_id", "currency", "campaign", "window")
AT = datetime(2026, 1, 31, 12, 3, 20, tzinfo=UTC)  # within a pane, whatever panes there are


@pytest.mark.parametrize("nulls", [0, 1], ids=["joins fill in", "joins leave null"])
@pytest.mark.parametrize(("seed", "pane_s"), [(0, 300), (1, 300), (2, 60), (3, 3600), (4, 1800)])
def test_campaigns_are_what_became_of_the_sales_of_a_window(
    client: Client, writer: Writer, seed: int, pane_s: int, nulls: int
) -> None:
    at = AT if seed else AT.replace(minute=0, second=0)
    sold = data.campaign_sales(seed, at, pane_s)
    given = data.answers(seed, sold, 300)
    data.tell_answers(sold, given)
    store(writer, AFFILIATE_PANES, data.panes_of(seed, sold, pane_s))
    store(writer, JOURNEYS, sold, "campaign")
    store(writer, ANSWERS, given, "status")

    found = shown(client, f"affiliate_campaigns_at(at = '{at:%Y-%m-%d %H:%M:%S}')", *CAMPAIGN, join_use_nulls=nulls)
    expected = oracle.campaigns(sold, given, at, pane_s)
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key].keys() == row.keys()
        for column, value in row.items():
            close = pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
            assert found[key][column] == close, (key, column)
    assert {row["evidence"] for row in expected.values()} > {"none", "thin"}


def test_campaigns_add_up_to_the_rolling_view(client: Client, writer: Writer) -> None:
    sold = data.campaign_sales(7, AT, 300)
    store(writer, AFFILIATE_PANES, data.panes_of(7, sold, 300))
    store(writer, JOURNEYS, sold, "campaign")

    ends = f"at = '{AT:%Y-%m-%d %H:%M:%S}'"
    by = "brand_id, affiliate_id, currency, window"
    rolling = client.query(
        f"SELECT {by}, sales, window_start FROM affiliate_rolling_at({ends}) "
        "WHERE window IN ('7d', '30d') AND sales > 0 ORDER BY ALL"
    ).result_rows
    added = client.query(
        f"SELECT {by}, sum(sales), any(window_start) FROM affiliate_campaigns_at({ends}) "
        f"WHERE window != '90d' GROUP BY {by} ORDER BY ALL"
    ).result_rows
    assert rolling == added
    assert rolling


def test_what_became_of_a_campaign_counts_whenever_it_came(client: Client, writer: Writer) -> None:
    """Two sales of eight days ago, one of them refunded and answered yesterday; and one of another campaign now."""
    now = datetime.now(UTC)
    ago = {days: round((now - timedelta(days=days)).timestamp() * 1000) for days in (0, 1, 8)}
    spring = data.sale(campaign="spring", occurred_at=ago[8], amount=100_000, commission=20_000)
    given_back = {"refunds": 1, "refunded": 30_000, "commission_reversed": 5_000, "answers": 1}
    sold = [
        spring | given_back | {"is_new_customer": 1},
        spring | {"sale_id": "s2", "is_renewal": 1},
        data.sale(sale_id="s3", occurred_at=ago[0] - 3_600_000, amount=10_000),
    ]
    store(writer, JOURNEYS, sold)
    store(writer, AFFILIATE_PANES, data.panes_of(0, sold, 300))
    store(writer, ANSWERS, [data.answer(answered_at=ago[1], nps=10, csat=3)])

    columns = (
        "campaign, window, sales, gross, commission_reversed, refunded_sales, net, earnings, new_customers, renewals, "
        "feedback, promoters, csat_answers, nps, csat, refund_rate, evidence"
    )
    found = client.query(f"SELECT {columns} FROM affiliate_campaigns ORDER BY campaign, window_hours").result_rows
    one = (1, Decimal(1), Decimal(0), 0, Decimal(1), Decimal(0), 0, 0, 0, 0, 0, None, None, 0.0, "none")
    two = (2, Decimal(20), Decimal("0.5"), 1, Decimal(17), Decimal("3.5"), 1, 1, 1, 1, 1, 100.0, 0.0, 0.5, "thin")
    assert found == [
        ("", "7d", *one),
        ("", "30d", *one),
        ("", "90d", *one),
        ("spring", "30d", *two),
        ("spring", "90d", *two),
    ]
