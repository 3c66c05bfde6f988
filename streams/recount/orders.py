"""Which of two events of one slot counts: the greater by these, from the contract's text alone.

Owns the order. Where the contract leaves a publisher's error open (one event_id, two contents), it goes on through the content:
fields in the order of the schema, enums in the schema's order, absent values least.
"""

from typing import Final

from schemas.events import Attribution, Feedback, Reversal, Sale
from schemas.registry import FEEDBACK_NAME, REVERSAL_NAME, SALE_NAME, newest

_SALES: Final = newest(SALE_NAME).symbols
_REVERSALS: Final = newest(REVERSAL_NAME).symbols
_FEEDBACKS: Final = newest(FEEDBACK_NAME).symbols

Rank = tuple[object, ...]


def sale_order(s: Sale) -> Rank:
    """Of PLACED and REJECTED events of one sale."""
    return (
        s.revision, s.event_id, _SALES["action"].index(s.action), s.affiliate_id or "", s.product_id,
        _SALES["offering"].index(s.offering), s.amount, s.commission, s.currency, s.campaign or "", s.referred_by or "",
        s.occurred_at, s.subscription_id or "", sorted(set(s.other_product_ids)),
    )  # fmt: skip


def reversal_order(r: Reversal) -> Rank:
    """Of what was told of one reversal."""
    kind = _REVERSALS["kind"].index(r.kind)
    return r.revision, r.event_id, kind, r.amount, r.commission, r.currency, r.occurred_at


def attribution_order(a: Attribution) -> Rank:
    """Of the attributions of one sale."""
    return (
        a.revision, a.event_id, a.affiliate_id or "", a.campaign or "", a.commission or 0, a.currency or "",
        a.occurred_at,
    )  # fmt: skip


def invitation_order(f: Feedback) -> Rank:
    """Of INVITED events of one feedback."""
    return f.revision, f.event_id, f.sale_id or "", f.affiliate_id or "", f.product_id or "", f.occurred_at


def answer_order(f: Feedback) -> Rank:
    """Of ANSWERED and WITHDRAWN events of one feedback."""
    if f.action == "WITHDRAWN":
        return f.revision, f.event_id, 1
    findings = sorted({(_FEEDBACKS["verdict"].index(finding.verdict), finding.topic) for finding in f.findings})
    return (
        f.revision, f.event_id, 0, f.sale_id or "", f.affiliate_id or "", f.product_id or "",
        -1 if f.metric is None else _FEEDBACKS["metric"].index(f.metric), -1 if f.score is None else f.score,
        [(_FEEDBACKS["metric"].index(metric), score) for metric, score in f.scores], findings, f.occurred_at,
        f.comment is not None,
    )  # fmt: skip
