"""Folding one event into a customer's state.

Owns which event wins a slot. Never looks at other slots, the clock or the order of arrival.
Invariant: the state after any sequence of events depends only on the set of those that were accepted.
"""

from enum import IntEnum
from hashlib import blake2b
from typing import Final

from schemas.errors import CustomerFull
from schemas.events import Attribution, Event, Feedback, Reversal, Sale
from schemas.measures import VERDICTS
from streams.domain.rules import Rules
from streams.domain.state import (
    CHARGEBACK,
    METRICS,
    NO_SCORE,
    OFFERINGS,
    REFUND,
    REVERSAL_KINDS,
    AnswerHead,
    AttributionHead,
    Customer,
    FeedbackState,
    Invitation,
    ReversalHead,
    SaleHead,
    SaleState,
    one_more_bytes,
    slot_bytes,
)

_VERDICT_POSITION: Final = {verdict: position for position, verdict in enumerate(VERDICTS)}
_METRIC_POSITION: Final = {metric or None: position for position, metric in enumerate(METRICS)}
_DIGEST_BYTES: Final = 8  # two comments of one answer collide once in 2^64: never, for what it decides


class Change(IntEnum):
    """What a folded event did; falsy when it did nothing. A greater value implies the smaller ones."""

    NONE = 0
    STATE = 1  # the state is another one now
    COMMENT = 2  # ... and this event is the feedback's answer now, with another comment (or none) than before


def fold(customer: Customer, event: Event, rules: Rules) -> Change:
    """Folds an event of this customer into the state, in place.

    Raises CustomerFull, with the state as it was, when the event is one more than a customer may have, or, while
    customer.packed_bytes is counted, would make a state longer that is then longer than one may be.
    """
    if isinstance(event, Feedback):
        return _fold_feedback(customer, event, rules)
    return _fold_sale(customer, event, rules)


def comment_of(event: Feedback) -> tuple[str, str] | None:
    """The (comment, language or '') that an event brings, None when it brings none or takes the answer back."""
    if event.action != "ANSWERED" or event.comment is None:
        return None
    return event.comment, event.language or ""


def _fold_sale(customer: Customer, event: Sale | Reversal | Attribution, rules: Rules) -> Change:
    sale, entry_bytes = customer.sales.get(event.sale_id), 0
    if sale is None:
        if len(customer.sales) >= rules.customer_events_max:
            raise CustomerFull(f"{len(customer.sales)} sales of one customer; customer_events_max allows no more")
        sale = SaleState(None, None, {})
        if customer.packed_bytes:
            entry_bytes = one_more_bytes((event.sale_id, None, None, ()), len(customer.sales))
    if isinstance(event, Attribution):
        change = _fold_attribution(customer, sale, event, rules, entry_bytes)
    elif isinstance(event, Reversal) or event.action in ("REFUNDED", "CHARGED_BACK"):
        change = _fold_reversal(customer, sale, _reversal(event), rules, entry_bytes)
    else:
        change = _fold_head(customer, sale, event, rules, entry_bytes)
    customer.sales[event.sale_id] = sale  # only now: a refusal above leaves no trace
    return change


def _fold_head(customer: Customer, sale: SaleState, event: Sale, rules: Rules, entry_bytes: int) -> Change:
    head = _head(event)
    if sale.head is not None and head <= sale.head:
        return Change.NONE
    if customer.packed_bytes:
        _grow(customer, entry_bytes + slot_bytes(head) - slot_bytes(sale.head), rules)
    sale.head = head
    return Change.STATE


def _fold_attribution(
    customer: Customer, sale: SaleState, event: Attribution, rules: Rules, entry_bytes: int
) -> Change:
    attribution = _attribution(event)
    if sale.attribution is not None and attribution <= sale.attribution:
        return Change.NONE
    if customer.packed_bytes:
        _grow(customer, entry_bytes + slot_bytes(attribution) - slot_bytes(sale.attribution), rules)
    sale.attribution = attribution
    return Change.STATE


def _fold_reversal(
    customer: Customer, sale: SaleState, reversal: ReversalHead, rules: Rules, entry_bytes: int
) -> Change:
    known = sale.reversals.get(reversal.reversal_id)
    if known is not None and reversal <= known:
        return Change.NONE
    if known is None and customer.reversal_count >= rules.customer_reversals_max:
        raise CustomerFull(
            f"{customer.reversal_count} reversals of one customer; 4 x customer_events_max allows no more"
        )
    if customer.packed_bytes:
        if known is None:
            growth_bytes = one_more_bytes(reversal, len(sale.reversals))
        else:
            growth_bytes = slot_bytes(reversal) - slot_bytes(known)
        _grow(customer, entry_bytes + growth_bytes, rules)
    if known is None:
        customer.reversal_count += 1
    sale.reversals[reversal.reversal_id] = reversal
    return Change.STATE


