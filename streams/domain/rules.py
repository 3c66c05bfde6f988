"""The rules of the computation that a deployment may choose. Changing one of them changes numbers: rebuild."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """What fold and contributions need to know beside the events.

    pane_s: width of a pane in seconds; divides an hour.
    attribution_window_ms: how long after a sale feedback without a sale_id may still link to it, both ends included.
    customer_events_max: sales, and feedbacks, that one customer may have with a brand.
    """

    pane_s: int = 300
    attribution_window_ms: int = 90 * 86_400 * 1000
    customer_events_max: int = 2000

    @property
    def customer_reversals_max(self) -> int:
        """Refunds and chargebacks of one customer: four a sale is plenty, and a record must fit a broker."""
        return 4 * self.customer_events_max
