"""The one law: every published number is a function of the set of accepted events; and the numbers are the oracle's."""

from decimal import Decimal
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event, customer_of
from schemas.measures import MEASURES, MONEY, TOPIC_MEASURES
from streams.domain.cases import cases
from streams.domain.contributions import Contributions, contributions, difference
from streams.domain.fold import fold
from streams.domain.state import Customer, decode, encode
from tests.support.domain_strategies import RULES, events
from tests.support.examples import examples
from tests.support.oracle import Expected, oracle

K = TypeVar("K")

_JOURNEY_MONEY = {"amount", "commission", "refunded", "charged_back", "commission_reversed"}


def folded(stream: list[Event]) -> dict[str, Customer]:
    """Every customer's state after a stream of events of one brand."""
    customers: dict[str, Customer] = {}
    for event in stream:
        customer = customers.setdefault(customer_of(event)[1], Customer(*customer_of(event)))
        fold(customer, event, RULES)
    return customers


def expected_of(customers: dict[str, Customer]) -> Expected:
    """The contributions of all customers, added up, in the oracle's shape and units."""
    total = Expected()
    for customer in customers.values():
        own = contributions(customer, RULES)
        for pane, values in own.panes.items():
            units = {name: _units(name in MONEY, value) for name, value in zip(MEASURES, values, strict=True)}
            total.add(pane, **units)
        for topic, counts in own.topics.items():
            sums = total.topics.setdefault(topic, dict.fromkeys(TOPIC_MEASURES, 0))
            for name, count in zip(TOPIC_MEASURES, counts, strict=True):
                sums[name] += count
        for sale_id, journey in own.journeys.items():
            row = journey._asdict()
            total.journeys[customer.brand_id, sale_id] = row | {n: _units(True, row[n]) for n in _JOURNEY_MONEY}
        for reversal_key, reversal in own.given_back.items():
            row = reversal._asdict()
            money = {name: _units(True, row[name]) for name in ("amount", "commission")}
            total.reversals[customer.brand_id, *reversal_key] = row | money
        for feedback_id, answer in own.answers.items():
            total.answers[customer.brand_id, feedback_id] = answer._asdict()
    return total


def _units(is_money: bool, value: int) -> Decimal | int:
    return Decimal(value) / 10_000 if is_money else value


def _summed(one: dict[K, list[int]], other: dict[K, list[int]]) -> dict[K, list[int]]:
    sums = {key: list(values) for key, values in one.items()}
    for key, values in other.items():
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * len(values)), values, strict=True)]
    return {key: values for key, values in sums.items() if any(values)}


def _added(one: Contributions, other: Contributions) -> Contributions:
    """Differences applied as the runtime does: panes and topics add up, rows replace."""
    return Contributions(
        _summed(one.panes, other.panes),
        _summed(one.topics, other.topics),
        one.journeys | other.journeys,
        one.given_back | other.given_back,
        one.answers | other.answers,
    )


@examples(500)
@given(events())
def test_every_number_is_the_oracles(stream: list[Event]) -> None:
    assert expected_of(folded(stream)) == oracle(stream, RULES)


@given(st.data())
def test_order_of_arrival_and_duplicates_change_nothing(data: st.DataObject) -> None:
    stream = data.draw(events())
    repeated = stream + (data.draw(st.lists(st.sampled_from(stream))) if stream else [])
    other = data.draw(st.permutations(repeated))
    before, after = folded(stream), folded(other)
    assert {c: encode(state) for c, state in before.items()} == {c: encode(state) for c, state in after.items()}
    assert expected_of(before) == expected_of(after)


@given(events())
def test_an_event_that_is_known_changes_nothing(stream: list[Event]) -> None:
    customers = folded(stream)
    for event in stream:
        customer = customers[customer_of(event)[1]]
        before = encode(customer)
        assert not fold(customer, event, RULES)
        assert encode(customer) == before


@given(events())
def test_fold_says_whether_the_state_changed(stream: list[Event]) -> None:
    customers: dict[str, Customer] = {}
    for event in stream:
        customer = customers.setdefault(customer_of(event)[1], Customer(*customer_of(event)))
        before = encode(customer)
        assert bool(fold(customer, event, RULES)) == (encode(customer) != before)


@given(st.lists(events(), min_size=2, max_size=4))
def test_differences_of_any_batches_add_up_to_the_contributions(batches: list[list[Event]]) -> None:
    total = Contributions({}, {}, {}, {}, {})
    customer = Customer("b", "c1")
    for batch in batches:
        before = cases(customer, RULES)
        for event in batch:
            if event.customer_id == "c1":
                fold(customer, event, RULES)
        step = difference(before, cases(customer, RULES), RULES)
        assert all(any(values) for values in step.panes.values())
        assert all(step.topics.values())
        total = _added(total, step)
    assert total == contributions(customer, RULES)


@given(events())
def test_a_state_survives_its_bytes_and_equal_states_are_equal_bytes(stream: list[Event]) -> None:
    for customer in folded(stream).values():
        again = decode(encode(customer))
        assert again.reversal_count == customer.reversal_count
        assert encode(again) == encode(customer)
        assert contributions(again, RULES) == contributions(customer, RULES)
