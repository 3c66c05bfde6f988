"""The events as typed values, in the units the whole project computes with.

Owns the shape of an accepted event. Never validates (validation.py does) and never reads bytes (codec.py does).
Invariant: fields stand in the order of the .avsc files; money is an int of ten-thousandths; times are epoch
milliseconds in UTC; an absent value is None, never ''. What a later version added has its default, so that who makes an
event need not know it.
"""

from typing import NamedTuple


class Sale(NamedTuple):
    """One event of a sale: PLACED, REFUNDED, CHARGED_BACK or REJECTED."""

    event_id: str
    brand_id: str
    customer_id: str
    sale_id: str
    action: str
    revision: int
    affiliate_id: str | None
    product_id: str
    offering: str
    amount: int
    commission: int
    currency: str
    campaign: str | None
    referred_by: str | None
    occurred_at: int
    subscription_id: str | None = None
    other_product_ids: tuple[str, ...] = ()


class Reversal(NamedTuple):
    """One event of money given back: REFUND, CHARGEBACK or UNDONE."""

    event_id: str
    brand_id: str
    customer_id: str | None
    sale_id: str
    reversal_id: str
    kind: str
    revision: int
    amount: int
    commission: int
    currency: str
    occurred_at: int


class Attribution(NamedTuple):
    """Who sold a sale, said by a source that knows no more than that."""

    event_id: str
    brand_id: str
    customer_id: str | None
    sale_id: str
    revision: int
    affiliate_id: str | None
    campaign: str | None
    commission: int | None
    currency: str | None
    occurred_at: int


class Finding(NamedTuple):
    """What one answer says of one topic."""

    verdict: str
    topic: str


class Score(NamedTuple):
    """A further score of an answer."""

    metric: str
    score: int


class Feedback(NamedTuple):
    """One event of an answer or invitation: INVITED, ANSWERED or WITHDRAWN."""

    event_id: str
    brand_id: str
    customer_id: str | None
    feedback_id: str
    action: str
    revision: int
    sale_id: str | None
    affiliate_id: str | None
    metric: str | None
    score: int | None
    findings: tuple[Finding, ...]
    comment: str | None
    language: str | None
    occurred_at: int
    product_id: str | None = None
    scores: tuple[Score, ...] = ()
    asked: str | None = None


Event = Sale | Reversal | Attribution | Feedback


def partition_key(brand_id: str, customer_id: str) -> bytes:
    """The Kafka key that brings both halves of one customer to one partition."""
    return f"{brand_id}:{customer_id}".encode()


def customer_of(event: Event) -> tuple[str, str]:
    """The brand and the customer of an event that names one: every event that is counted does."""
    assert event.customer_id is not None, "an event without a customer is of no customer's state"
    return event.brand_id, event.customer_id


def record_key(event: Event) -> bytes:
    """The Kafka key of an event's record: of its customer, or of its sale where the publisher does not know the customer."""
    if event.customer_id is not None:
        return partition_key(event.brand_id, event.customer_id)
    return f"{event.brand_id}:{event.sale_id}".encode()
