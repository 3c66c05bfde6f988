"""The views that are made of rows of sales and answers: single findings, comments, word of mouth, retention, campaigns.

Owns what is public of each, as catalogue.py does of the others.
"""

from typing import Final

from sinks.views.columns import (
    AFFILIATE,
    AS_COUNT,
    AS_MONEY,
    AS_RATE,
    AS_TEXT,
    AS_TIME,
    BRAND,
    EARNINGS,
    NET,
    RATES,
    TOPIC_COLUMN,
    VERDICT,
    WINDOW_TIMES,
    Column,
)
from sinks.views.view import View, ending_at
from sinks.windows import SALE_WINDOWS

_FEEDBACK: Final = Column("feedback_id", AS_TEXT, "one answer of one customer, unique within the brand")
_ANSWERED_AT: Final = Column("answered_at", AS_TIME, "answer time")
_OF_ANSWER: Final = "of the answer, the same in each of its rows"

_FINDING: Final = View(
    "finding",
    (
        BRAND,
        _FEEDBACK,
        VERDICT,
        TOPIC_COLUMN,
        Column("affiliate_id", AS_TEXT, f"affiliate of the linked sale, {_OF_ANSWER}; empty: direct sale"),
        Column("sale_id", AS_TEXT, f"linked sale, {_OF_ANSWER}"),
        Column("answered_at", AS_TIME, f"answer time, {_OF_ANSWER}"),
        Column(
            "from_comment",
            "UInt8",
            "1: read in the answer's comment; 0: the publisher told it, as of all findings so far",
        ),
        Column("nps", "Nullable(Int8)", f"NPS score {_OF_ANSWER}; null: none"),
        Column("csat", "Nullable(Int8)", f"CSAT score {_OF_ANSWER}; null: none"),
        Column("ces", "Nullable(Int8)", f"CES score {_OF_ANSWER}; null: none"),
    ),
    "One row for each verdict on each topic of a linked answer",
    "finding.sql",
)

_COMMENT: Final = View(
    "comment",
    (
        BRAND,
        _FEEDBACK,
        Column("customer_id", AS_TEXT, "pseudonym of the customer"),
        Column("affiliate_id", AS_TEXT, "affiliate of the linked sale; empty: direct sale, or linked to none"),
        _ANSWERED_AT,
        Column("language", AS_TEXT, "BCP 47, as the publisher told it; empty: not told"),
        Column("comment", AS_TEXT, "what the customer wrote"),
    ),
    "One row an answer with a comment, linked or not: for the brand's own people alone",
    "comment.sql",
)

_SALE_CURRENCY: Final = Column("currency", AS_TEXT, "ISO 4217")
_WORD_OF_MOUTH: Final = View(
    "word_of_mouth",
    (
        BRAND,
        Column(
            "affiliate_id",
            AS_TEXT,
            "affiliate of the first valid sale of the customer who recommended, if that is earlier; empty: it was a direct "
            "sale, or there is none",
        ),
        _SALE_CURRENCY,
        Column("month", "Date", "first day of the referred sale's month in UTC"),
        Column("referred_sales", AS_COUNT, "valid sales recommended by another customer than the buyer"),
        Column("referred_gross", AS_MONEY, "amounts of these"),
        Column("referrers", AS_COUNT, "distinct customers who recommended these; they don't add up over rows"),
        Column(
            "promoter_referrers",
            AS_COUNT,
            "of these, whose latest NPS score before at least one of these sales was 9 or 10; they don't add up over rows",
        ),
    ),
    "Sales that customers brought, under the affiliate who had won these customers, per currency and month",
    "word_of_mouth.sql",
)

