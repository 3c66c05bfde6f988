"""Linking an answer or an invitation to a sale of the same customer.

Owns the three rules of linking. Never counts anything. Invariant: a link depends only on the heads of the sales.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final, Literal, final

from streams.domain.state import SaleState

Match = Literal["sale", "customer", "ambiguous", "quarantined", "none"]
Link = tuple[Match, str | None]  # the sale_id is there for 'sale' and 'customer', and for these only

NO_LINK: Final[Link] = ("none", None)

_Placed = tuple[int, str, str]  # occurred_at, sale_id, affiliate_id
_Timeline = tuple[list[int], list[str | None]]  # instants, rising; the sale_id at each, None where ambiguous


@final
class Linker:
    """Links to the sales of one customer. Use and drop: it does not follow later changes of the sales."""

    __slots__ = ("_sales", "_timelines", "_window_ms")

    def __init__(self, sales: Mapping[str, SaleState], window_ms: int) -> None:
        self._sales = sales
        self._window_ms = window_ms
        self._timelines: dict[str, _Timeline] | None = None  # by affiliate_id, '' for all; built when first needed

    def link(self, sale_id: str, affiliate_id: str, occurred_at: int) -> Link:
        """The first rule that applies; '' for an id that the feedback does not give."""
        if sale_id:
            return self._by_sale(sale_id)
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
        sale = self._sales.get(sale_id)
        if sale is None or sale.head is None:
            return NO_LINK
        return ("quarantined", None) if sale.head.rejected else ("sale", sale_id)


def _timelines(sales: Mapping[str, SaleState]) -> dict[str, _Timeline]:
    placed = sorted(
        (sale.head.occurred_at, sale_id, sale.head.affiliate_id)
        for sale_id, sale in sales.items()
        if sale.head is not None and not sale.head.rejected
    )
    by_affiliate: dict[str, list[_Placed]] = {}
    for sale in placed:
        if sale[2]:
            by_affiliate.setdefault(sale[2], []).append(sale)
    return {"": _timeline(placed)} | {affiliate: _timeline(own) for affiliate, own in by_affiliate.items()}


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
