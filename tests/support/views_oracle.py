"""What the views must show, computed slowly and plainly from pane rows. Shares no code with the SQL.

A pane row here is a mapping: the key's columns, `source_partition`, and every measure (money in ten-thousandths).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from math import sqrt
from typing import Any

from schemas.measures import MEASURES, MONEY, TOPIC_MEASURES

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
    """By (brand, affiliate, currency, window): the window's times, measures, sums and rates of what is in [at - window, at)."""
    found: dict[tuple[Any, ...], Row] = {}
    for name, length in WINDOWS.items():
        inside = [row for row in rows if at - length <= when(row["bucket"]) < at]
        for key, total in summed(inside, "brand_id", "affiliate_id", "currency").items():
            found[*key, name] = times(at, length) | total | rates(total)
    return found


def times(at: datetime, length: timedelta) -> Row:
    """Of a window that ends at a time, which ClickHouse knows to the second."""
    end = at.replace(microsecond=0)
    return {"window_hours": length // timedelta(hours=1), "window_start": end - length, "window_end": end}


def daily(rows: list[Row], zone: tzinfo = UTC) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, currency, day): measures, sums and rates."""
    return {key: total | rates(total) for key, total in _by_day(rows, zone).items()}


def _by_day(rows: list[Row], zone: tzinfo = UTC) -> dict[tuple[Any, ...], Row]:
    dated = [row | {"day": when(row["bucket"]).astimezone(zone).date()} for row in rows]
    return summed(dated, "brand_id", "affiliate_id", "currency", "day")


def trailing(rows: list[Row], today: date) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, currency, day), up to today: of the 7 and 30 days that end with the day."""
    own = _by_day(rows)
    days = sorted({day for *_, day in own})
    found: dict[tuple[Any, ...], Row] = {}
    for key in {key[:3] for key in own}:
        day = days[0]
        while day <= min(days[-1] + timedelta(days=30), today):
            row = _trailing(own, key, day)
            if row:
                found[*key, day] = row
            day += timedelta(days=1)
    return found


def _trailing(own: dict[tuple[Any, ...], Row], key: tuple[Any, ...], day: date) -> Row | None:
    row: Row = {}
    for length in (7, 30):
        spans = [own.get((*key, day - timedelta(days=back))) for back in range(length)]
        total = {m: sum((span[m] for span in spans if span), start=_zero(m)) for m in MEASURES}
        window = total | rates(total)
        row |= {f"{m}_{length}d": window[m] for m in _WINDOWED}
    return row if any(row.values()) else None


_WINDOWED = ("sales", "gross", "net", "feedback", "nps", "csat", "refund_rate")


def rates(m: Row) -> Row:
    """Net, rates, bounds and evidence of a row of measures."""
    answers = m["promoters"] + m["passives"] + m["detractors"]
    nps = ratio(100 * (m["promoters"] - m["detractors"]), answers)
    low, high = _wald(m["promoters"], m["detractors"], answers)
    csat_low, csat_high = _wilson(m["csat_satisfied"], m["csat_answers"])
    return {
        "net": m["gross"] - m["refunded"] - m["charged_back"],
        "earnings": m["commission"] - m["commission_reversed"],
        "nps": nps,
        "nps_low": None if nps is None or low is None else min(nps, low),
        "nps_high": None if nps is None or high is None else max(nps, high),
        "csat": ratio(m["csat_satisfied"], m["csat_answers"]),
        "csat_low": csat_low,
        "csat_high": csat_high,
        "refund_rate": ratio(m["refunded_sales"], m["sales"]),
        "new_rate": ratio(m["new_customers"], m["sales"]),
        "answer_rate": ratio(m["answered_sales"], m["sales"]),
        "referral_rate": ratio(m["referred_sales"], m["sales"]),
        "ces": ratio(m["ces_score_sum"], m["ces_answers"]),
        "given_back_rate": ratio(float(m["refunded"] + m["charged_back"]), float(m["gross"])),
        "evidence": evidence(m["feedback"]),
        "nps_evidence": evidence(answers),
        "csat_evidence": evidence(m["csat_answers"]),
    }


def evidence(feedback: int) -> str:
    """How much so many answers show."""
    if feedback == 0:
        return "none"
    if feedback < 5:
        return "thin"
    return "indicative" if feedback < 100 else "solid"


