"""Every measure has its place and is counted, and only what may stand alone does."""

from hypothesis import given, settings

from schemas.events import Event, Finding, customer_of
from schemas.measures import DEFINITIONS, MEASURES, STANDING_ALONE, VERDICTS
from streams.domain import panes
from streams.domain.contributions import contributions
from streams.domain.fold import fold
from streams.domain.state import Customer
from tests.support.domain_strategies import A_SALE, AN_ANSWER, RULES, events


def counted(stream: list[Event]) -> list[list[int]]:
    """The measures of each pane, after these events of one customer each."""
    customers: dict[tuple[str, str], Customer] = {}
    for event in stream:
        key = customer_of(event)
        fold(customers.setdefault(key, Customer(*key)), event, RULES)
    return [values for customer in customers.values() for values in contributions(customer, RULES).panes.values()]


def test_a_place_is_named_as_its_measure() -> None:
    for name, place in vars(panes).items():
        if name.isupper() and isinstance(place, int):
            assert MEASURES[place] == name.lower(), f"streams/domain/panes.py: {name} is the place of {MEASURES[place]}"


def test_every_measure_is_counted() -> None:
    referred = A_SALE._replace(referred_by="c9")
    again = A_SALE._replace(event_id="e2", sale_id="s2", occurred_at=A_SALE.occurred_at + 1)
    refund = referred._replace(event_id="r1", action="REFUNDED")
    about = AN_ANSWER._replace(sale_id="s1", findings=tuple(Finding(verdict, "price") for verdict in VERDICTS))
    scores = (("NPS", 9), ("NPS", 8), ("NPS", 1), ("CSAT", 5), ("CES", 7))
    stream: list[Event] = [referred, again, refund, refund._replace(event_id="r2", action="CHARGED_BACK")]
    stream += [
        about._replace(event_id=f"a{n}", feedback_id=f"f{n}", metric=metric, score=score)
        for n, (metric, score) in enumerate(scores)
    ]
    renewing = A_SALE._replace(event_id="e3", sale_id="s3", subscription_id="sub")
    stream += [renewing, renewing._replace(event_id="e4", sale_id="s4", occurred_at=A_SALE.occurred_at + 1)]
    stream += [refund._replace(event_id="r3", currency="USD"), refund._replace(event_id="r4", sale_id="x")]
    stream += [about._replace(event_id="c", feedback_id="c", comment="good", findings=())]
    stream += [
        about._replace(event_id="i1", action="INVITED"),
        about._replace(event_id="u", feedback_id="u", sale_id="x"),
    ]
    sums = [sum(values) for values in zip(*counted(stream), strict=True)]
    missing = [name for name, value in zip(MEASURES, sums, strict=True) if value == 0]
    assert missing == [], (
        f"{missing} of schemas/measures.py is counted nowhere: count it in streams/domain/counting.py (or, if the events "
        "of this test have nothing that it counts, add one that has)"
    )


@given(events())
@settings(max_examples=200)
def test_a_measure_is_zero_where_all_that_it_is_a_part_of_is(stream: list[Event]) -> None:
    """The views show no row for a key that has nothing of STANDING_ALONE."""
    for values in counted(stream):
        pane = dict(zip(MEASURES, values, strict=True))
        assert all(pane[name] >= 0 for name in STANDING_ALONE)
        for measure in DEFINITIONS:
            if measure.of and pane[measure.name]:
                assert any(pane[owner] for owner in measure.of.split()), (
                    f"schemas/measures.py: {measure.name} is said to be of {measure.of}, and is there without"
                )
