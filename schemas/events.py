"""The events as typed values, in the units the whole project computes with.

Owns the shape of an accepted event. Never validates (validation.py does) and never reads bytes (codec.py does).
Invariant: fields stand in the order of the .avsc files; money is an int of ten-thousandths; times are epoch
milliseconds in UTC; an absent value is None, never ''.
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


class Finding(NamedTuple):
    """What one answer says of one topic."""

    verdict: str
    topic: str


class Feedback(NamedTuple):
    """One event of an answer or invitation: INVITED, ANSWERED or WITHDRAWN."""

    event_id: str
    brand_id: str
    customer_id: str
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


Event = Sale | Feedback


def partition_key(brand_id: str, customer_id: str) -> bytes:
    """The Kafka key that brings both halves of one customer to one partition."""
    return f"{brand_id}:{customer_id}".encode()
