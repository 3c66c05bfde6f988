"""The expected numbers: those of streams.recount, which counts apart from all that the workers run, as the views show them."""

from dataclasses import dataclass, field
from decimal import Decimal

from schemas.events import Event
from schemas.measures import MEASURES, MONEY, TOPIC_MEASURES
from streams.recount.numbers import PaneKey, Rules, TopicKey, recount
from streams.recount.rows import Row

Measures = dict[str, Decimal | int]

_JOURNEY_MONEY = ("amount", "commission", "refunded", "charged_back", "commission_reversed")
_REVERSAL_MONEY = ("amount", "commission")


@dataclass
class Expected:
    """All-zero panes and topics are left out; journeys and answers by (brand_id, sale_id or feedback_id), reversals by
    (brand_id, sale_id, reversal_id)."""

    panes: dict[PaneKey, Measures] = field(default_factory=dict)
    topics: dict[TopicKey, dict[str, int]] = field(default_factory=dict)
    journeys: dict[tuple[str, str], Row] = field(default_factory=dict)
    reversals: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    answers: dict[tuple[str, str], Row] = field(default_factory=dict)

    def add(self, key: PaneKey, **measures: Decimal | int) -> None:
        """Adds to a pane, which begins with zeros."""
        pane = self.panes.setdefault(key, dict.fromkeys(MEASURES, 0))
        for name, value in measures.items():
            assert name in pane
            pane[name] += value


def oracle(events: list[Event], rules: Rules) -> Expected:
    """What every pane, topic, journey, reversal and answer must be after these events, money as decimals."""
    numbers = recount(events, rules)
    zeros = dict.fromkeys(TOPIC_MEASURES, 0)
    expected = Expected(topics={key: zeros | measures for key, measures in numbers.topics.items()})
    for key, measures in numbers.panes.items():
        expected.add(key, **{name: _money(n) if name in MONEY else n for name, n in measures.items()})
    for (brand_id, _, sale_id), row in numbers.journeys.items():
        expected.journeys[brand_id, sale_id] = row | {name: _money(row[name]) for name in _JOURNEY_MONEY}
    for (brand_id, _, sale_id, reversal_id), row in numbers.reversals.items():
        expected.reversals[brand_id, sale_id, reversal_id] = row | {name: _money(row[name]) for name in _REVERSAL_MONEY}
    for (brand_id, _, feedback_id), row in numbers.answers.items():
        expected.answers[brand_id, feedback_id] = row
    return expected


def _money(ten_thousandths: object) -> Decimal:
    assert isinstance(ten_thousandths, int)
    return Decimal(ten_thousandths).scaleb(-4)