_RETENTION: Final = View(
    "retention",
    (
        BRAND,
        Column("affiliate_id", AS_TEXT, "affiliate of the customers' first valid sale; empty: a direct sale"),
        Column("currency", AS_TEXT, "ISO 4217, of the customers' first valid sale"),
        Column("cohort_month", "Date", "first day of the month of the customers' first valid sale, in UTC"),
        Column("months_since", AS_COUNT, "0: the cohort's month; up to the current month"),
        Column("customers", AS_COUNT, "customers of the cohort; the same in each of its rows"),
        Column(
            "returned",
            AS_COUNT,
            "of these, with a valid sale in that month and currency other than their first, of any affiliate",
        ),
        Column("sales", AS_COUNT, "their valid sales of that month and currency, the first one included"),
        Column("gross", AS_MONEY, "amounts of these sales"),
        Column("net", AS_MONEY, "gross minus what was given back of these sales so far, whenever"),
        Column("retention_rate", AS_RATE, "returned / customers"),
        Column("is_complete", "UInt8", "1: that month is over; 0: it is the current one"),
    ),
    "Cohorts: the customers whom an affiliate won in a month, and what they bought month by month",
    "retention.sql",
)

# Sums of answers and rates that a campaign has.
CAMPAIGN_SCORES: Final = ("promoters", "passives", "detractors", "csat_answers", "csat_satisfied")
CAMPAIGN_RATES: Final = (*("nps", "nps_low", "nps_high", "csat", "csat_low", "csat_high", "refund_rate", "evidence"),)
_OF_WINDOW: Final = "of the window's sales"


def _of_these(name: str, meaning: str) -> Column:
    return Column(name, AS_COUNT, f"{meaning} {_OF_WINDOW}, whenever they came")


_CAMPAIGNS: Final = View(
    "affiliate_campaigns",
    (
        BRAND,
        AFFILIATE,
        _SALE_CURRENCY,
        Column("campaign", AS_TEXT, "page, message or sub-id that sold it; empty: none given"),
        Column("window", AS_TEXT, f"{', '.join(window.name for window in SALE_WINDOWS)}, ending now"),
        *WINDOW_TIMES,
        Column("sales", AS_COUNT, "valid sales whose pane begins in the window"),
        Column("gross", AS_MONEY, f"amount {_OF_WINDOW}"),
        Column("commission", AS_MONEY, f"commission {_OF_WINDOW}"),
        Column("new_customers", AS_COUNT, f"those {_OF_WINDOW} that are the customer's first with the brand"),
        Column("refunded_sales", AS_COUNT, f"those {_OF_WINDOW} that have a refund or chargeback so far"),
        Column("answered_sales", AS_COUNT, f"those {_OF_WINDOW} that have a linked answer so far"),
        Column("refunded", AS_MONEY, f"amount refunded {_OF_WINDOW}, whenever that was"),
        Column("commission_reversed", AS_MONEY, f"commission taken back {_OF_WINDOW}, whenever that was"),
        Column("charged_back", AS_MONEY, f"amount charged back {_OF_WINDOW}, whenever that was"),
        _of_these("feedback", "linked answers"),
        _of_these("promoters", "answers with NPS 9 or 10"),
        _of_these("passives", "answers with NPS 7 or 8"),
        _of_these("detractors", "answers with NPS 0 to 6"),
        _of_these("csat_answers", "answers with a CSAT score"),
        _of_these("csat_satisfied", "answers with CSAT 4 or 5"),
        Column("renewals", AS_COUNT, f"those {_OF_WINDOW} that renew a subscription"),
        *(Column(sum_.name, sum_.type, f"{sum_.meaning}, {_OF_WINDOW}") for sum_ in (NET, EARNINGS)),
        *(Column(rate.name, rate.type, rate.meaning) for rate in RATES if rate.name in CAMPAIGN_RATES),
    ),
    "What each campaign sold in a window, and what became of these sales so far",
    "ending_now.sql",
)

VIEWS_OF_SALES: Final = (
    *(_FINDING, _COMMENT, _WORD_OF_MOUTH, _RETENTION),
    ending_at(_CAMPAIGNS, f"What each campaign sold in windows of {', '.join(window.name for window in SALE_WINDOWS)}"),
    _CAMPAIGNS,
)
