"""Random rows of panes for the tests of the views: such as the fold makes, dense at the edges of the windows."""

import random
from datetime import datetime

from schemas.measures import MEASURES, TOPIC_MEASURES
from sinks.tables import AFFILIATE_PANES, TOPIC_PANES
from tests.support.views_oracle import WINDOWS, Row

PANE_S = 300
AFFILIATES = ("", "a1", "a2", "a3", "a4")  # enough for one to be compared with
EDGES_S = (0, *(int(window.total_seconds()) for window in WINDOWS.values()))


def pane(seed: int, bucket: int) -> Row:
    """One row: what is said of sales needs sales, and so on. Often it is all zero, as after a correction."""
    dice = random.Random(seed)
    row = {
        "brand_id": dice.choice(("b1", "b2")),
        "affiliate_id": dice.choice(AFFILIATES),
        "currency": dice.choice(("EUR", "USD")),
        "bucket": bucket,
        "source_partition": dice.randrange(3),
    }
    return row | dict.fromkeys(MEASURES, 0) | _sales(dice) | _money_back(dice) | _answers(dice)


def _count(dice: random.Random) -> int:
    return dice.choice((0, 0, 0, 1, 2, 9))


def _sales(dice: random.Random) -> Row:
    sales = _count(dice)
    measures = ("new_customers", "referred_sales", "refunded_sales", "answered_sales", "renewals", "mismatched_amounts")
    money = ("gross", "commission", "referred_gross")
    row = {"sales": sales} | {measure: dice.randint(0, sales) for measure in measures}
    return (
        row
        | {measure: sales * dice.randrange(10**7) for measure in money}
        | {"repeat_sales": sales - row["new_customers"]}
    )


def _money_back(dice: random.Random) -> Row:
    refunds, chargebacks = _count(dice), _count(dice)
    return {
        "refunds": refunds,
        "refunded": refunds * dice.randrange(10**7),
        "commission_reversed": (refunds + chargebacks) * dice.randrange(10**6),
        "chargebacks": chargebacks,
        "charged_back": chargebacks * dice.randrange(10**7),
    }


def _answers(dice: random.Random) -> Row:
    feedback = dice.choice((0, 0, 0, 1, 2, 9, 40))
    promoters = dice.randint(0, feedback)
    detractors = dice.randint(0, feedback - promoters)
    csat, ces = dice.randint(0, feedback), dice.randint(0, feedback)
    findings = ("done_right", "needs_improvement", "unmet_expectation", "not_considered", "missing_information")
    return {
        "invitations": _count(dice),
        "feedback": feedback,
        "promoters": promoters,
        "passives": dice.randint(0, feedback - promoters - detractors),
        "detractors": detractors,
        "csat_answers": csat,
        "csat_satisfied": dice.randint(0, csat),
        "csat_score_sum": csat * dice.randint(1, 5),
        "ces_answers": ces,
        "ces_score_sum": ces * dice.randint(1, 7),
        **{finding: dice.randint(0, feedback) for finding in findings},
        "feedback_delay_seconds_sum": feedback * dice.randint(-9999, 99999),
        "unlinked_feedback": _count(dice),
        "without_sale": _count(dice),
        "comments": dice.randint(0, feedback),
        "with_findings": dice.randint(0, feedback),
    }


def _topic(dice: random.Random) -> Row:
    answers = dice.choice((0, 1, 2, 4))
    promoters = dice.randint(0, answers)
    detractors = dice.randint(0, answers - promoters)
    csat = dice.randint(0, answers)
    passives = dice.randint(0, answers - promoters - detractors)
    counts = (answers, promoters, passives, detractors, csat, dice.randint(0, csat))
    return dict(zip(TOPIC_MEASURES, counts, strict=True))


def panes(seed: int, at: datetime, count: int = 150, spread_s: int = 40 * 86400) -> list[Row]:
    """Rows before `at`, many of them right at the edges of the windows; one a key."""
    dice = random.Random(seed)
    end = int(at.timestamp())
    edges = [end - edge + step for edge in EDGES_S for step in (-PANE_S, 0, PANE_S)]
    times = [dice.choice([*edges, end - dice.randrange(spread_s) // PANE_S * PANE_S]) for _ in range(count)]
    rows = [pane(dice.randrange(10**9), time) for time in times]
    return list({tuple(row[c] for c in AFFILIATE_PANES.columns[1:6]): row for row in rows}.values())


def topic_panes(seed: int, at: datetime) -> list[Row]:
    """Rows before `at` and one pane after it; one a key."""
    dice = random.Random(seed)
    rows = [
        {
            "brand_id": dice.choice(("b1", "b2")),
            "affiliate_id": dice.choice(AFFILIATES),
            "topic": dice.choice(("delivery", "price", "size")),
            "verdict": dice.choice(("DONE_RIGHT", "NOT_CONSIDERED")),
            "bucket": int(at.timestamp()) - dice.choice((0, 3600, 7200, 6 * 86400, 30 * 86400, -PANE_S)),
            "source_partition": dice.randrange(3),
            **_topic(dice),
        }
        for _ in range(120)
    ]
    return list({tuple(row[c] for c in TOPIC_PANES.columns[1:7]): row for row in rows}.values())
