"""What the views made of sales and answers must show, computed slowly and plainly from their rows. Shares no code with the SQL.

A row is a mapping of a base table's columns: money in ten-thousandths, times in epoch milliseconds.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.views_oracle import Row, rates, times

Shown = dict[tuple[Any, ...], Row]


def findings(answers: Iterable[Row]) -> Shown:
    """By (brand, feedback, verdict, topic): what linked answers say."""
    found: Shown = {}
    for row in answers:
        if row["status"] == "answered" and row["sale_id"]:
            for said in filter(None, row["findings"].split(",")):
                verdict, topic = said.split(":")
                shown = {name: row[name] for name in ("affiliate_id", "sale_id", "nps", "csat", "ces")}
                shown |= {"answered_at": moment(row["answered_at"]), "from_comment": 0}
                found[row["brand_id"], row["feedback_id"], verdict, topic] = shown
    return found


def comments(written: Iterable[Row], answers: Iterable[Row]) -> Shown:
    """By (brand, feedback): what is written in answers that stand."""
    standing = {_feedback(row): row for row in answers if row["status"] == "answered"}
    found: Shown = {}
    for row in written:
        of = standing.get(_feedback(row))
        if of is not None and row["comment"]:
            shown = {name: row[name] for name in ("customer_id", "language", "comment")}
            shown |= {"affiliate_id": of["affiliate_id"], "answered_at": moment(of["answered_at"])}
            found[row["brand_id"], row["feedback_id"]] = shown
    return found


def word_of_mouth(sold: list[Row], answers: list[Row]) -> Shown:
    """By (brand, affiliate, currency, month): what customers brought."""
    rows: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    valid = [row for row in sold if row["status"] == "valid"]
    for row in valid:
        if row["referred_by"] not in ("", row["customer_id"]):
            affiliate = _affiliate_before(row, valid)
            rows[row["brand_id"], affiliate, row["currency"], _month(row["occurred_at"])].append(row)
    return {
        key: {
            "referred_sales": len(brought),
            "referred_gross": money(sum(row["amount"] for row in brought)),
            "referrers": len({row["referred_by"] for row in brought}),
            "promoter_referrers": len({row["referred_by"] for row in brought if _by_promoter(row, answers)}),
        }
        for key, brought in rows.items()
    }


def _affiliate_before(brought: Row, valid: list[Row]) -> str:
    """Of the first earlier sale of whoever recommended it."""
    earlier = [
        (row["occurred_at"], row["sale_id"], row["affiliate_id"])
        for row in valid
        if (row["brand_id"], row["customer_id"]) == (brought["brand_id"], brought["referred_by"])
        and row["occurred_at"] < brought["occurred_at"]
    ]
    return min(earlier, default=(0, "", ""))[2]


def _by_promoter(brought: Row, answers: list[Row]) -> bool:
    said = [
        (row["answered_at"], row["feedback_id"], row["nps"])
        for row in answers
        if (row["brand_id"], row["customer_id"]) == (brought["brand_id"], brought["referred_by"])
        and row["status"] == "answered"
        and row["nps"] is not None
        and row["answered_at"] < brought["occurred_at"]
    ]
    return max(said, default=(0, "", 0))[2] >= 9


def retention(sold: list[Row], today: date) -> Shown:
    """By (brand, affiliate, currency, month, months since): what became of the customers won in a month."""
    bought: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(sold, key=lambda row: (row["occurred_at"], row["sale_id"])):
        if row["status"] == "valid":
            bought[row["brand_id"], row["customer_id"]].append(row)
    cohorts: dict[tuple[Any, ...], list[list[Row]]] = defaultdict(list)
    for (brand, _), rows in bought.items():
        cohorts[brand, rows[0]["affiliate_id"], rows[0]["currency"], _month(rows[0]["occurred_at"])].append(rows)
    found: Shown = {}
    for key, members in cohorts.items():
        month, since = key[3], 0
        while month <= today:
            found[*key, since] = _of_month(members, key[2], month) | {"is_complete": int(month < today.replace(day=1))}
            month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
            since += 1
    return found


def _of_month(members: list[list[Row]], currency: str, month: date) -> Row:
    counted = [
        (rows[0], row)
        for rows in members
        for row in rows
        if row["currency"] == currency and _month(row["occurred_at"]) == month
    ]
    returned = len({first["customer_id"] for first, row in counted if row is not first})
    return {
        "customers": len(members),
        "returned": returned,
        "sales": len(counted),
        "gross": money(sum(row["amount"] for _, row in counted)),
        "net": money(sum(row["amount"] - row["refunded"] - row["charged_back"] for _, row in counted)),
        "retention_rate": returned / len(members),
    }


def campaigns(sold: list[Row], answers: list[Row], at: datetime, pane_s: int) -> Shown:
    """By (brand, affiliate, currency, campaign, window): what the sales of a window came to."""
    found: Shown = {}
    for name, days in (("7d", 7), ("30d", 30), ("90d", 90)):
        length = timedelta(days=days)
        rows: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in sold:
            pane = moment(row["occurred_at"] // 1000 // pane_s * pane_s * 1000)
            if row["status"] == "valid" and at - length <= pane < at:
                rows[row["brand_id"], row["affiliate_id"], row["currency"], row["campaign"], name].append(row)
        found |= {key: times(at, length) | _became(of, answers) for key, of in rows.items()}
    return found


def _became(sold: list[Row], answers: list[Row]) -> Row:
    ids = {(row["brand_id"], row["customer_id"], row["sale_id"]) for row in sold}
    given = [
        row
        for row in answers
        if row["status"] == "answered" and (row["brand_id"], row["customer_id"], row["sale_id"]) in ids
    ]
    answered = {(row["brand_id"], row["customer_id"], row["sale_id"]) for row in given}
    nps = [row["nps"] for row in given if row["nps"] is not None]
    csat = [row["csat"] for row in given if row["csat"] is not None]
    row: Row = {
        "sales": len(sold),
        "new_customers": sum(row["is_new_customer"] for row in sold),
        "refunded_sales": sum(row["refunds"] + row["chargebacks"] > 0 for row in sold),
        "answered_sales": len(answered),
        "feedback": len(given),
        "promoters": sum(score >= 9 for score in nps),
        "passives": sum(score in (7, 8) for score in nps),
        "detractors": sum(score <= 6 for score in nps),
        "csat_answers": len(csat),
        "csat_satisfied": sum(score >= 4 for score in csat),
        "renewals": sum(row["is_renewal"] for row in sold),
    }
    moneys = {"gross": "amount"} | {
        name: name for name in ("commission", "refunded", "commission_reversed", "charged_back")
    }
    row |= {name: money(sum(of[column] for of in sold)) for name, column in moneys.items()}
    others = {"referred_sales": 0, "ces_score_sum": 0, "ces_answers": 0}
    all_rates = rates(row | others)
    shown = (
        "net",
        "earnings",
        "nps",
        "nps_low",
        "nps_high",
        "csat",
        "csat_low",
        "csat_high",
        "refund_rate",
        "evidence",
    )
    return row | {name: all_rates[name] for name in shown}


def _month(milliseconds: int) -> date:
    """The first day of its month in UTC."""
    return moment(milliseconds).date().replace(day=1)


def money(ten_thousandths: int) -> Decimal:
    """As the views show it."""
    return Decimal(ten_thousandths).scaleb(-4)


def _feedback(row: Row) -> tuple[str, str, str]:
    return row["brand_id"], row["customer_id"], row["feedback_id"]


def moment(milliseconds: int) -> datetime:
    """The time of epoch milliseconds, in UTC, exactly."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
