"""What the views must show, computed slowly and plainly from pane rows. Shares no code with the SQL.

A pane row here is a mapping: the key's columns, `source_partition`, and every measure (money in ten-thousandths).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

from schemas.measures import MEASURES, MONEY

Row = dict[str, Any]
WINDOWS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
Z = 1.959964


def summed(rows: Iterable[Row], *keys: str) -> dict[tuple[Any, ...], Row]:
    """Measures added up per key, money as exact decimals; keys whose measures are all zero are left out."""
    totals: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(MEASURES, 0))
    for row in rows:
        total = totals[tuple(row[key] for key in keys)]
        for measure in MEASURES:
            total[measure] += row[measure]
    return {key: _shown(total) for key, total in totals.items() if any(total.values())}


def series(rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, currency, bucket): the measures of a pane."""
    return summed(rows, "brand_id", "affiliate_id", "currency", "bucket")


def rolling(rows: list[Row], at: datetime) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, currency, window): measures, net and rates of what is in (at - window, at]."""
    found: dict[tuple[Any, ...], Row] = {}
    for name, length in WINDOWS.items():
        inside = [row for row in rows if at - length < when(row["bucket"]) <= at]
        for key, total in summed(inside, "brand_id", "affiliate_id", "currency").items():
            found[*key, name] = total | rates(total)
    return found


def daily(rows: list[Row]) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, currency, day)."""
    dated = [row | {"day": when(row["bucket"]).date()} for row in rows]
    own = summed(dated, "brand_id", "affiliate_id", "currency", "day")
    days = sorted({day for *_, day in own})
    found: dict[tuple[Any, ...], Row] = {}
    for key in {key[:3] for key in own}:
        day = days[0]
        while day <= days[-1] + timedelta(days=30):
            row = _day(own, key, day)
            if row:
                found[*key, day] = row
            day += timedelta(days=1)
    return found


def _day(own: dict[tuple[Any, ...], Row], key: tuple[Any, ...], day: date) -> Row | None:
    measures = own.get((*key, day)) or _shown(dict.fromkeys(MEASURES, 0))
    row = measures | rates(measures)
    for length in (7, 30):
        spans = [own.get((*key, day - timedelta(days=back))) for back in range(length)]
        total = {m: sum((span[m] for span in spans if span), start=_zero(m)) for m in MEASURES}
        window = total | rates(total)
        row |= {f"{m}_{length}d": window[m] for m in _WINDOWED}
    shown = [row[m] for m in MEASURES] + [row[f"{m}_{n}d"] for m in _WINDOWED for n in (7, 30)]
    return row if any(shown) else None


_WINDOWED = ("sales", "gross", "net", "feedback", "nps", "csat", "refund_rate")


def rates(m: Row) -> Row:
    """Net, rates, bounds and evidence of a row of measures."""
    answers = m["promoters"] + m["passives"] + m["detractors"]
    low, high = _wald(m["promoters"], m["detractors"], answers)
    csat_low, csat_high = _wilson(m["csat_satisfied"], m["csat_answers"])
    return {
        "net": m["gross"] - m["refunded"] - m["charged_back"],
        "nps": ratio(100 * (m["promoters"] - m["detractors"]), answers),
        "nps_low": low,
        "nps_high": high,
        "csat": ratio(m["csat_satisfied"], m["csat_answers"]),
        "csat_low": csat_low,
        "csat_high": csat_high,
        "refund_rate": ratio(m["refunded_sales"], m["sales"]),
        "new_rate": ratio(m["new_customers"], m["sales"]),
        "answer_rate": ratio(m["answered_sales"], m["sales"]),
        "referral_rate": ratio(m["referred_sales"], m["sales"]),
        "ces": ratio(m["ces_score_sum"], m["ces_answers"]),
        "evidence": evidence(m["feedback"]),
    }


def evidence(feedback: int) -> str:
    """How much so many answers show."""
    if feedback == 0:
        return "none"
    if feedback < 5:
        return "thin"
    return "indicative" if feedback < 30 else "solid"


def topics(topic_rows: list[Row], pane_rows: list[Row], at: datetime) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, topic, verdict, window): answers, share and lift."""
    found: dict[tuple[Any, ...], Row] = {}
    for name, length in WINDOWS.items():
        said = [row for row in topic_rows if at - length < when(row["bucket"]) <= at]
        panes = [row for row in pane_rows if at - length < when(row["bucket"]) <= at]
        for brand, affiliate, topic, verdict in {_topic(row) for row in said}:
            mine = sum(r["answers"] for r in said if _topic(r) == (brand, affiliate, topic, verdict))
            others = sum(
                r["answers"]
                for r in said
                if (r["brand_id"], r["topic"], r["verdict"]) == (brand, topic, verdict)
                and r["affiliate_id"] != affiliate
            )
            my_feedback = sum(r["feedback"] for r in panes if (r["brand_id"], r["affiliate_id"]) == (brand, affiliate))
            other_feedback = sum(
                r["feedback"] for r in panes if r["brand_id"] == brand and r["affiliate_id"] != affiliate
            )
            if mine:
                share = ratio(mine, my_feedback)
                lift = ratio(share, ratio(others, other_feedback))
                found[brand, affiliate, topic, verdict, name] = {"answers": mine, "share": share, "lift": lift}
    return found


def _topic(row: Row) -> tuple[str, str, str, str]:
    return row["brand_id"], row["affiliate_id"], row["topic"], row["verdict"]


def when(bucket: int) -> datetime:
    """The time of epoch seconds, in UTC."""
    return datetime.fromtimestamp(bucket, UTC)


def ratio(part: float | None, whole: float | None) -> float | None:
    """A share; None of nothing."""
    return None if part is None or not whole else part / whole


def _wald(promoters: int, detractors: int, answers: int) -> tuple[float | None, float | None]:
    if answers == 0:
        return None, None
    n = answers + 3
    p, d = (promoters + 0.75) / n, (detractors + 0.75) / n
    half = Z * sqrt((p + d - (p - d) ** 2) / n)
    return max(-100.0, 100 * (p - d - half)), min(100.0, 100 * (p - d + half))


def _wilson(satisfied: int, n: int) -> tuple[float | None, float | None]:
    if n == 0:
        return None, None
    p = satisfied / n
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _zero(measure: str) -> Any:
    return Decimal(0) if measure in MONEY else 0


def _shown(total: dict[str, int]) -> Row:
    return {m: Decimal(v).scaleb(-4) if m in MONEY else v for m, v in total.items()}
