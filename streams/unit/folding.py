"""One customer's new events folded into their state: as many as the rules allow and the changelog's record can hold.

Owns what is refused of a customer who is full. Never counts anything. Invariant: what is refused leaves no trace.
"""

from typing import final

from schemas.errors import CustomerFull
from schemas.events import Event, Feedback
from streams.changelog import records
from streams.domain import state
from streams.domain.fold import Change, comment_of, fold
from streams.domain.rules import Rules
from streams.unit.intake import Refusal
from streams.unit.record import Record

Events = list[tuple[Event, Record]]


@final
class Folded:
    """A customer after their events. `changed` is their new record, None when nothing changed."""

    __slots__ = ("changed", "comments", "customer", "refusals")

    def __init__(self, customer: state.Customer) -> None:
        self.customer = customer
        self.changed: bytes | None = None
        self.comments: dict[records.CommentKey, tuple[str, str]] = {}  # (comment, language) of those that changed
        self.refusals: list[Refusal] = []


def load(raw: bytes | None, event: Event) -> tuple[state.Customer, bytes]:
    """The customer of an event and their record, b"" of one who is new."""
    if raw is None:
        return state.Customer(event.brand_id, event.customer_id), b""
    return state.decode(raw), raw


def fold_events(customer: state.Customer, held: bytes, events: Events, rules: Rules, bytes_max: int) -> Folded:
    """Folds events into a customer, who changes, and whose record is `held` before and at most `bytes_max` long after."""
    folded = Folded(customer)
    any_change = False
    for event, record in events:
        try:
            change = fold(customer, event, rules)
        except CustomerFull as full:
            folded.refusals.append(Refusal(record, full.reason, full.detail))
            continue
        if change:
            any_change = True
            _keep_comment(folded, change, event)
    if any_change:
        after = state.encode(customer)
        if len(after) <= bytes_max:
            folded.changed = after
        else:
            _fold_while_it_fits(folded, held, events, rules, bytes_max)
    return folded


def _fold_while_it_fits(folded: Folded, held: bytes, events: Events, rules: Rules, bytes_max: int) -> None:
    """The slow way, for a customer whose record would grow past what the changelog takes: event by event."""
    folded.comments.clear()
    fits, full = held, {id(refusal.record) for refusal in folded.refusals}
    for event, record in events:
        if id(record) in full:
            continue
        customer, _ = load(fits or None, event)
        change = fold(customer, event, rules)
        grown = state.encode(customer)
        if len(grown) > bytes_max:
            detail = f"the customer's events take {len(grown)} bytes; the changelog takes {bytes_max}"
            folded.refusals.append(Refusal(record, CustomerFull.reason, detail))
            continue
        fits = grown
        _keep_comment(folded, change, event)
    folded.customer, _ = load(fits or None, events[0][0])
    folded.changed = fits if fits != held else None


def _keep_comment(folded: Folded, change: Change, event: Event) -> None:
    if change is Change.COMMENT and isinstance(event, Feedback):
        key = (event.brand_id, event.customer_id, event.feedback_id)
        folded.comments[key] = comment_of(event) or ("", "")
