"""Events as wide as they may be: limits count characters, and a character takes up to four bytes."""

from typing import Final

from schemas.events import Sale
from schemas.validation import ID_CHARACTERS_MAX
from tests.support.domain_strategies import A_SALE

WIDEST_ID: Final = "\U0001f6d2" * ID_CHARACTERS_MAX


def wide(number: int) -> str:
    """An id of its own, as wide as one may be."""
    return f"{number}{WIDEST_ID}"[:ID_CHARACTERS_MAX]


def hot_sales(count: int) -> list[Sale]:
    """Sales of one customer, of which fewer than 2,000 find room."""
    return [
        A_SALE._replace(
            event_id=wide(n), customer_id=WIDEST_ID, sale_id=wide(n), affiliate_id=wide(n), product_id=wide(n),
            referred_by=wide(n),
        )
        for n in range(count)
    ]  # fmt: skip
