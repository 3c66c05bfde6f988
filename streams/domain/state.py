"""A customer's state: of every sale and feedback, the latest revision and nothing else; and its canonical bytes.

Owns the shape of the state and its encoding. Never decides which event wins (fold.py does).
Invariants: the state is a function of the set of folded events; equal states are equal bytes.

Every slot is a tuple of plain comparable values that begins with what decides between two of them, so that the winner
of a slot is simply the greatest tuple. To stay comparable, an absent string is '', an absent score NO_SCORE and an
absent comment b''; enums are their position in the tuples below.
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple, final

import msgpack

from streams.errors import StateRefused

# Of all that a partition remembers, in the changelog and in its local copies: customers, panes, topics, comments, letters
# and META. Raise it when any of them changes shape, an appended measure included: tests/pure/changelog/test_format.py pins it.
FORMAT: Final = 2

# The words of schemas/validation.py, listed again on purpose: stored states hold their positions, so here words are
# only ever appended, whatever happens to the order there. A test says that both list the same.
OFFERINGS: Final = ("PHYSICAL", "SERVICE")
METRICS: Final = ("", "NPS", "CSAT", "CES")
REVERSAL_KINDS: Final = ("REFUND", "CHARGEBACK", "UNDONE")
REFUND: Final = 0
CHARGEBACK: Final = 1
UNDONE: Final = 2
NO_SCORE: Final = -1

# Made once: a Packer of its own for every state costs three times as much. For one thread, like all that makes units.
_pack: Final[Callable[[object], bytes]] = msgpack.Packer().pack


class SaleHead(NamedTuple):
    """The winning PLACED or REJECTED of a sale."""

    revision: int
    event_id: str
    rejected: int
    affiliate_id: str
    product_id: str
    offering: int
    amount: int
    commission: int
    currency: str
    campaign: str
    referred_by: str
    occurred_at: int
    subscription_id: str
    other_product_ids: tuple[str, ...]  # sorted, distinct


class ReversalHead(NamedTuple):
    """The winning revision of a reversal. A REFUNDED or CHARGED_BACK is one by its event_id, of revision 0."""

    reversal_id: str
    revision: int
    event_id: str
    kind: int
    amount: int
    commission: int
    currency: str
    occurred_at: int


class AttributionHead(NamedTuple):
    """The winning attribution of a sale. Without a currency it says nothing of the commission, without a campaign nothing of
    that; without an affiliate it says that nobody sold it."""

    revision: int
    event_id: str
    affiliate_id: str
    campaign: str
    commission: int
    currency: str
    occurred_at: int


class Invitation(NamedTuple):
    """The winning INVITED of a feedback."""

    revision: int
    event_id: str
    sale_id: str
    affiliate_id: str
    product_id: str
    occurred_at: int


class AnswerHead(NamedTuple):
    """The winning ANSWERED or WITHDRAWN of a feedback. A withdrawn one keeps nothing of what was said."""

    revision: int
    event_id: str
    withdrawn: int
    sale_id: str = ""
    affiliate_id: str = ""
    product_id: str = ""
    metric: int = 0
    score: int = NO_SCORE
    scores: tuple[tuple[int, int], ...] = ()  # further ones, (position in METRICS, score), as they were given
    findings: tuple[tuple[int, str], ...] = ()  # (position in VERDICTS, topic), sorted, distinct
    occurred_at: int = 0
    comment_digest: bytes = b""  # last; numbers depend on whether there is one, and never on what it is


@final
class SaleState:
    """What is known of one sale; head is None while others have told of it and the sale itself has not come."""

    __slots__ = ("attribution", "head", "reversals")

    def __init__(
        self, head: SaleHead | None, attribution: AttributionHead | None, reversals: dict[str, ReversalHead]
    ) -> None:
        self.head = head
        self.attribution = attribution
        self.reversals = reversals  # by reversal_id


@final
class FeedbackState:
    """What is known of one feedback; at least one of both is there."""

    __slots__ = ("answer", "invitation")

    def __init__(self, invitation: Invitation | None, answer: AnswerHead | None) -> None:
        self.invitation = invitation
        self.answer = answer


@final
class Customer:
    """All that one brand knows of one customer: nothing yet. fold() changes it in place."""

    __slots__ = ("brand_id", "customer_id", "feedbacks", "packed_bytes", "reversal_count", "sales")

    def __init__(self, brand_id: str, customer_id: str) -> None:
        self.brand_id = brand_id
        self.customer_id = customer_id
        self.sales: dict[str, SaleState] = {}  # by sale_id
        self.feedbacks: dict[str, FeedbackState] = {}  # by feedback_id
        self.reversal_count = 0  # over all sales
        self.packed_bytes = 0  # len(encode()), kept so by fold() once somebody has set it; 0: nobody counts


def encode(customer: Customer) -> bytes:
    """The canonical bytes of a state: msgpack of (FORMAT, brand, customer, sales by id, feedbacks by id)."""
    sales: list[object] = []
    for sale_id in _sorted(customer.sales):
        sale = customer.sales[sale_id]
        reversals = sorted(sale.reversals.values()) if sale.reversals else ()
        sales.append((sale_id, sale.head, sale.attribution, reversals))
    feedbacks: list[object] = []
    for feedback_id in _sorted(customer.feedbacks):
        feedback = customer.feedbacks[feedback_id]
        feedbacks.append((feedback_id, feedback.invitation, feedback.answer))
    return _pack((FORMAT, customer.brand_id, customer.customer_id, sales, feedbacks))


def slot_bytes(slot: tuple[object, ...] | None) -> int:
    """How many of encode()'s bytes one slot takes, or what stands for none."""
    return len(_pack(slot))


def one_more_bytes(element: tuple[object, ...], count: int) -> int:
    """By how many bytes encode() grows when a list of `count` elements gets one more: a list of 16 begins with two bytes
    more than one of 15, and so does one of 65,536 (MessagePack's array formats)."""
    return len(_pack(element)) + (2 if count in (15, 65_535) else 0)


def _sorted(ids: Collection[str]) -> list[str]:
    return sorted(ids) if len(ids) > 1 else list(ids)


def decode(data: bytes) -> Customer:
    """The state that encode() wrote. Raises StateRefused for bytes of another format."""
    found, *rest = msgpack.unpackb(data, use_list=False)
    if found != FORMAT:
        raise StateRefused(
            f"a customer's state has format {found}, this version reads {FORMAT}: "
            "run the version that wrote it, or rebuild the state from the topics"
        )
    brand_id, customer_id, sales, feedbacks = rest
    reversal_count = 0
    customer = Customer(brand_id, customer_id)
    for sale_id, head, attribution, reversals in sales:
        reversal_count += len(reversals)
        customer.sales[sale_id] = SaleState(
            head and SaleHead._make(head),
            attribution and AttributionHead._make(attribution),
            {reversal[0]: ReversalHead._make(reversal) for reversal in reversals},
        )
    for feedback_id, invitation, answer in feedbacks:
        customer.feedbacks[feedback_id] = FeedbackState(
            invitation and Invitation._make(invitation), answer and AnswerHead._make(answer)
        )
    customer.reversal_count = reversal_count
    return customer
