"""Tables, views and their descriptions are what the writer and the contract say; migrations may be repeated."""

import re
import threading
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

import sinks.migrate
from schemas.measures import MEASURES, MONEY
from sinks.client import connect
from sinks.errors import SinkRefused
from sinks.migrate import MIGRATIONS, grants, migrate
from sinks.tables import TABLES
from sinks.views.catalogue import NAMES, VIEWS


def words(text: str) -> list[str]:
    return text.split()


RATES = words(
    "nps nps_low nps_high csat csat_low csat_high refund_rate new_rate answer_rate referral_rate ces given_back_rate "
    "evidence nps_evidence csat_evidence"
)
TIMES = words("window_hours window_start window_end")
WINDOWED = [f"{m}_{n}d" for n in (7, 30) for m in words("sales gross net feedback nps csat refund_rate")]
CHANGED = words("sales new_customers reversals feedback nps_answers nps csat_answers csat")
CONTRACT = {
    "affiliate_rolling": [
        *("brand_id", "affiliate_id", "currency", "window", *TIMES, *MEASURES, "net", "earnings", *RATES),
    ],
    "affiliate_series": ["brand_id", "affiliate_id", "currency", "bucket", *MEASURES],
    "affiliate_daily": ["brand_id", "affiliate_id", "currency", "day", *MEASURES, "net", "earnings", *RATES],
    "topic_daily": words(
        "brand_id affiliate_id topic verdict day answers promoters passives detractors csat_answers csat_satisfied"
    ),
    "affiliate_change": [
        *("brand_id", "affiliate_id", "window", *TIMES, *CHANGED, *(f"{name}_before" for name in CHANGED)),
        *words("nps_change nps_change_low nps_change_high nps_turned"),
        *words("csat_change csat_change_low csat_change_high csat_turned"),
    ],
    "affiliate_trailing": ["brand_id", "affiliate_id", "currency", "day", *WINDOWED],
    "affiliate_topics": [
        *words("brand_id affiliate_id topic verdict window"),
        *TIMES,
        *words(
            "answers promoters passives detractors csat_answers csat_satisfied feedback with_findings share "
            "share_of_others lift nps csat nps_without csat_without nps_impact csat_impact"
        ),
    ],
    "journey": words(
        "brand_id sale_id customer_id affiliate_id product_id offering campaign status amount commission currency "
        "occurred_at is_new_customer referred_by refunded charged_back net answers last_metric last_score verdicts "
        "feedback_delay_seconds subscription_id is_renewal refunds chargebacks commission_reversed earnings "
        "mismatched_amounts last_nps last_csat last_ces"
    ),
    "reversal": words(
        "brand_id sale_id reversal_id kind status affiliate_id campaign amount commission currency occurred_at"
    ),
    "finding": words("brand_id feedback_id verdict topic affiliate_id sale_id answered_at from_comment nps csat ces"),
    "comment": words("brand_id feedback_id customer_id affiliate_id answered_at language comment"),
    "word_of_mouth": words(
        "brand_id affiliate_id currency month referred_sales referred_gross referrers promoter_referrers"
    ),
    "retention": words(
        "brand_id affiliate_id currency cohort_month months_since customers returned sales gross net retention_rate "
        "is_complete"
    ),
    "affiliate_campaigns": [
        *words("brand_id affiliate_id currency campaign window"),
        *TIMES,
        *words(
            "sales gross commission new_customers refunded_sales answered_sales refunded commission_reversed charged_back "
            "feedback promoters passives detractors csat_answers csat_satisfied renewals net earnings nps nps_low nps_high "
            "csat csat_low csat_high refund_rate evidence"
        ),
    ],
    "freshness_now": words("topic partition complete_up_to lag_records lag_seconds status as_of"),
}
CONTRACT |= {
    f"{view}_at": CONTRACT[view]
    for view in ("affiliate_rolling", "affiliate_topics", "affiliate_change", "affiliate_campaigns")
}
CONTRACT["affiliate_daily_in"] = CONTRACT["affiliate_daily"]
ASKED = {view.name: view.parameter for view in VIEWS if view.parameter}


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Client:
    migrate(clickhouse)
    return connect(clickhouse)


def columns(client: Client, name: str) -> dict[str, tuple[str, str]]:
    """Type and comment by column."""
    source = f"{name}({ASKED[name]})" if name in ASKED else name
    found = client.query(f"DESCRIBE TABLE {source}").named_results()
    return {row["name"]: (row["type"], row["comment"]) for row in found}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_the_columns_that_the_writer_writes(client: Client, table: sinks.tables.Table) -> None:
    found = [(name, kind) for name, (kind, _) in columns(client, table.name).items()]
    assert found == list(zip(table.columns, table.types, strict=True))


def test_the_contract_and_the_list_of_views_agree(client: Client) -> None:
    found = client.query("SELECT name FROM system.tables WHERE database = 'posventa' AND engine = 'View'").result_rows
    assert {name for (name,) in found} == set(NAMES) == set(CONTRACT)


@pytest.mark.parametrize("view", NAMES)
def test_a_view_has_the_contracts_columns_in_flat_types(client: Client, view: str) -> None:
    found = columns(client, view)
    assert list(found) == CONTRACT[view]
    types = {column: kind for column, (kind, _) in found.items()}
    for column, kind in types.items():
        assert not re.search(r"Array|Map|Tuple|LowCardinality|Aggregate|Nullable\(Date", kind), (column, kind)
    money = MONEY | {"net", "earnings", "amount", "commission", "gross_7d", "gross_30d", "net_7d", "net_30d"}
    assert {types[column] for column in money & types.keys()} <= {"Decimal(38, 4)"}


@pytest.mark.parametrize("view", NAMES)
def test_a_view_says_what_it_is_and_reads_with_its_owners_rights(client: Client, view: str) -> None:
    statement, comment = client.query(
        "SELECT create_table_query, comment FROM system.tables WHERE database = 'posventa' AND name = {name:String}",
        parameters={"name": view},
    ).result_rows[0]
    assert comment
    assert "SQL SECURITY DEFINER" in statement
    if view not in ASKED:
        assert [name for name, (_, said) in columns(client, view).items() if not said] == []


def test_the_role_for_bi_is_granted_every_view_but_comments_and_no_table(client: Client) -> None:
    """The embedded engine has no roles, but it knows how they are written."""
    parsed = [client.command("SELECT formatQuery({sql:String})", parameters={"sql": sql}) for sql in grants(client)]
    found = {match[1] for sql in parsed if (match := re.search(r"ON posventa\.(\w+)", str(sql)))}
    assert found == set(NAMES) - {"comment"}


def test_migrating_again_does_nothing(clickhouse: str, client: Client) -> None:
    assert migrate(clickhouse) == []


def test_two_migrations_at_once_are_as_good_as_one(clickhouse: str, client: Client) -> None:
    client.command("DROP DATABASE posventa SYNC")
    failures: list[Exception] = []

    def run() -> None:
        try:
            migrate(clickhouse)
        except Exception as error:  # told by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrate(clickhouse) == []
    assert set(columns(client, "affiliate_rolling")) == set(CONTRACT["affiliate_rolling"])


def test_an_edited_migration_is_refused(
    clickhouse: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(clickhouse)
    for file in MIGRATIONS.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text() + ("-- edited\n" if file.name.startswith("0003") else ""))
    monkeypatch.setattr(sinks.migrate, "MIGRATIONS", tmp_path)
    with pytest.raises(SinkRefused, match="another version of posventa"):
        migrate(clickhouse)
