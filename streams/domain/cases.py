"""What each sale and each feedback of a customer amounts to, beside the customer's others.

Owns which sale is the first and which answer belongs to which sale. Never counts anything. Invariant: whatever a sale
or feedback adds to a number, and its row, is a function of its case alone, so what did not change its case changed
nothing.
"""

from typing import Final, final

from streams.domain.linking import NO_LINK, Link, Linker
from streams.domain.rules import Rules
from streams.domain.state import AnswerHead, Customer, Invitation, Reversal, SaleHead, SaleState

# Tuples, because mypyc unboxes them; a NamedTuple is a class to it, made by a call. (Both are made for every sale and
# feedback of a customer whenever one of them changes.) Their fields have no names, so read them by unpacking.
LinkedAnswer = tuple[int, str, AnswerHead]  # occurred_at, feedback_id: the order of first and last
# The head, what was given back, whether it is the customer's first valid sale, and its linked answers in order.
SaleCase = tuple[SaleHead, tuple[Reversal, ...], bool, tuple[LinkedAnswer, ...]]
# The invitation; the answer; the answer's link (the invitation's while there is no answer); the head of the sale that
# the invitation is linked to, and that the answer is; a withdrawn answer has none; the id of the invitation's sale, or ''.
FeedbackCase = tuple[Invitation | None, AnswerHead | None, Link, SaleHead | None, SaleHead | None, str]

_NO_ANSWERS: Final[tuple[LinkedAnswer, ...]] = ()
_NO_REVERSALS: Final[tuple[Reversal, ...]] = ()


@final
class Cases:
    """All cases of one customer. Of a sale of which only refunds have come there are these alone."""

    __slots__ = ("brand_id", "customer_id", "feedbacks", "sales", "without_sale")

    def __init__(self, brand_id: str, customer_id: str) -> None:
        self.brand_id = brand_id
        self.customer_id = customer_id
        self.sales: dict[str, SaleCase] = {}  # by sale_id
        self.feedbacks: dict[str, FeedbackCase] = {}  # by feedback_id
        self.without_sale: dict[str, tuple[Reversal, ...]] = {}  # by the sale_id that they name


def cases(customer: Customer, rules: Rules) -> Cases:
    """The cases of a customer as they are now; later changes of the customer don't show in them. n log n steps."""
    found = Cases(customer.brand_id, customer.customer_id)
    answers = _feedback_cases(found, customer, rules)
    first_sale_id = _first_sale_id(customer.sales)
    for sale_id, sale in customer.sales.items():
        if sale.head is not None:
            linked = answers.get(sale_id)
            found.sales[sale_id] = (
                sale.head,
                tuple(sale.reversals.values()) if sale.reversals else _NO_REVERSALS,
                sale_id == first_sale_id,
                tuple(sorted(linked)) if linked is not None else _NO_ANSWERS,
            )
        else:
            found.without_sale[sale_id] = tuple(sale.reversals.values())
    return found


def _feedback_cases(found: Cases, customer: Customer, rules: Rules) -> dict[str, list[LinkedAnswer]]:
    """Fills in the feedbacks' cases. Returns the linked answers by sale_id."""
    if not customer.feedbacks:
        return {}
    linker = Linker(customer.sales, rules.attribution_window_ms)
    linked: dict[str, list[LinkedAnswer]] = {}
    for feedback_id, feedback in customer.feedbacks.items():
        invitation, answer = feedback.invitation, feedback.answer
        link = NO_LINK
        invited_under: SaleHead | None = None
        answered_under: SaleHead | None = None
        invited_sale_id = ""
        if invitation is not None:
            link = linker.link(invitation.sale_id, invitation.affiliate_id, invitation.occurred_at)
            if link[1] is not None:
                invited_sale_id = link[1]
                invited_under = customer.sales[invited_sale_id].head
        if answer is not None and not answer.withdrawn:
            link = linker.link(answer.sale_id, answer.affiliate_id, answer.occurred_at)
            if link[1] is not None:
                answered_under = customer.sales[link[1]].head
                linked.setdefault(link[1], []).append((answer.occurred_at, feedback_id, answer))
        found.feedbacks[feedback_id] = (invitation, answer, link, invited_under, answered_under, invited_sale_id)
    return linked


def _first_sale_id(sales: dict[str, SaleState]) -> str | None:
    """The first valid sale by (occurred_at, sale_id), None while there is none."""
    first: tuple[int, str] | None = None
    for sale_id, sale in sales.items():
        head = sale.head
        if head is not None and not head.rejected:
            at = (head.occurred_at, sale_id)
            if first is None or at < first:
                first = at
    return None if first is None else first[1]
