"""What a valid event is: the ranges and forms of the contract's section 2, field by field.

Owns the rules on values. Never looks at clocks, other events or settings (the stream does). Each event passes here
once, on the hot path: a good one costs about a microsecond and builds no message.
"""

import re
from typing import Final

from schemas.errors import InvalidText, InvalidValue, shown
from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.measures import MONEY_UNIT, VERDICTS

SALE_ACTIONS: Final = ("PLACED", "REFUNDED", "CHARGED_BACK", "REJECTED")
OFFERINGS: Final = ("PHYSICAL", "SERVICE")
REVERSAL_KINDS: Final = ("REFUND", "CHARGEBACK", "UNDONE")
FEEDBACK_ACTIONS: Final = ("INVITED", "ANSWERED", "WITHDRAWN")
SCORES: Final = {"NPS": (0, 10), "CSAT": (1, 5), "CES": (1, 7)}  # metric -> lowest and highest score
METRICS: Final = tuple(SCORES)

ID_CHARACTERS_MAX: Final = 200
CAMPAIGN_CHARACTERS_MAX: Final = 2_000
LANGUAGE_CHARACTERS_MAX: Final = 200
COMMENT_CHARACTERS_MAX: Final = 10_000
FINDINGS_MAX: Final = 50
OTHER_PRODUCTS_MAX: Final = 200
MONEY_MAX: Final = 10**10 * MONEY_UNIT
REVISION_MAX: Final = 2**31 - 1  # Avro int
OCCURRED_AT_MIN_MS: Final = 946_684_800_000  # 2000-01-01T00:00:00Z
OCCURRED_AT_MAX_MS: Final = 4_102_444_800_000  # 2100-01-01T00:00:00Z; ClickHouse's times end soon after (2106)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode category Cc, all of it
_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch
_TOPIC = re.compile(r"[a-z0-9-]{1,64}").fullmatch


def validate(event: Event) -> None:
    """Raises InvalidValue for the first field, in the schema's order, that is not as the contract says."""
    if isinstance(event, Sale):
        validate_sale(event)
    elif isinstance(event, Feedback):
        validate_feedback(event)
    elif isinstance(event, Reversal):
        validate_reversal(event)
    else:
        validate_attribution(event)


def validate_sale(sale: Sale) -> None:
    """As validate()."""
    _event_and_brand(sale.event_id, sale.brand_id)
    _text("customer_id", sale.customer_id, ID_CHARACTERS_MAX)
    _text("sale_id", sale.sale_id, ID_CHARACTERS_MAX)
    _choice("action", sale.action, SALE_ACTIONS)
    _number("revision", sale.revision, 0, REVISION_MAX)
    _optional_text("affiliate_id", sale.affiliate_id, ID_CHARACTERS_MAX)
    _text("product_id", sale.product_id, ID_CHARACTERS_MAX)
    _choice("offering", sale.offering, OFFERINGS)
    _money("amount", sale.amount)
    _money("commission", sale.commission)
    _currency(sale.currency)
    _optional_text("campaign", sale.campaign, CAMPAIGN_CHARACTERS_MAX)
    _optional_text("referred_by", sale.referred_by, ID_CHARACTERS_MAX)
    _occurred_at(sale.occurred_at)
    _optional_text("subscription_id", sale.subscription_id, ID_CHARACTERS_MAX)
    if sale.other_product_ids:
        _other_products(sale.other_product_ids)


def validate_reversal(reversal: Reversal) -> None:
    """As validate()."""
    _event_and_brand(reversal.event_id, reversal.brand_id)
    _optional_text("customer_id", reversal.customer_id, ID_CHARACTERS_MAX)
    _text("sale_id", reversal.sale_id, ID_CHARACTERS_MAX)
    _text("reversal_id", reversal.reversal_id, ID_CHARACTERS_MAX)
    _choice("kind", reversal.kind, REVERSAL_KINDS)
    _number("revision", reversal.revision, 0, REVISION_MAX)
    _money("amount", reversal.amount)
    _money("commission", reversal.commission)
    _currency(reversal.currency)
    _occurred_at(reversal.occurred_at)


def validate_attribution(attribution: Attribution) -> None:
    """As validate()."""
    _event_and_brand(attribution.event_id, attribution.brand_id)
    _optional_text("customer_id", attribution.customer_id, ID_CHARACTERS_MAX)
    _text("sale_id", attribution.sale_id, ID_CHARACTERS_MAX)
    _number("revision", attribution.revision, 0, REVISION_MAX)
    _optional_text("affiliate_id", attribution.affiliate_id, ID_CHARACTERS_MAX)
    _optional_text("campaign", attribution.campaign, CAMPAIGN_CHARACTERS_MAX)
    commission, currency = attribution.commission, attribution.currency
    if commission is not None:
        _money("commission", commission)
        if currency is None:
            raise InvalidValue("currency", "null beside a commission", "both or neither")
    if currency is not None:
        _currency(currency)
        if commission is None:
            raise InvalidValue("commission", "null beside a currency", "both or neither")
    _occurred_at(attribution.occurred_at)


