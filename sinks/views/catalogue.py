"""The views: name, columns, comment and template, in the order in which they are made.

Owns what is public of each. Invariant: a view that reads another one stands after it.
"""

from typing import Final

from schemas.measures import TOPIC_MEASURES
from sinks.views.columns import (
    AFFILIATE,
    AS_COUNT,
    AS_MONEY,
    AS_PANE_TIME,
    AS_RATE,
    AS_TEXT,
    AS_TIME,
    BRAND,
    CURRENCY,
    EARNINGS,
    MEASURE_COLUMNS,
    NET,
    RATES,
    SELLER,
    THIN,
    TOPIC_COLUMN,
    VERDICT,
    WINDOW,
    WINDOW_TIMES,
    Column,
)
from sinks.views.of_sales import VIEWS_OF_SALES
from sinks.views.view import View, ending_at
from sinks.windows import WINDOWS

_ROLLING: Final = View(
    "affiliate_rolling",
    (BRAND, SELLER, CURRENCY, WINDOW, *WINDOW_TIMES, *MEASURE_COLUMNS, NET, EARNINGS, *RATES),
    "Rolling windows ending now, per brand, affiliate and currency",
    "ending_now.sql",
)

_SERIES: Final = View(
    "affiliate_series",
    (BRAND, SELLER, CURRENCY, Column("bucket", AS_PANE_TIME, "pane start"), *MEASURE_COLUMNS),
    "Measures per brand, affiliate, currency and pane",
    "affiliate_series.sql",
)

_BY_NAME: Final = {column.name: column for column in (*MEASURE_COLUMNS, NET, *RATES)}
TRAILING: Final = tuple(_BY_NAME[name] for name in ("sales", "gross", "net", "feedback", "nps", "csat", "refund_rate"))
TRAILING_DAYS: Final = (7, 30)  # that end with a day, that day included
OTHERS: Final = 3  # affiliates to compare one with: of fewer, a lift would tell of these rather than of the one


def _trailing(days: int) -> list[Column]:
    meaning = f"of the {days} days that end with this day"
    return [Column(f"{column.name}_{days}d", column.type, f"{column.name} {meaning}") for column in TRAILING]


_DAY: Final = Column("day", "Date", "day in UTC")
_DAILY: Final = View(
    "affiliate_daily",
    (BRAND, SELLER, CURRENCY, _DAY, *MEASURE_COLUMNS, NET, EARNINGS, *RATES),
    "Measures per brand, affiliate, currency and UTC day",
    "affiliate_daily.sql",
)

_DAILY_IN: Final = View(
    "affiliate_daily_in",
    _DAILY.columns,
    "Measures per brand, affiliate, currency and day of an IANA time zone: affiliate_daily_in(zone = 'Europe/Madrid'). "
    "Columns as in affiliate_daily.",
    "affiliate_daily.sql",
    "zone = 'Europe/Madrid'",
)

_TRAILING: Final = View(
    "affiliate_trailing",
    (BRAND, SELLER, CURRENCY, _DAY, *(column for days in TRAILING_DAYS for column in _trailing(days))),
    "The 7 and 30 days that end with a UTC day, up to today, per brand, affiliate and currency, where these hold anything",
    "affiliate_trailing.sql",
)

_OF_ALL: Final = "of all the affiliate's answers in the window; the same in each of its rows"
_OF_OTHERS: Final = "of the affiliate's answers in the window that don't say this of this topic"
_TOPICS: Final = View(
    "affiliate_topics",
    (
        *(BRAND, AFFILIATE, TOPIC_COLUMN, VERDICT, WINDOW, *WINDOW_TIMES),
        Column("answers", AS_COUNT, "linked answers that say this of this topic"),
        Column("promoters", AS_COUNT, "of these, with NPS 9 or 10"),
        Column("passives", AS_COUNT, "of these, with NPS 7 or 8"),
        Column("detractors", AS_COUNT, "of these, with NPS 0 to 6"),
        Column("csat_answers", AS_COUNT, "of these, with a CSAT score"),
        Column("csat_satisfied", AS_COUNT, "of these, with CSAT 4 or 5"),
        Column("feedback", AS_COUNT, "all the affiliate's linked answers in the window; the same in each of its rows"),
        Column(
            "with_findings",
            AS_COUNT,
            "of all the affiliate's linked answers in the window, those with any finding; the same in each of its rows",
        ),
        Column("share", AS_RATE, "answers / with_findings, over all currencies"),
        Column(
            "share_of_others",
            AS_RATE,
            "the same share over all others of the brand pooled, direct sales included; null without any finding of theirs",
        ),
        Column(
            "lift",
            AS_RATE,
            f"share / share_of_others; above 1: said more of this affiliate; null where share_of_others is 0, for fewer than "
            f"{THIN} answers, or if fewer than {OTHERS} others have an answer with findings in the window",
        ),
        Column("nps", AS_RATE, f"Net Promoter Score {_OF_ALL}; null without NPS answers"),
        Column("csat", AS_RATE, f"fraction satisfied {_OF_ALL}; null without CSAT answers"),
        Column("nps_without", AS_RATE, f"Net Promoter Score {_OF_OTHERS}; null without NPS answers among them"),
        Column("csat_without", AS_RATE, f"fraction satisfied {_OF_OTHERS}; null without CSAT answers among them"),
        Column(
            "nps_impact",
            AS_RATE,
            "nps minus nps_without: what this topic does to the score; null unless answers with it and without it have one; "
            "impacts don't add up",
        ),
        Column(
            "csat_impact",
            AS_RATE,
            "csat minus csat_without; null unless answers with it and without it have a CSAT score; impacts don't add up",
        ),
    ),
    "Topics per brand, affiliate, verdict and window ending now, over all currencies, by answer time",
    "ending_now.sql",
)

