"""One customer's new events folded into their state: as many as the rules allow.

Owns what is refused of a customer who is full. Never counts anything. Invariants: what is refused leaves no trace; which
events that are depends on their order, and not on how they are cut into units.
"""

from typing import Final, final

from schemas.errors import CustomerFull
from schemas.events import Event, Feedback, Sale, customer_of
from schemas.validation import ID_CHARACTERS_MAX
from streams.changelog import records
from streams.domain import state
from streams.domain.fold import Change, comment_of, fold
from streams.domain.rules import Rules
from streams.unit.intake import Refusal
from streams.unit.record import Record

Events = list[tuple[Event, Record]]

# What one event adds to a packed state, at most: a sale with six ids of 200 characters and a campaign of 2,000, of 4 bytes
# each, numbers and lengths (12.9 kB), for a new customer with the two ids (1.6 kB). And what each other product of it adds.
_EVENT_BYTES_MAX: Final = 16 << 10
_PRODUCT_BYTES_MAX: Final = 4 * ID_CHARACTERS_MAX + 3


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
        return state.Customer(*customer_of(event)), b""
    return state.decode(raw), raw


def fold_events(customer: state.Customer, held: bytes, events: Events, rules: Rules) -> Folded:
    """Folds events into a customer, who changes, and whose record is `held` before."""
    if len(held) + _bytes_max(events) > rules.customer_bytes_max:
        customer.packed_bytes = len(held or state.encode(customer))  # else there is room for all: nobody counts
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
        folded.changed = state.encode(customer)
    return folded


def _bytes_max(events: Events) -> int:
    bytes_max = len(events) * _EVENT_BYTES_MAX
    for event, _ in events:
        if isinstance(event, Sale) and event.other_product_ids:
            bytes_max += len(event.other_product_ids) * _PRODUCT_BYTES_MAX
    return bytes_max


def _keep_comment(folded: Folded, change: Change, event: Event) -> None:
    if change is Change.COMMENT and isinstance(event, Feedback):
        key = (event.brand_id, folded.customer.customer_id, event.feedback_id)
        folded.comments[key] = comment_of(event) or ("", "")
