"""The public Olist e-commerce files (orders with reviews, Brazil 2016-2018) as sales and feedback: CONTRACT section 6.

Owns the mapping. Pure but for reading the four CSV files. Invariant: the same files and shift give the same events,
with event_ids derived from the files' ids, so that publishing them twice changes nothing.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from schemas.events import Event, Feedback, Sale
from schemas.measures import MONEY_UNIT
from streams.errors import Misuse

BRAND_ID: Final = "olist"
_COLUMNS: Final = {
    "orders": "order_id customer_id order_status order_purchase_timestamp",
    "customers": "customer_id customer_unique_id",
    "order_items": "order_id order_item_id product_id seller_id price freight_value",
    "order_reviews": "review_id order_id review_score review_comment_message review_creation_date review_answer_timestamp",
}  # of each file, those that are read
_VOID_STATUSES: Final = frozenset({"canceled", "unavailable"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Olist:
    """The files' rows, related. `items` are an order's, in the order of their item id; `customers` are pseudonyms."""

    orders: Mapping[str, Row]
    items: Mapping[str, list[Row]]
    customers: Mapping[str, str]  # order_id -> customer_unique_id
    reviews: list[Row]

    @property
    def left_out_orders(self) -> int:
        """Orders without items: they have no seller, product or price, so they are no sales."""
        return sum(order_id not in self.items for order_id in self.orders)

    @property
    def left_out_reviews(self) -> int:
        """Reviews of orders that the files do not hold: nobody knows whose they are."""
        return sum(review["order_id"] not in self.orders for review in self.reviews)

    def newest_ms(self) -> int:
        """The event time of the newest event, epoch milliseconds. 0 when there is none."""
        return max((event.occurred_at for event in self.events()), default=0)

    def events(self, shift_ms: int = 0) -> Iterator[Event]:
        """Every event: sales in the order of the orders file, then feedback; event times later by `shift_ms`."""
        for order_id in self.orders:
            if order_id in self.items:
                yield from self._sales(order_id, shift_ms)
        for review in self.reviews:
            if review["order_id"] in self.orders:
                yield from self._feedback(review, shift_ms)

    def _sales(self, order_id: str, shift_ms: int) -> Iterator[Sale]:
        order, items = self.orders[order_id], self.items[order_id]
        placed = Sale(
            event_id=f"{order_id}:placed",
            brand_id=BRAND_ID,
            customer_id=self.customers[order_id],
            sale_id=order_id,
            action="PLACED",
            revision=0,
            affiliate_id=items[0]["seller_id"],
            product_id=items[0]["product_id"],
            offering="PHYSICAL",
            amount=sum(_money(item["price"]) + _money(item["freight_value"]) for item in items),
            commission=0,
            currency="BRL",
            campaign=None,
            referred_by=None,
            occurred_at=_ms(order["order_purchase_timestamp"]) + shift_ms,
        )
        yield placed
        if order["order_status"] in _VOID_STATUSES:
            yield placed._replace(event_id=f"{order_id}:rejected", action="REJECTED", revision=1)

    def _feedback(self, review: Row, shift_ms: int) -> Iterator[Feedback]:
        order_id = review["order_id"]
        feedback_id = f"{review['review_id']}:{order_id}"
        invited = Feedback(
            event_id=f"{feedback_id}:invited",
            brand_id=BRAND_ID,
            customer_id=self.customers[order_id],
            feedback_id=feedback_id,
            action="INVITED",
            revision=0,
            sale_id=order_id,
            affiliate_id=None,
            metric=None,
            score=None,
            findings=(),
            comment=None,
            language=None,
            occurred_at=_ms(review["review_creation_date"]) + shift_ms,
        )
        yield invited
        yield invited._replace(
            event_id=f"{feedback_id}:answered",
            action="ANSWERED",
            metric="CSAT",
            score=int(review["review_score"]),
            comment=review["review_comment_message"] or None,
            language="pt-BR",
            occurred_at=_ms(review["review_answer_timestamp"]) + shift_ms,
        )


def read_olist(directory: Path) -> Olist:
    """Reads the four files, to their last value. Raises Misuse when one is missing or is not what it should be."""
    try:
        orders, customers, items, reviews = (
            _rows(directory / f"olist_{name}_dataset.csv", columns.split()) for name, columns in _COLUMNS.items()
        )
        unique = {row["customer_id"]: row["customer_unique_id"] for row in customers}
        items_of: dict[str, list[Row]] = {}
        for row in sorted(items, key=lambda row: int(row["order_item_id"])):
            items_of.setdefault(row["order_id"], []).append(row)
        olist = Olist(
            orders={row["order_id"]: row for row in orders},
            items=items_of,
            customers={row["order_id"]: unique[row["customer_id"]] for row in orders},
            reviews=reviews,
        )
        olist.newest_ms()  # which makes every event once: nothing is published of files that break off in the middle
    except (KeyError, TypeError, ValueError, ArithmeticError, csv.Error) as error:
        raise Misuse(f"{directory}: not the Olist files as published ({type(error).__name__}: {error})") from error
    return olist


def _rows(path: Path, columns: list[str]) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
                raise Misuse(f"{path}: not the Olist file as published, which has columns {', '.join(missing)}")
            return list(rows)
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}; --olist takes the directory of the Olist CSV files") from error


def _money(text: str) -> int:
    return int(Decimal(text) * MONEY_UNIT)


def _ms(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
