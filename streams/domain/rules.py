"""The rules of the computation. All but the last are a deployment's choice; changing one changes numbers: rebuild."""

from dataclasses import dataclass
from typing import Final

# Of a customer's packed state. With ids of 36 characters, 2,000 sales and 2,000 feedbacks take 1.4 MB.
CUSTOMER_BYTES_MAX: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Rules:
    """What fold and contributions need to know beside the events.

    pane_s: width of a pane in seconds; divides an hour.
    attribution_window_ms: how long after a sale feedback without a sale_id may still link to it, both ends included.
    customer_events_max: sales, and feedbacks, that one customer may have with a brand.
    customer_bytes_max: how long a customer's packed state (state.encode) may become. No setting.
    """

    pane_s: int = 300
    attribution_window_ms: int = 90 * 86_400 * 1000
    customer_events_max: int = 2000
    customer_bytes_max: int = CUSTOMER_BYTES_MAX

    @property
    def customer_reversals_max(self) -> int:
        """Refunds and chargebacks of one customer: four a sale is plenty."""
        return 4 * self.customer_events_max
