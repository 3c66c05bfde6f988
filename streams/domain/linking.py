"""Linking an answer or an invitation to a sale of the same customer.

Owns the three rules of linking. Never counts anything. Invariant: a link depends only on the sales as they are attributed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final, Literal, final

from streams.domain.state import FeedbackState, SaleHead

Match = Literal["sale", "customer", "ambiguous", "quarantined", "none"]
Link = tuple[Match, str | None]  # the sale_id is there for 'sale' and 'customer', and for these only

NO_LINK: Final[Link] = ("none", None)

_Placed = tuple[int, str, str]  # occurred_at, sale_id, affiliate_id
_Timeline = tuple[list[int], list[str | None]]  # instants, rising; the sale_id at each, None where ambiguous
_Narrowed = tuple[str, str]  # by affiliate_id, '' for all, and product_id


@final
class Linker:
    """Links to the sales of one customer. Use and drop: it does not follow later changes of the sales."""

    __slots__ = ("_feedbacks", "_of_products", "_sales", "_timelines", "_window_ms")

    def __init__(self, sales: Mapping[str, SaleHead], feedbacks: Mapping[str, FeedbackState], window_ms: int) -> None:
        """`sales` as they are attributed, by sale_id; `feedbacks` all that will be linked."""
        self._sales = sales
        self._feedbacks = feedbacks
        self._window_ms = window_ms
        self._timelines: dict[str, _Timeline] | None = None  # by affiliate_id, '' for all; built when first needed
        self._of_products: dict[_Narrowed, _Timeline] | None = None  # likewise

    def link(self, sale_id: str, affiliate_id: str, product_id: str, occurred_at: int) -> Link:
        """The first rule that applies; '' for an id that the feedback does not give."""
        if sale_id:
            return self._by_sale(sale_id)
        timeline: _Timeline | None
        if product_id:
            if self._of_products is None:
                self._of_products = _timelines_of_products(self._sales, _named_products(self._feedbacks))
            timeline = self._of_products.get((affiliate_id, product_id))
        else:
            if self._timelines is None:
                self._timelines = _timelines(self._sales)
            timeline = self._timelines.get(affiliate_id)
        if timeline is None:
            return NO_LINK
        instants, winners = timeline
        position = bisect_right(instants, occurred_at) - 1
        if position < 0 or occurred_at - instants[position] > self._window_ms:
            return NO_LINK
        winner = winners[position]
        return ("ambiguous", None) if winner is None else ("customer", winner)

    def _by_sale(self, sale_id: str) -> Link:
        head = self._sales.get(sale_id)
        if head is None:
            return NO_LINK
        return ("quarantined", None) if head.rejected else ("sale", sale_id)


def _placed(sales: Mapping[str, SaleHead]) -> list[_Placed]:
    return sorted(
        (head.occurred_at, sale_id, head.affiliate_id) for sale_id, head in sales.items() if not head.rejected
    )


def _timelines(sales: Mapping[str, SaleHead]) -> dict[str, _Timeline]:
    placed = _placed(sales)
    by_affiliate: dict[str, list[_Placed]] = {}
    for sale in placed:
        if sale[2]:
            by_affiliate.setdefault(sale[2], []).append(sale)
    return {"": _timeline(placed)} | {affiliate: _timeline(own) for affiliate, own in by_affiliate.items()}


def _timelines_of_products(sales: Mapping[str, SaleHead], products: set[str]) -> dict[_Narrowed, _Timeline]:
    """Of these products alone: the orders of one customer may have very many."""
    narrowed: dict[_Narrowed, list[_Placed]] = {}
    for sale in _placed(sales):
        head = sales[sale[1]]
        for product_id in {head.product_id, *head.other_product_ids} & products:
            narrowed.setdefault(("", product_id), []).append(sale)
            if sale[2]:
                narrowed.setdefault((sale[2], product_id), []).append(sale)
    return {key: _timeline(own) for key, own in narrowed.items()}


def _named_products(feedbacks: Mapping[str, FeedbackState]) -> set[str]:
    products: set[str] = set()
    for feedback in feedbacks.values():
        if feedback.invitation is not None:
            products.add(feedback.invitation.product_id)
        if feedback.answer is not None:
            products.add(feedback.answer.product_id)
    return products


def _timeline(placed: Iterable[_Placed]) -> _Timeline:
    """Folds the sales of each instant, which come by rising sale_id, to the greatest one of one affiliate, or None."""
    instants: list[int] = []
    winners: list[str | None] = []
    affiliate_before = ""
    for occurred_at, sale_id, affiliate_id in placed:
        if not instants or instants[-1] != occurred_at:
            instants.append(occurred_at)
            winners.append(sale_id)
        elif winners[-1] is not None:
            winners[-1] = sale_id if affiliate_id == affiliate_before else None
        affiliate_before = affiliate_id
    return instants, winners