def topics(topic_rows: list[Row], pane_rows: list[Row], at: datetime) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, topic, verdict, window): what is said, compared with the others, and what it does to the scores."""
    found: dict[tuple[Any, ...], Row] = {}
    for name, length in WINDOWS.items():
        said = [row for row in topic_rows if at - length <= when(row["bucket"]) < at]
        panes = [row for row in pane_rows if at - length <= when(row["bucket"]) < at]
        for brand, affiliate, topic, verdict in {_topic(row) for row in said}:
            own = [row for row in panes if (row["brand_id"], row["affiliate_id"]) == (brand, affiliate)]
            others = [row for row in panes if row["brand_id"] == brand and row["affiliate_id"] != affiliate]
            same = [row for row in said if (row["brand_id"], row["topic"], row["verdict"]) == (brand, topic, verdict)]
            mine = _added((row for row in same if row["affiliate_id"] == affiliate), TOPIC_MEASURES)
            theirs = sum(row["answers"] for row in same if row["affiliate_id"] != affiliate)
            if mine["answers"]:
                found[brand, affiliate, topic, verdict, name] = (
                    times(at, length) | mine | _compared(mine, own, theirs, others) | _impact(mine, own)
                )
    return found


def _compared(mine: Row, own: list[Row], theirs: int, others: list[Row]) -> Row:
    all_mine = _added(own, ("feedback", "with_findings"))
    share = ratio(mine["answers"], all_mine["with_findings"])
    of_others = ratio(theirs, _added(others, ("with_findings",))["with_findings"])
    saying = [row["affiliate_id"] for row in others if row["with_findings"]]
    told = mine["answers"] >= 5 and len(set(saying)) >= 3
    return all_mine | {"share": share, "share_of_others": of_others, "lift": ratio(share, of_others) if told else None}


def _impact(mine: Row, own: list[Row]) -> Row:
    total = _added(own, ("promoters", "passives", "detractors", "csat_answers", "csat_satisfied"))
    rest = {name: value - mine[name] for name, value in total.items()}
    nps, csat = scores(total)
    nps_without, csat_without = scores(rest)
    named_nps, named_csat = scores(mine)
    return {
        "nps": nps,
        "csat": csat,
        "nps_without": nps_without,
        "csat_without": csat_without,
        "nps_impact": None if None in (nps, nps_without, named_nps) else (nps or 0) - (nps_without or 0),
        "csat_impact": None if None in (csat, csat_without, named_csat) else (csat or 0) - (csat_without or 0),
    }


def scores(m: Row) -> tuple[float | None, float | None]:
    """NPS and CSAT."""
    answers = m["promoters"] + m["passives"] + m["detractors"]
    return ratio(100 * (m["promoters"] - m["detractors"]), answers), ratio(m["csat_satisfied"], m["csat_answers"])


def _added(rows: Iterable[Row], names: Iterable[str]) -> Row:
    found = list(rows)
    return {name: sum(row[name] for row in found) for name in names}


def topic_days(topic_rows: list[Row]) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, topic, verdict, day)."""
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in topic_rows:
        found[*_topic(row), when(row["bucket"]).date()].append(row)
    added = {key: _added(rows, TOPIC_MEASURES) for key, rows in found.items()}
    return {key: row for key, row in added.items() if row["answers"]}


def changes(rows: list[Row], at: datetime) -> dict[tuple[Any, ...], Row]:
    """By (brand, affiliate, window): a window against the one just before."""
    found: dict[tuple[Any, ...], Row] = {}
    for name, length in list(WINDOWS.items())[1:]:
        inside = [row for row in rows if at - 2 * length <= when(row["bucket"]) < at]
        for brand, affiliate in {(row["brand_id"], row["affiliate_id"]) for row in inside}:
            own = [row for row in inside if (row["brand_id"], row["affiliate_id"]) == (brand, affiliate)]
            later = _added((row for row in own if when(row["bucket"]) >= at - length), MEASURES)
            before = _added((row for row in own if when(row["bucket"]) < at - length), MEASURES)
            if any(later.values()) or any(before.values()):
                now, then = _side(later), _side(before)
                found[brand, affiliate, name] = (
                    times(at, length)
                    | now
                    | {f"{key}_before": value for key, value in then.items()}
                    | _nps_change(later, before)
                    | _csat_change(later, before)
                )
    return found


def _side(m: Row) -> Row:
    nps, csat = scores(m)
    kept = {name: m[name] for name in ("sales", "new_customers", "feedback", "csat_answers")}
    answers = m["promoters"] + m["passives"] + m["detractors"]
    return kept | {"reversals": m["refunds"] + m["chargebacks"], "nps_answers": answers, "nps": nps, "csat": csat}


def _nps_change(later: Row, before: Row) -> Row:
    (now, _), (then, _) = scores(later), scores(before)
    if now is None or then is None:
        return {"nps_change": None, "nps_change_low": None, "nps_change_high": None, "nps_turned": ""}
    middle, variance, least = 0.0, 0.0, 10**9
    for sign, m in ((1, later), (-1, before)):
        answers = m["promoters"] + m["passives"] + m["detractors"]
        n, least = answers + 3, min(least, answers)
        p, d = (m["promoters"] + 0.75) / n, (m["detractors"] + 0.75) / n
        middle += sign * (p - d)
        variance += (p + d - (p - d) ** 2) / n
    change, half = now - then, 100 * Z * sqrt(variance)
    low, high = max(-200.0, min(change, 100 * middle - half)), min(200.0, max(change, 100 * middle + half))
    told = {"nps_change": change, "nps_change_low": low, "nps_change_high": high}
    return told | {"nps_turned": _turned(low, high, least)}


def _csat_change(later: Row, before: Row) -> Row:
    (_, now), (_, then) = scores(later), scores(before)
    if now is None or then is None:
        return {"csat_change": None, "csat_change_low": None, "csat_change_high": None, "csat_turned": ""}
    one, other = ((m["csat_satisfied"] + 1) / (m["csat_answers"] + 2) for m in (later, before))
    spread = one * (1 - one) / (later["csat_answers"] + 2) + other * (1 - other) / (before["csat_answers"] + 2)
    low, high = max(-1.0, one - other - Z * sqrt(spread)), min(1.0, one - other + Z * sqrt(spread))
    told = {"csat_change": now - then, "csat_change_low": low, "csat_change_high": high}
    return told | {"csat_turned": _turned(low, high, min(later["csat_answers"], before["csat_answers"]))}


def _turned(low: float, high: float, answers: int) -> str:
    if answers < 5:
        return ""
    return "up" if low > 0 else "down" if high < 0 else ""


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
