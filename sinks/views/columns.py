"""The columns that several views share: keys, measures, sums of measures, and rates with their formulas.

Owns what BI reads of a column: name, type, meaning, formula and where the formula is from. Never says how a view comes by
its rows (templates/ does). Invariant: a meaning or a formula stands here, or in schemas/measures.py, and nowhere else.

A rate's formula is over sums of measures, each in [brackets], so that one formula serves a row of sums as well as a
window over rows. `a / b` is null where b is 0. Functions other than ClickHouse's own are in templates/_parts.sql.
"""

import re
from dataclasses import dataclass
from typing import Final

from schemas.measures import DEFINITIONS, VERDICTS
from sinks.windows import WINDOWS

# How ClickHouse declares what is shown.
AS_TEXT: Final = "String"
AS_COUNT: Final = "Int64"
AS_MONEY: Final = "Decimal(38, 4)"
AS_RATE: Final = "Nullable(Float64)"
AS_TIME: Final = "DateTime64(3, 'UTC')"
AS_PANE_TIME: Final = "DateTime('UTC')"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view; type and meaning are what DESCRIBE TABLE tells."""

    name: str
    type: str
    meaning: str
    formula: str = ""
    source: str = ""  # of the formula: who published it, and where


BRAND: Final = Column("brand_id", AS_TEXT, "brand")
SELLER: Final = Column("affiliate_id", AS_TEXT, "affiliate; empty: direct sales and unlinked answers")
AFFILIATE: Final = Column("affiliate_id", AS_TEXT, "affiliate; empty: direct sales")
CURRENCY: Final = Column("currency", AS_TEXT, "ISO 4217; empty: unlinked answers")
TOPIC_COLUMN: Final = Column("topic", AS_TEXT, "what it is about, such as delivery")
VERDICT: Final = Column("verdict", AS_TEXT, f"{', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}")
# The window, and its times: what counts begins at window_start or later, and before window_end.
WINDOW: Final = Column(
    "window", AS_TEXT, f"{', '.join(window.name for window in WINDOWS[:-1])} or {WINDOWS[-1].name}, ending now"
)
WINDOW_TIMES: Final = (
    Column("window_hours", AS_COUNT, "how long the window is"),
    Column("window_start", AS_PANE_TIME, "begin of the window: panes that begin then or later count"),
    Column("window_end", AS_PANE_TIME, "end of the window: panes that begin before it count"),
)

MEASURE_COLUMNS: Final = tuple(
    Column(measure.name, AS_MONEY if measure.kind == "money" else AS_COUNT, measure.meaning) for measure in DEFINITIONS
)


THIN: Final = 5  # fewer answers say next to nothing
INDICATIVE: Final = 100  # fewer show a direction at best


def _sum(name: str, kind: str, formula: str) -> Column:
    """A sum of measures, itself a column to sum."""
    return Column(name, kind, formula.replace(" - ", " minus ").replace(" + ", " plus "), formula)


def _share(name: str, part: str, whole: str, more: str = "") -> Column:
    """How many of the ones are also the others."""
    return Column(name, AS_RATE, f"{part} / {whole}; {more}null without {whole}", f"[{part}] / [{whole}]")


def _evidence(name: str, counted: str, what: str) -> Column:
    """How far so many answers carry."""
    meaning = f"how many {what} support this: none, thin (below {THIN}), indicative (below {INDICATIVE}) or solid"
    formula = (
        f"multiIf([{counted}] = 0, 'none', [{counted}] < {THIN}, 'thin', "
        f"[{counted}] < {INDICATIVE}, 'indicative', 'solid')"
    )
    return Column(name, AS_TEXT, meaning, formula)


NET: Final = _sum("net", AS_MONEY, "gross - refunded - charged_back")
EARNINGS: Final = _sum("earnings", AS_MONEY, "commission - commission_reversed")
# Not shown: the rates need it.
NPS_ANSWERS: Final = _sum("nps_answers", AS_COUNT, "promoters + passives + detractors")

_REICHHELD: Final = "Reichheld (2003), The One Number You Need to Grow, Harvard Business Review 81(12)"
_ROCKS: Final = (
    "Rocks (2016), Interval Estimation for the Net Promoter Score, The American Statistician 70(4): AW(3, T)"
)
_WILSON: Final = "Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference, JASA 22(158)"

RATES: Final = (
    Column(
        "nps",
        AS_RATE,
        "Net Promoter Score, -100 to 100; null without NPS answers",
        "100 * [promoters - detractors] / [nps_answers]",
        _REICHHELD,
    ),
    Column(
        "nps_low",
        AS_RATE,
        "lower 95 % bound of nps (adjusted Wald, widened to hold nps)",
        "nps_bound([promoters], [detractors], [nps_answers], -1)",
        _ROCKS,
    ),
    Column(
        "nps_high",
        AS_RATE,
        "upper 95 % bound of nps (adjusted Wald, widened to hold nps)",
        "nps_bound([promoters], [detractors], [nps_answers], +1)",
        _ROCKS,
    ),
    Column(
        "csat",
        AS_RATE,
        "fraction satisfied, 0 to 1; null without CSAT answers",
        "[csat_satisfied] / [csat_answers]",
    ),
    Column(
        "csat_low",
        AS_RATE,
        "lower 95 % bound of csat (Wilson)",
        "csat_bound([csat_satisfied], [csat_answers], -1)",
        _WILSON,
    ),
    Column(
        "csat_high",
        AS_RATE,
        "upper 95 % bound of csat (Wilson)",
        "csat_bound([csat_satisfied], [csat_answers], +1)",
        _WILSON,
    ),
    _share("refund_rate", "refunded_sales", "sales", "grows as sales age; "),
    _share("new_rate", "new_customers", "sales"),
    _share("answer_rate", "answered_sales", "sales", "grows as sales age; "),
    _share("referral_rate", "referred_sales", "sales"),
    Column("ces", AS_RATE, "mean CES score; null without CES answers", "[ces_score_sum] / [ces_answers]"),
    Column(
        "given_back_rate",
        AS_RATE,
        "(refunded + charged_back) / gross, each at its own time, so that it may be above 1; null without gross",
        "[refunded + charged_back] / [gross]",
    ),
    _evidence("evidence", "feedback", "linked answers"),
    _evidence("nps_evidence", "nps_answers", "NPS scores"),
    _evidence("csat_evidence", "csat_answers", "CSAT scores"),
)

_SUMS_IN_BRACKETS: Final = re.compile(r"\[([^]]+)\]")
_NAME: Final = re.compile(r"[a-z_]+")


def for_people(column: Column) -> str:
    """The formula as a person writes it."""
    return _SUMS_IN_BRACKETS.sub(lambda found: _bracketed(found[1]), column.formula)


def of_row(column: Column, row: str) -> str:
    """The SQL of a rate where `row` has the sums."""
    return _divided(_SUMS_IN_BRACKETS.sub(lambda found: _bracketed(_qualified(found[1], row)), column.formula))


def of_rows(column: Column, row: str, over: str) -> str:
    """The SQL of a rate, or of what is itself summed, over the window `over` of rows `row`."""
    formula = column.formula if column in RATES else f"[{column.name}]"
    return _divided(_SUMS_IN_BRACKETS.sub(lambda found: f"sum({_qualified(found[1], row)}) OVER {over}", formula))


def _bracketed(sums: str) -> str:
    return f"({sums})" if " " in sums else sums


def _qualified(sums: str, row: str) -> str:
    return _NAME.sub(rf"{row}.\g<0>", sums)


def _divided(formula: str) -> str:
    part, slash, whole = formula.partition(" / ")
    return f"ratio({part}, {whole})" if slash else formula
