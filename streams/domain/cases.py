"""What each sale and each feedback of a customer amounts to, beside the customer's others.

Owns who sold a sale, which sale is the first, which renews, and which answer belongs to which sale. Never counts anything.
Invariant: whatever a sale or feedback adds to a number, and its row, is a function of its case alone, so what did not change
its case changed nothing.
"""

from typing import Final, final

from streams.domain.linking import NO_LINK, Link, Linker
from streams.domain.rules import Rules
from streams.domain.state import AnswerHead, AttributionHead, Customer, Invitation, ReversalHead, SaleHead

# Tuples, because mypyc unboxes them; a NamedTuple is a class to it, made by a call. (Both are made for every sale and
# feedback of a customer whenever one of them changes.) Their fields have no names, so read them by unpacking.
LinkedAnswer = tuple[int, str, AnswerHead]  # occurred_at, feedback_id: the order of first and last
# The head as the sale is attributed; its reversals, undone ones too; whether it is the customer's first valid sale, whether it
# renews a subscription, whether its attribution's commission is in another currency; its linked answers in order.
SaleCase = tuple[SaleHead, tuple[ReversalHead, ...], bool, bool, bool, tuple[LinkedAnswer, ...]]
# Of a sale that has not come: what others told of it.
OrphanCase = tuple[AttributionHead | None, tuple[ReversalHead, ...]]
# The invitation; the answer; the answer's link (the invitation's while there is no answer); the head of the sale that
# the invitation is linked to, and that the answer is, both as they are attributed; a withdrawn answer has none; the id of the
# invitation's sale, or ''.
FeedbackCase = tuple[Invitation | None, AnswerHead | None, Link, SaleHead | None, SaleHead | None, str]

_NO_ANSWERS: Final[tuple[LinkedAnswer, ...]] = ()
_NONE: Final[set[str]] = set()
_NO_REVERSALS: Final[tuple[ReversalHead, ...]] = ()


@final
class Cases:
    """All cases of one customer."""

    __slots__ = ("brand_id", "customer_id", "feedbacks", "sales", "without_sale")

    def __init__(self, brand_id: str, customer_id: str) -> None:
        self.brand_id = brand_id
        self.customer_id = customer_id
        self.sales: dict[str, SaleCase] = {}  # by sale_id
        self.without_sale: dict[str, OrphanCase] = {}  # by the sale_id that is named
        self.feedbacks: dict[str, FeedbackCase] = {}  # by feedback_id


def cases(customer: Customer, rules: Rules) -> Cases:
    """The cases of a customer as they are now; later changes of the customer don't show in them. n log n steps."""
    found = Cases(customer.brand_id, customer.customer_id)
    heads: dict[str, SaleHead] = {}  # as the sales are attributed
    for sale_id, sale in customer.sales.items():
        if sale.head is None:
            found.without_sale[sale_id] = (sale.attribution, tuple(sale.reversals.values()))
        elif sale.attribution is None:
            heads[sale_id] = sale.head
        else:
            heads[sale_id] = attributed(sale.head, sale.attribution)
    answers = _feedback_cases(found, customer, heads, rules)
    first_sale_id = _first_sale_id(heads)
    renewals = _renewals(heads)
    for sale_id, head in heads.items():
        sale = customer.sales[sale_id]
        linked = answers.get(sale_id)
        found.sales[sale_id] = (
            head,
            tuple(sale.reversals.values()) if sale.reversals else _NO_REVERSALS,
            sale_id == first_sale_id,
            sale_id in renewals,
            sale.attribution is not None and _is_mismatched(head, sale.attribution),
            tuple(sorted(linked)) if linked is not None else _NO_ANSWERS,
        )
    return found


def attributed(head: SaleHead, attribution: AttributionHead) -> SaleHead:
    """The sale as its attribution leaves it: what that leaves open, or says in another currency, is the sale's own."""
    keeps_commission = not attribution.currency or _is_mismatched(head, attribution)
    return head._replace(
        affiliate_id=attribution.affiliate_id,
        campaign=attribution.campaign or head.campaign,
        commission=head.commission if keeps_commission else attribution.commission,
    )


def _is_mismatched(head: SaleHead, attribution: AttributionHead) -> bool:
    return attribution.commission != 0 and attribution.currency != head.currency


def _feedback_cases(
    found: Cases, customer: Customer, heads: dict[str, SaleHead], rules: Rules
) -> dict[str, list[LinkedAnswer]]:
    """Fills in the feedbacks' cases. Returns the linked answers by sale_id."""
    if not customer.feedbacks:
        return {}
    linker = Linker(heads, customer.feedbacks, rules.attribution_window_ms)
    linked: dict[str, list[LinkedAnswer]] = {}
    for feedback_id, feedback in customer.feedbacks.items():
        invitation, answer = feedback.invitation, feedback.answer
        link = NO_LINK
        invited_under: SaleHead | None = None
        answered_under: SaleHead | None = None
        invited_sale_id = ""
        if invitation is not None:
            link = linker.link(
                invitation.sale_id, invitation.affiliate_id, invitation.product_id, invitation.occurred_at
            )
            if link[1] is not None:
                invited_sale_id = link[1]
                invited_under = heads[invited_sale_id]
        if answer is not None and not answer.withdrawn:
            link = linker.link(answer.sale_id, answer.affiliate_id, answer.product_id, answer.occurred_at)
            if link[1] is not None:
                answered_under = heads[link[1]]
                linked.setdefault(link[1], []).append((answer.occurred_at, feedback_id, answer))
        found.feedbacks[feedback_id] = (invitation, answer, link, invited_under, answered_under, invited_sale_id)
    return linked


def _first_sale_id(heads: dict[str, SaleHead]) -> str | None:
    """The first valid sale by (occurred_at, sale_id), None while there is none."""
    first: tuple[int, str] | None = None
    for sale_id, head in heads.items():
        if not head.rejected:
            at = (head.occurred_at, sale_id)
            if first is None or at < first:
                first = at
    return None if first is None else first[1]


def _renewals(heads: dict[str, SaleHead]) -> set[str]:
    """The valid sales of a subscription but for the earliest of each, by (occurred_at, sale_id)."""
    for head in heads.values():
        if head.subscription_id:
            break
    else:
        return _NONE
    renewals: set[str] = set()
    earliest: dict[str, tuple[int, str]] = {}
    for sale_id, head in heads.items():
        subscription_id = head.subscription_id
        if subscription_id and not head.rejected:
            at = (head.occurred_at, sale_id)
            before = earliest.get(subscription_id)
            if before is None:
                earliest[subscription_id] = at
            elif before < at:
                renewals.add(sale_id)
            else:
                earliest[subscription_id] = at
                renewals.add(before[1])
    return renewals
