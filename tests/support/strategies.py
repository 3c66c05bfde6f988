"""Hypothesis strategies for every valid event: full ranges and odd characters.

Why beside `domain_strategies`, whose events collide: bytes, forms and limits are tried where they are widest.
"""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.measures import MONEY_SCALE, VERDICTS
from schemas.validation import (
    FEEDBACK_ACTIONS,
    MONEY_MAX,
    OCCURRED_AT_MAX_MS,
    OCCURRED_AT_MIN_MS,
    OFFERINGS,
    OTHER_PRODUCTS_MAX,
    REVERSAL_KINDS,
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


@st.composite
def _scores(draw: st.DrawFn) -> tuple[str | None, int | None, tuple[Score, ...]]:
    """The metric and score of an answer, and its further scores, which have other metrics."""
    metrics = draw(st.permutations([None, *SCORES]))
    metric, *further = metrics[: draw(st.integers(1, len(metrics)))]
    score = None if metric is None else draw(st.none() | st.integers(*SCORES[metric]))
    return (
        metric,
        score,
        tuple(Score(other, draw(st.integers(*SCORES[other]))) for other in further if other is not None),
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
    "subscription_id": _maybe,
    "other_product_ids": st.lists(ids, max_size=3).map(tuple) | st.just(("p",) * OTHER_PRODUCTS_MAX),
    "reversal_id": ids,
    "asked": st.sampled_from([None, *VERDICTS]),
}
_SALE = _FIELDS | {"action": st.sampled_from(SALE_ACTIONS)}
_REVERSAL = _FIELDS | {"customer_id": _maybe, "kind": st.sampled_from(REVERSAL_KINDS)}
_ATTRIBUTION = _FIELDS | {
    "customer_id": _maybe,
    "commission": st.none(),
    "currency": st.none(),
}  # these in attributions()
_FEEDBACK = _FIELDS | {"action": st.sampled_from(FEEDBACK_ACTIONS), "sale_id": _maybe}
_FEEDBACK |= {"metric": st.none(), "score": st.none(), "scores": st.just(())}  # together, in feedbacks()
_SALES = st.builds(Sale, *(_SALE[name] for name in Sale._fields))
_REVERSALS = st.builds(Reversal, *(_REVERSAL[name] for name in Reversal._fields))
_ATTRIBUTIONS = st.builds(Attribution, *(_ATTRIBUTION[name] for name in Attribution._fields))
_FEEDBACKS = st.builds(Feedback, *(_FEEDBACK[name] for name in Feedback._fields))


def sales() -> st.SearchStrategy[Sale]:
    """Every valid sale."""
    return _SALES


def reversals() -> st.SearchStrategy[Reversal]:
    """Every valid reversal."""
    return _REVERSALS


def attributions() -> st.SearchStrategy[Attribution]:
    """Every valid attribution."""
    paid = st.tuples(money, _FIELDS["currency"]) | st.just((None, None))
    return st.builds(lambda made, pay: made._replace(commission=pay[0], currency=pay[1]), _ATTRIBUTIONS, paid)


@st.composite
def feedbacks(draw: st.DrawFn) -> Feedback:
    """Every valid feedback."""
    metric, score, scores = draw(_scores())
    made = draw(_FEEDBACKS)._replace(metric=metric, score=score, scores=scores)
    # Rarely, since few publishers know no customer: then the sale is there.
    return made._replace(customer_id=None) if made.sale_id is not None and draw(st.booleans()) else made


def all_events() -> st.SearchStrategy[Event]:
    """Every valid event."""
    return st.one_of(sales(), reversals(), attributions(), feedbacks())


def mapping(event: Event) -> dict[str, Any]:
    """The event as JSON Lines hold it: money as strings, findings and scores as objects."""
    found: dict[str, Any] = event._asdict()
    for name in found.keys() & {"amount", "commission"}:
        found[name] = None if found[name] is None else _decimal(found[name])
    for name in found.keys() & {"findings", "scores"}:
        found[name] = [item._asdict() for item in found[name]]
    return found


def _decimal(ten_thousandths: int) -> str:
    return str(Decimal(ten_thousandths).scaleb(-MONEY_SCALE))
