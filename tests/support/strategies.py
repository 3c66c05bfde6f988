"""Hypothesis strategies for every valid event: full ranges and odd characters.

Why beside `domain_strategies`, whose events collide: bytes, forms and limits are tried where they are widest.
"""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from schemas.events import Feedback, Finding, Sale
from schemas.measures import MONEY_SCALE, VERDICTS
from schemas.validation import (
    FEEDBACK_ACTIONS,
    MONEY_MAX,
    OCCURRED_AT_MAX_MS,
    OCCURRED_AT_MIN_MS,
    OFFERINGS,
    REVISION_MAX,
    SALE_ACTIONS,
    SCORES,
)

_CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"))
ids = st.text(_CHARACTERS, min_size=1, max_size=200)
brand_ids = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=":"), min_size=1, max_size=200)
money = st.integers(0, MONEY_MAX)
times_ms = st.integers(OCCURRED_AT_MIN_MS, OCCURRED_AT_MAX_MS)
revisions = st.integers(0, REVISION_MAX)

_scores = st.one_of(
    st.just((None, None)),
    *(st.tuples(st.just(metric), st.none() | st.integers(*bounds)) for metric, bounds in SCORES.items()),
)
_topics = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)
_findings = st.lists(st.builds(Finding, st.sampled_from(VERDICTS), _topics), max_size=50).map(tuple)


_maybe = st.none() | ids
# A field that is missing here fails the import.
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "event_id": ids,
    "brand_id": brand_ids,
    "customer_id": ids,
    "sale_id": ids,
    "feedback_id": ids,
    "revision": revisions,
    "affiliate_id": _maybe,
    "product_id": ids,
    "offering": st.sampled_from(OFFERINGS),
    "amount": money,
    "commission": money,
    "currency": st.from_regex(r"[A-Z]{3}", fullmatch=True),
    "campaign": _maybe,
    "referred_by": _maybe,
    "findings": _findings,
    "comment": st.none() | st.text(min_size=1, max_size=300),
    "language": st.sampled_from([None, "en", "pt-BR", "zh-Hant-TW"]),
    "occurred_at": times_ms,
}
_SALE = _FIELDS | {"action": st.sampled_from(SALE_ACTIONS)}
_FEEDBACK = _FIELDS | {"action": st.sampled_from(FEEDBACK_ACTIONS), "sale_id": _maybe}
_FEEDBACK |= {"metric": st.none(), "score": st.none()}  # together, in feedbacks()
_SALES = st.builds(Sale, *(_SALE[name] for name in Sale._fields))
_FEEDBACKS = st.builds(Feedback, *(_FEEDBACK[name] for name in Feedback._fields))


def sales() -> st.SearchStrategy[Sale]:
    """Every valid sale."""
    return _SALES


def feedbacks() -> st.SearchStrategy[Feedback]:
    """Every valid feedback."""
    return st.builds(lambda made, scored: made._replace(metric=scored[0], score=scored[1]), _FEEDBACKS, _scores)


def sale_mapping(sale: Sale) -> dict[str, Any]:
    """The sale as JSON Lines hold it: money as strings."""
    return sale._asdict() | {name: _decimal(getattr(sale, name)) for name in ("amount", "commission")}


def feedback_mapping(feedback: Feedback) -> dict[str, Any]:
    """The feedback as JSON Lines hold it: findings as objects."""
    return feedback._asdict() | {"findings": [finding._asdict() for finding in feedback.findings]}


def _decimal(ten_thousandths: int) -> str:
    return str(Decimal(ten_thousandths).scaleb(-MONEY_SCALE))