def _fold_feedback(customer: Customer, event: Feedback, rules: Rules) -> Change:
    feedback, entry_bytes = customer.feedbacks.get(event.feedback_id), 0
    if feedback is None:
        if len(customer.feedbacks) >= rules.customer_events_max:
            raise CustomerFull(
                f"{len(customer.feedbacks)} feedbacks of one customer; customer_events_max allows no more"
            )
        feedback = FeedbackState(None, None)
        if customer.packed_bytes:
            entry_bytes = one_more_bytes((event.feedback_id, None, None), len(customer.feedbacks))
    if event.action == "INVITED":
        change = _fold_invitation(customer, feedback, event, rules, entry_bytes)
    else:
        change = _fold_answer(customer, feedback, event, rules, entry_bytes)
    customer.feedbacks[event.feedback_id] = feedback  # only now: a refusal above leaves no trace
    return change


def _fold_invitation(
    customer: Customer, feedback: FeedbackState, event: Feedback, rules: Rules, entry_bytes: int
) -> Change:
    invitation, known = _invitation(event), feedback.invitation
    if known is not None and invitation <= known:
        return Change.NONE
    if customer.packed_bytes:
        _grow(customer, entry_bytes + slot_bytes(invitation) - slot_bytes(known), rules)
    feedback.invitation = invitation
    return Change.STATE


def _fold_answer(
    customer: Customer, feedback: FeedbackState, event: Feedback, rules: Rules, entry_bytes: int
) -> Change:
    answer, known = _answer(event), feedback.answer
    if known is not None and answer <= known:
        return Change.NONE
    if customer.packed_bytes:
        _grow(customer, entry_bytes + slot_bytes(answer) - slot_bytes(known), rules)
    feedback.answer = answer
    comment_before = known.comment_digest if known is not None else b""
    return Change.STATE if answer.comment_digest == comment_before else Change.COMMENT


def _grow(customer: Customer, growth_bytes: int, rules: Rules) -> None:
    """Counts what a change adds to the packed state, or takes off it. A state that is too long already may still shrink."""
    grown = customer.packed_bytes + growth_bytes
    if growth_bytes > 0 and grown > rules.customer_bytes_max:
        raise CustomerFull(
            f"the customer's sales and feedbacks would take {grown} bytes; at most {rules.customer_bytes_max} are kept"
        )
    customer.packed_bytes = grown


def _head(event: Sale) -> SaleHead:
    return SaleHead(
        event.revision,
        event.event_id,
        int(event.action == "REJECTED"),
        event.affiliate_id or "",
        event.product_id,
        OFFERINGS.index(event.offering),
        event.amount,
        event.commission,
        event.currency,
        event.campaign or "",
        event.referred_by or "",
        event.occurred_at,
        event.subscription_id or "",
        tuple(sorted(set(event.other_product_ids))) if event.other_product_ids else (),
    )


def _reversal(event: Sale | Reversal) -> ReversalHead:
    if isinstance(event, Sale):
        reversal_id, revision = event.event_id, 0
        kind = REFUND if event.action == "REFUNDED" else CHARGEBACK
    else:
        reversal_id, revision, kind = event.reversal_id, event.revision, REVERSAL_KINDS.index(event.kind)
    return ReversalHead(
        reversal_id,
        revision,
        event.event_id,
        kind,
        event.amount,
        event.commission,
        event.currency,
        event.occurred_at,
    )


def _attribution(event: Attribution) -> AttributionHead:
    return AttributionHead(
        event.revision,
        event.event_id,
        event.affiliate_id or "",
        event.campaign or "",
        event.commission or 0,
        event.currency or "",
        event.occurred_at,
    )


def _invitation(event: Feedback) -> Invitation:
    return Invitation(
        event.revision,
        event.event_id,
        event.sale_id or "",
        event.affiliate_id or "",
        event.product_id or "",
        event.occurred_at,
    )


def _answer(event: Feedback) -> AnswerHead:
    if event.action == "WITHDRAWN":
        return AnswerHead(event.revision, event.event_id, 1)
    return AnswerHead(
        event.revision,
        event.event_id,
        0,
        event.sale_id or "",
        event.affiliate_id or "",
        event.product_id or "",
        _METRIC_POSITION[event.metric],
        NO_SCORE if event.score is None else event.score,
        tuple([(_METRIC_POSITION[metric], score) for metric, score in event.scores]) if event.scores else (),
        tuple(sorted({(_VERDICT_POSITION[verdict], topic) for verdict, topic in event.findings})),
        event.occurred_at,
        _comment_digest(event),
    )


def _comment_digest(event: Feedback) -> bytes:
    comment = comment_of(event)
    if comment is None:
        return b""
    text, language = comment
    return blake2b(f"{language}\n{text}".encode(), digest_size=_DIGEST_BYTES).digest()
