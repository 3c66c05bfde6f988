"""A customer with all the sales and feedbacks that one may have: no burst for them costs the others."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from schemas.codec import encode
from schemas.events import Event, Sale, partition_key
from sinks.tables import JOURNEYS
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.domain.rules import Rules
from streams.unit.rows import RowMaker
from streams.unit.unit import Unit, UnitMaker
from tests.support.domain_strategies import A_SALE, AN_ANSWER

EVENTS_MAX = 2_000


def test_a_burst_for_a_full_customer_is_folded_together_and_makes_the_rows_that_changed() -> None:
    full = FullCustomer()
    rows = full.take([A_SALE._replace(sale_id="0", revision=1, event_id="again", product_id="other")]).rows
    assert {table: len(own) for table, own in rows.items()} == {JOURNEYS: 1}
    many = [A_SALE._replace(sale_id=str(n), revision=2, event_id=f"burst-{n}", product_id="p2") for n in range(1_000)]
    unit = full.take([event for event in many for _ in range(2)])
    assert len(unit.changed) == 1
    assert len(unit.rows[JOURNEYS]) == len(many)


class FullCustomer:
    """One with as many sales and feedbacks as a customer may have."""

    def __init__(self) -> None:
        self._key = partition_key(A_SALE.brand_id, A_SALE.customer_id)
        self._number = partition_for(self._key, 8)
        rules = Rules(300, 90 * 86_400_000, EVENTS_MAX)
        self._maker = UnitMaker(self._number, 8, rules, 12 << 20, RowMaker(1, self._number, rules))
        self._state: dict[bytes, bytes | None] = {}
        sales = [A_SALE._replace(event_id=f"s{n}", sale_id=str(n)) for n in range(EVENTS_MAX)]
        answer = AN_ANSWER._replace(brand_id=A_SALE.brand_id, customer_id=A_SALE.customer_id)
        feedbacks = [
            answer._replace(event_id=f"f{n}", feedback_id=str(n), sale_id=str(n) if n % 2 else None)
            for n in range(EVENTS_MAX)
        ]
        self.take([*sales, *feedbacks])

    def take(self, events: Sequence[Event]) -> Unit:
        """A unit of these events, applied."""
        batch = [self._record(event, offset) for offset, event in enumerate(events)]
        unit = self._maker.make(lambda keys: [self._state.get(key) for key in keys], 1, batch, 0)
        assert not unit.refusals
        self._state |= unit.changed
        return unit

    def _record(self, event: Event, offset: int) -> Any:
        topic = SALES if isinstance(event, Sale) else FEEDBACK
        return SimpleNamespace(
            topic=topic, partition=self._number, offset=offset, timestamp=event.occurred_at, key=self._key,
            value=encode(event), headers=(),
        )  # fmt: skip
