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
FORMAT: Final = 1

# The words of schemas/validation.py, listed again on purpose: stored states hold their positions, so here words are
# only ever appended, whatever happens to the order there. A test says that both list the same.
OFFERINGS: Final = ("PHYSICAL", "SERVICE")
METRICS: Final = ("", "NPS", "CSAT", "CES")
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


class Reversal(NamedTuple):
    """One REFUNDED or CHARGED_BACK. Its currency is not kept: it counts in its sale's."""

    event_id: str
    charged_back: int
    amount: int
    commission: int
    occurred_at: int


class Invitation(NamedTuple):
    """The winning INVITED of a feedback."""

    revision: int
    event_id: str
    sale_id: str
    affiliate_id: str
    occurred_at: int


class AnswerHead(NamedTuple):
    """The winning ANSWERED or WITHDRAWN of a feedback. A withdrawn one keeps nothing of what was said."""

    revision: int
    event_id: str
    withdrawn: int
    sale_id: str = ""
    affiliate_id: str = ""
    metric: int = 0
    score: int = NO_SCORE
    findings: tuple[tuple[int, str], ...] = ()  # (position in VERDICTS, topic), sorted, distinct
    occurred_at: int = 0
    comment_digest: bytes = b""  # last, so that no number ever depends on it


@final
class SaleState:
    """What is known of one sale; head is None while only refunds of it have come."""

    __slots__ = ("head", "reversals")

    def __init__(self, head: SaleHead | None, reversals: dict[str, Reversal]) -> None:
        self.head = head
        self.reversals = reversals  # by event_id


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
        sales.append((sale_id, sale.head, sorted(sale.reversals.values()) if sale.reversals else ()))
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
    for sale_id, head, reversals in sales:
        reversal_count += len(reversals)
        customer.sales[sale_id] = SaleState(
            head and SaleHead._make(head), {reversal[0]: Reversal._make(reversal) for reversal in reversals}
        )
    for feedback_id, invitation, answer in feedbacks:
        customer.feedbacks[feedback_id] = FeedbackState(
            invitation and Invitation._make(invitation), answer and AnswerHead._make(answer)
        )
    customer.reversal_count = reversal_count
    return customer
