"""What a person reads: nothing wider than 100 columns, no colours in a pipe, no score without its interval."""

import os
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from streams.cli.report_table import WIDTH, render
from streams.embedded.child import free_port
from streams.words import LANGUAGES
from tests.support.processes import POSVENTA

TOTAL: dict[str, Any] = {
    "partition": -1, "complete_up_to": datetime(2026, 1, 31, 12, tzinfo=UTC), "status": "ok", "lag_records": 3,
}  # fmt: skip


def rolling(**changes: Any) -> dict[str, Any]:
    return {
        "brand_id": "marca", "affiliate_id": "ana", "currency": "EUR", "window": "30d", "sales": 1234,
        "net": Decimal("9876543.2100"), "new_customers": 1000, "repeat_sales": 234, "refund_rate": 0.125,
        "nps": 40.2, "nps_low": 31.0, "nps_high": 49.4, "csat": 0.8, "csat_low": 0.71, "csat_high": 0.9,
        "evidence": "thin", "unlinked_feedback": 0, "renewals": 0, "mismatched_amounts": 0, "without_sale": 0,
        **changes,
    }  # fmt: skip


def topic(**changes: Any) -> dict[str, Any]:
    said = {"brand_id": "marca", "affiliate_id": "ana", "window": "30d", "verdict": "UNMET_EXPECTATION"}
    return said | {"topic": "delivery", "answers": 7, "share": 0.35, "lift": 2.5} | changes


def shown(rows: list[dict[str, Any]], topics: list[dict[str, Any]], lang: str = "en") -> str:
    out = StringIO()
    Console(file=out, width=WIDTH, highlight=False).print(render(rows, topics, [TOTAL], lang))
    return out.getvalue()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_report_fits_100_columns_and_has_no_colours_in_a_pipe(lang: str) -> None:
    text = shown([rolling(), rolling(net=Decimal("-123456789012.3400"))], [topic(), topic(verdict="DONE_RIGHT")], lang)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text


def test_scores_come_with_their_interval_and_how_thin_the_evidence_is() -> None:
    text = shown([rolling()], [])
    assert "40 (31 to 49)" in text
    assert "80 (71 to 90)" in text
    assert "thin" in text
    none = shown([rolling(nps=None, nps_low=None, nps_high=None, refund_rate=None)], [])
    assert "40 (" not in none


def test_freshness_stands_before_the_first_number() -> None:
    text = shown([rolling()], [])
    assert text.index("Complete up to 2026-01-31 12:00:00 UTC, status ok, 3 records waiting") < text.index("1,234")


def test_an_id_cannot_turn_the_line_round_or_move_the_cursor() -> None:
    text = shown([rolling(brand_id="mar\u202eca", affiliate_id="\x1b[2Jana\u200b")], [])
    assert "mar\\u202eca / \\x1b[2Jana\\u200b" in text


def test_each_currency_keeps_a_line_of_its_own() -> None:
    text = shown([rolling(), rolling(currency="USD", net=Decimal("5.0000"))], [])
    assert "9,876,543.21 EUR" in text
    assert "5.00 USD" in text


def test_what_was_said_stands_under_its_verdict_with_share_and_lift() -> None:
    text = shown([rolling()], [topic(), topic(topic="fees", verdict="MISSING_INFORMATION", lift=None)])
    assert "Unmet expectation" in text
    assert "delivery (35%, 2.5 x the others)" in text
    assert "fees (35%)" in text


def test_answers_without_a_sale_are_said_apart_and_spanish_is_spanish() -> None:
    text = shown([rolling(affiliate_id="", currency="", unlinked_feedback=6)], [], "es")
    assert "(directa)" in text
    assert "Respuestas sin venta conocida: 6 (30d)" in text
    assert "Ventas" not in text


def test_renewals_and_what_does_not_add_up_are_told_where_there_are_any() -> None:
    rows = [rolling(renewals=3), rolling(currency="USD", renewals=1, mismatched_amounts=2)]
    text = shown([*rows, rolling(window="7d", renewals=1)], [])
    assert "Renewals of subscriptions among the sales: 1 (7d), 4 (30d)" in text
    assert "which don't add up: 2 (30d)" in text
    assert "nobody has told of" not in text
    assert "Refunds, chargebacks and attributions whose sale nobody has told of: 5 (30d)" in shown(
        [rolling(affiliate_id="", currency="", without_sale=5)], []
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            ["--at", "yesterday"],
            2,
            "--at yesterday: not a time from 2000 to 2105; use for example --at 2026-01-31T12:00:00Z",
        ),
        (["--lang", "fr"], 2, "--lang fr: use one of en, es"),
        ([], 1, "no answer; is ClickHouse running there?"),
    ],
)
def test_what_cannot_be_reported_is_said_with_what_to_do(options: list[str], code: int, message: str) -> None:
    nowhere = {"POSVENTA_CLICKHOUSE": f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run(
        [POSVENTA, "report", *options], env=os.environ | nowhere, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
