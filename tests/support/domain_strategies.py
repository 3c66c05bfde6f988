"""Hypothesis strategies for one brand's events, dense in collisions.

Few ids, few instants and few affiliates, so that ties, ambiguity, voids, restores, reattribution, refunds before their
sale, early feedback, edits, withdrawals and first-purchase flips come up in most examples rather than in a few.
"""

from hypothesis import strategies as st

from schemas.events import Event, Feedback, Finding, Sale
from schemas.measures import VERDICTS
from streams.domain.rules import Rules

T0 = 1_700_000_100_000  # the start of a pane of 300 s
MINUTE = 60_000
# Pane borders, parts of seconds, and both ends of the window of RULES and a millisecond past it.
INSTANTS = [T0, T0 + 1, T0 + 999, T0 + 5 * MINUTE - 1, T0 + 5 * MINUTE, T0 + 10 * MINUTE, T0 + 10 * MINUTE + 1]
RULES = Rules(attribution_window_ms=10 * MINUTE)

SCORES = {"NPS": range(11), "CSAT": range(1, 6), "CES": range(1, 8)}

_ids = st.sampled_from
_instants = st.sampled_from(INSTANTS)
_event_ids = _ids(["e1", "e2", "e3"])
_affiliates = _ids([None, "a1", "a2"])
_money = _ids([0, 1, 99_9900, 10**14])

_scores = st.one_of(
    st.just((None, None)),
    st.sampled_from([(metric, None) for metric in SCORES]),
    st.sampled_from([(metric, score) for metric, scores in SCORES.items() for score in scores]),
)
_findings = st.lists(st.builds(Finding, _ids(VERDICTS), _ids(["delivery", "price"])), max_size=4).map(tuple)
_customers = _ids(["c1"] * 5 + ["c2"])


A_SALE = Sale("e1", "b", "c1", "s1", "PLACED", 0, "a1", "p1", "PHYSICAL", 100_0000, 10_0000, "EUR", None, None, T0)
AN_ANSWER = Feedback("e1", "b", "c1", "f1", "ANSWERED", 0, None, None, None, None, (), None, None, T0 + MINUTE)


def _owned(name: str, customer_id: str) -> str:
    return f"{name}-{customer_id}"  # a sale or feedback belongs to one customer


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    """One event of a sale."""
    customer_id = draw(_customers)
    return Sale(
        event_id=draw(_event_ids),
        brand_id="b",
        customer_id=customer_id,
        sale_id=_owned(draw(_ids(["s1", "s2", "s3"])), customer_id),
        action=draw(_ids(["PLACED", "PLACED", "PLACED", "REJECTED", "REFUNDED", "CHARGED_BACK"])),
        revision=draw(_ids([0, 1])),
        affiliate_id=draw(_affiliates),
        product_id=draw(_ids(["p1", "p2"])),
        offering=draw(_ids(["PHYSICAL", "SERVICE"])),
        amount=draw(_money),
        commission=draw(_money),
        currency=draw(_ids(["EUR", "EUR", "USD"])),
        campaign=draw(_ids([None, "mail"])),
        referred_by=draw(_ids([None, "c1", "c9"])),
        occurred_at=draw(_instants),
    )


@st.composite
def feedbacks(draw: st.DrawFn) -> Feedback:
    """One event of a feedback."""
    customer_id = draw(_customers)
    sale = draw(_ids([None, None, "s1", "s2", "s3", "s4"]))
    metric, score = draw(_scores)
    return Feedback(
        event_id=draw(_event_ids),
        brand_id="b",
        customer_id=customer_id,
        feedback_id=_owned(draw(_ids(["f1", "f2", "f3"])), customer_id),
        action=draw(_ids(["ANSWERED", "ANSWERED", "ANSWERED", "INVITED", "WITHDRAWN"])),
        revision=draw(_ids([0, 1])),
        sale_id=None if sale is None else _owned(sale, customer_id),
        affiliate_id=draw(_ids([None, None, "a1", "a2", "a3"])),
        metric=metric,
        score=score,
        findings=draw(_findings),
        comment=draw(_ids([None, "slow", "good"])),
        language=draw(_ids([None, "en"])),
        occurred_at=draw(_instants),
    )


def events() -> st.SearchStrategy[list[Event]]:
    """Events of two customers of one brand, in any order, some of them twice, some with an event_id used again."""
    return st.lists(st.one_of(sales(), feedbacks()), min_size=2, max_size=16)