_TOPIC_DAILY: Final = View(
    "topic_daily",
    (
        *(BRAND, AFFILIATE, TOPIC_COLUMN, VERDICT, _DAY),
        *(column for column in _TOPICS.columns if column.name in TOPIC_MEASURES),
    ),
    "Topics per brand, affiliate, verdict and UTC day, over all currencies, by answer time",
    "topic_daily.sql",
)

_CHANGED: Final = (
    Column("sales", AS_COUNT, "valid sales, at sale time"),
    Column("new_customers", AS_COUNT, "sales that are the customer's first valid sale with the brand"),
    Column("reversals", AS_COUNT, "refunds and chargebacks, at their time"),
    Column("feedback", AS_COUNT, "linked answers, at answer time"),
    Column("nps_answers", AS_COUNT, "answers with an NPS score"),
    Column("nps", AS_RATE, "Net Promoter Score; null without NPS answers"),
    Column("csat_answers", AS_COUNT, "answers with a CSAT score"),
    Column("csat", AS_RATE, "fraction satisfied; null without CSAT answers"),
)
_TURNED: Final = (
    "up or down where the bounds of the change don't hold 0; empty: they do, or a window has fewer than 5 scores. "
    "One in twenty turns is chance"
)
_CHANGE: Final = View(
    "affiliate_change",
    (
        *(BRAND, SELLER, Column("window", AS_TEXT, "24h, 7d or 30d, ending now"), *WINDOW_TIMES),
        *_CHANGED,
        *(Column(f"{c.name}_before", c.type, f"{c.name} of the window just before") for c in _CHANGED),
        Column("nps_change", AS_RATE, "nps minus nps_before; null unless both are there"),
        Column(
            "nps_change_low",
            AS_RATE,
            "lower 95 % bound of nps_change (two adjusted Wald variances, widened to hold it)",
        ),
        Column("nps_change_high", AS_RATE, "upper 95 % bound of nps_change"),
        Column("nps_turned", AS_TEXT, _TURNED),
        Column("csat_change", AS_RATE, "csat minus csat_before; null unless both are there"),
        Column(
            "csat_change_low",
            AS_RATE,
            "lower 95 % bound of csat_change (Agresti and Caffo, 2000, The American Statistician 54(4))",
        ),
        Column("csat_change_high", AS_RATE, "upper 95 % bound of csat_change"),
        Column("csat_turned", AS_TEXT, _TURNED),
    ),
    "What changed against the window just before, per brand, affiliate and window ending now, over all currencies",
    "ending_now.sql",
)

