"""The windows of the views that have such, from the narrowest to the widest."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Window:
    """A window that ends at a given time."""

    name: str
    length: str  # as ClickHouse's INTERVAL has it
    seconds: int


WINDOWS: Final = (
    Window("1h", "1 HOUR", 3600),
    Window("24h", "24 HOUR", 86_400),
    Window("7d", "7 DAY", 7 * 86_400),
    Window("30d", "30 DAY", 30 * 86_400),
)
# Of the views that follow sales of a time to what became of them.
SALE_WINDOWS: Final = (*WINDOWS[-2:], Window("90d", "90 DAY", 90 * 86_400))