def validate_feedback(feedback: Feedback) -> None:
    """As validate()."""
    _event_and_brand(feedback.event_id, feedback.brand_id)
    _optional_text("customer_id", feedback.customer_id, ID_CHARACTERS_MAX)
    _text("feedback_id", feedback.feedback_id, ID_CHARACTERS_MAX)
    _choice("action", feedback.action, FEEDBACK_ACTIONS)
    _number("revision", feedback.revision, 0, REVISION_MAX)
    if feedback.sale_id is None and feedback.customer_id is None:
        raise InvalidValue("sale_id", "null without a customer_id", "the sale that it is about, or else its customer")
    _optional_text("sale_id", feedback.sale_id, ID_CHARACTERS_MAX)
    _optional_text("affiliate_id", feedback.affiliate_id, ID_CHARACTERS_MAX)
    _metric_and_score(feedback.metric, feedback.score)
    _findings(feedback.findings)
    comment = feedback.comment
    if comment is not None and not 0 < len(comment) <= COMMENT_CHARACTERS_MAX:
        raise InvalidValue("comment", _length(comment), f"null or 1 to {COMMENT_CHARACTERS_MAX} characters")
    _optional_text("language", feedback.language, LANGUAGE_CHARACTERS_MAX)
    _occurred_at(feedback.occurred_at)
    _optional_text("product_id", feedback.product_id, ID_CHARACTERS_MAX)
    if feedback.scores:
        _scores(feedback.metric, feedback.scores)
    if feedback.asked is not None and feedback.asked not in VERDICTS:
        raise InvalidText("asked", feedback.asked, f"null or one of {', '.join(VERDICTS)}")


def _event_and_brand(event_id: str, brand_id: str) -> None:
    _text("event_id", event_id, ID_CHARACTERS_MAX)
    _text("brand_id", brand_id, ID_CHARACTERS_MAX)
    if ":" in brand_id:
        raise InvalidText("brand_id", brand_id, "no ':', which ends the brand in a record's key")


def _text(field: str, value: str, characters_max: int) -> None:
    # isprintable() is the fast way for most: it is stricter than the rule, which is asked when it says no.
    if 0 < len(value) <= characters_max and (value.isprintable() or not _CONTROL.search(value)):
        return
    expected = f"1 to {characters_max} characters without control characters"
    if len(value) > characters_max:
        raise InvalidValue(field, _length(value), expected)
    raise InvalidText(field, value, expected)


def _optional_text(field: str, value: str | None, characters_max: int) -> None:
    if value is None:
        return
    if value == "":
        raise InvalidValue(field, "''", "null for what is absent, never ''")
    _text(field, value, characters_max)


def _choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidText(field, value, f"one of {', '.join(choices)}")


def _number(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise InvalidValue(field, shown(value), f"{lowest} to {highest}")


def _money(field: str, value: int) -> None:
    if not 0 <= value <= MONEY_MAX:
        sign, (units, rest) = "-" if value < 0 else "", divmod(abs(value), MONEY_UNIT)
        raise InvalidValue(field, shown(f"{sign}{units}.{rest:04}").strip("'"), "0 to 10000000000")


def _currency(value: str) -> None:
    if not _CURRENCY(value):
        raise InvalidText("currency", value, "an ISO 4217 code: three capitals A-Z")


def _other_products(ids: tuple[str, ...]) -> None:
    if len(ids) > OTHER_PRODUCTS_MAX:
        raise InvalidValue("other_product_ids", str(len(ids)), f"at most {OTHER_PRODUCTS_MAX}")
    for product_id in ids:
        _text("other_product_ids", product_id, ID_CHARACTERS_MAX)


def _metric_and_score(metric: str | None, score: int | None) -> None:
    if metric is not None and metric not in SCORES:
        raise InvalidText("metric", metric, f"null or one of {', '.join(SCORES)}")
    if score is None:
        return
    if metric is None:
        raise InvalidValue("score", f"{score} without a metric", "a metric with every score")
    lowest, highest = SCORES[metric]
    if not lowest <= score <= highest:
        raise InvalidValue("score", f"{metric} {score}", f"{lowest} to {highest}")


def _scores(metric: str | None, scores: tuple[Score, ...]) -> None:
    """Of the further scores of an answer, whose own metric is `metric`."""
    known = {metric}
    for further, score in scores:
        _choice("scores.metric", further, METRICS)
        if further in known:
            expected = "each metric once" if further != metric else "another than the answer's own metric"
            raise InvalidValue("scores.metric", f"{further} again", expected)
        known.add(further)
        lowest, highest = SCORES[further]
        if not lowest <= score <= highest:
            raise InvalidValue("scores.score", f"{further} {score}", f"{lowest} to {highest}")


def _findings(findings: tuple[Finding, ...]) -> None:
    if len(findings) > FINDINGS_MAX:
        raise InvalidValue("findings", str(len(findings)), f"at most {FINDINGS_MAX}")
    for verdict, topic in findings:
        _choice("findings.verdict", verdict, VERDICTS)
        if not _TOPIC(topic):
            raise InvalidText("findings.topic", topic, "1 to 64 characters of a-z, 0-9 and '-'")


def _occurred_at(value: int) -> None:
    if not OCCURRED_AT_MIN_MS <= value <= OCCURRED_AT_MAX_MS:
        expected = f"{OCCURRED_AT_MIN_MS} to {OCCURRED_AT_MAX_MS} (epoch milliseconds, the years 2000 to 2099)"
        raise InvalidValue("occurred_at", str(value), expected)


def _length(value: str) -> str:
    return f"{len(value)} characters"