_JOURNEY: Final = View(
    "journey",
    (
        BRAND,
        Column("sale_id", AS_TEXT, "order reference, unique within the brand"),
        Column("customer_id", AS_TEXT, "pseudonym of the customer"),
        Column("affiliate_id", AS_TEXT, "affiliate who sold it; empty: direct sale"),
        Column("product_id", AS_TEXT, "product"),
        Column("offering", AS_TEXT, "PHYSICAL or SERVICE"),
        Column("campaign", AS_TEXT, "page, message or sub-id that sold it; empty: none given"),
        Column("status", AS_TEXT, "valid or rejected"),
        Column("amount", AS_MONEY, "price placed"),
        Column("commission", AS_MONEY, "what the affiliate earns"),
        Column("currency", AS_TEXT, "ISO 4217"),
        Column("occurred_at", AS_TIME, "sale time"),
        Column("is_new_customer", "UInt8", "1: the customer's first valid sale with the brand"),
        Column("referred_by", AS_TEXT, "customer who recommended it; empty: none"),
        Column("refunded", AS_MONEY, "given back so far"),
        Column("charged_back", AS_MONEY, "charged back so far"),
        Column("net", AS_MONEY, "amount minus refunded minus charged_back; 0 when rejected"),
        Column("answers", AS_COUNT, "linked answers"),
        Column("last_metric", AS_TEXT, "NPS, CSAT or CES of the last answer with a score; empty: none"),
        Column("last_score", "Nullable(Int8)", "score of the last answer with a score; null: none"),
        Column("verdicts", AS_TEXT, "distinct verdicts of its answers, sorted, comma-separated"),
        Column(
            "feedback_delay_seconds",
            "Nullable(Int64)",
            "first answer's time minus sale time; negative: answered first; null: no answer",
        ),
        Column("subscription_id", AS_TEXT, "what renews; empty: nothing"),
        Column("is_renewal", "UInt8", "1: the customer has an earlier valid sale of the same subscription"),
        Column("refunds", AS_COUNT, "refunds that count"),
        Column("chargebacks", AS_COUNT, "chargebacks that count"),
        Column("commission_reversed", AS_MONEY, "commission taken back so far"),
        Column("earnings", AS_MONEY, "commission minus commission_reversed; 0 when rejected"),
        Column(
            "mismatched_amounts",
            AS_COUNT,
            "refunds and chargebacks in another currency, whose amounts count nowhere, and 1 for such a commission of its "
            "attribution",
        ),
        Column("last_nps", "Nullable(Int8)", "NPS of the last answer that has one; null: none"),
        Column("last_csat", "Nullable(Int8)", "CSAT of the last answer that has one; null: none"),
        Column("last_ces", "Nullable(Int8)", "CES of the last answer that has one; null: none"),
    ),
    "One row a sale, with its refunds, chargebacks and answers",
    "journey.sql",
)

_REVERSAL: Final = View(
    "reversal",
    (
        BRAND,
        Column("sale_id", AS_TEXT, "order reference of the sale that it is of, unique within the brand"),
        Column(
            "reversal_id",
            AS_TEXT,
            "the refund's or dispute's id at its source; of a sale event: that event's id",
        ),
        Column("kind", AS_TEXT, "REFUND, CHARGEBACK or UNDONE"),
        Column(
            "status",
            AS_TEXT,
            "counted; mismatched (in another currency than its sale: it counts, its amounts don't); undone, rejected (its sale "
            "is) or without_sale (so far): it counts nowhere",
        ),
        Column("affiliate_id", AS_TEXT, "affiliate of its sale; empty: direct sale, or no sale"),
        Column("campaign", AS_TEXT, "campaign of its sale; empty: none given, or no sale"),
        Column("amount", AS_MONEY, "given back"),
        Column("commission", AS_MONEY, "taken back from the affiliate"),
        Column("currency", AS_TEXT, "ISO 4217, as it was told"),
        Column("occurred_at", AS_TIME, "when the money went back"),
    ),
    "One row a reversal, whether it counts or not",
    "reversal.sql",
)

_FRESHNESS: Final = View(
    "freshness_now",
    (
        Column("topic", AS_TEXT, "source topic; empty: total of all"),
        Column("partition", "Int32", "source partition; -1: total of all"),
        Column(
            "complete_up_to",
            AS_TIME,
            "everything that reached the broker before this time is in these tables; total: the minimum",
        ),
        Column("lag_records", "UInt64", "records waiting; total: the sum"),
        Column("lag_seconds", "Float64", "age of the oldest record waiting; total: the maximum"),
        Column(
            "status",
            AS_TEXT,
            "stalled (no report for 15 s, the ends of the log unreadable for 15 s, or input waiting and no progress for 30 s), "
            "behind (lag over 60 s), idle (nothing to read for 60 s) or ok; total: the worst",
        ),
        Column("as_of", AS_TIME, "time of the report; total: the oldest"),
    ),
    "Freshness per source topic and partition, and in total",
    "freshness_now.sql",
)

VIEWS: Final = (
    ending_at(
        _ROLLING, f"Rolling windows ({', '.join(window.name for window in WINDOWS)}) per brand, affiliate and currency"
    ),
    _ROLLING,
    _SERIES,
    _DAILY,
    _DAILY_IN,
    _TRAILING,
    ending_at(_TOPICS, "Topics per brand, affiliate, verdict and window"),
    _TOPICS,
    _TOPIC_DAILY,
    ending_at(_CHANGE, "What changed per brand, affiliate and window"),
    _CHANGE,
    _JOURNEY,
    _REVERSAL,
    *VIEWS_OF_SALES,
    _FRESHNESS,
)
NAMES: Final = tuple(view.name for view in VIEWS)
