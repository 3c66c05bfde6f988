"""How long a customer's packed state may become: counted exactly, refused without a trace, and never in the way of less."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CustomerFull
from schemas.events import Attribution, Event, Reversal
from streams.domain.fold import fold
from streams.domain.rules import CUSTOMER_BYTES_MAX, Rules
from streams.domain.state import Customer, decode, encode
from tests.support.domain_strategies import A_SALE, AN_ANSWER, RULES, events

REFUND = A_SALE._replace(action="REFUNDED")
UNDONE = Reversal("e1", "b", "c1", "s1", "r1", "UNDONE", 1, 5_0000, 0, "EUR", A_SALE.occurred_at)
SOLD_BY = Attribution("e1", "b", "c1", "s1", 0, "a2", "post", 1, "EUR", A_SALE.occurred_at)
LONG_LIST = 65_536  # from here on MessagePack writes the length of a list in 5 bytes, and from 16 on in 3


def counted() -> Customer:
    """A new customer whose size is counted."""
    customer = Customer("b", "c1")
    customer.packed_bytes = len(encode(customer))
    return customer


@given(events())
def test_what_is_counted_is_what_is_packed(stream: list[Event]) -> None:
    customer = counted()
    for event in stream:
        fold(customer, event, RULES)
        assert customer.packed_bytes == len(encode(customer))


@pytest.mark.parametrize(
    "one",
    [
        lambda n: A_SALE._replace(sale_id=f"s{n}"),
        lambda n: REFUND._replace(sale_id=f"s{n}"),
        lambda n: REFUND._replace(event_id=f"r{n}"),
        lambda n: UNDONE._replace(reversal_id=f"r{n}"),
        lambda n: SOLD_BY._replace(sale_id=f"s{n}"),
        lambda n: AN_ANSWER._replace(feedback_id=f"f{n}"),
        lambda n: AN_ANSWER._replace(feedback_id=f"f{n}", action="INVITED"),
    ],
)
@pytest.mark.parametrize("count", [16, LONG_LIST])
def test_it_is_so_too_where_a_list_gets_a_longer_length(one: Callable[[int], Event], count: int) -> None:
    rules = Rules(customer_events_max=LONG_LIST, customer_bytes_max=1 << 40)
    customer = counted()
    for number in range(count):
        fold(customer, one(number), rules)
    assert customer.packed_bytes == len(encode(customer))


@given(events(), st.integers(100, 600))
def test_a_state_is_never_longer_than_allowed_and_what_is_refused_leaves_no_trace(
    stream: list[Event], bytes_max: int
) -> None:
    customer, rules = counted(), Rules(RULES.pane_s, RULES.attribution_window_ms, customer_bytes_max=bytes_max)
    for event in stream:
        before = encode(customer)
        try:
            fold(customer, event, rules)
        except CustomerFull:
            assert encode(customer) == before
            unbounded = decode(before)
            fold(unbounded, event, RULES)
            assert len(encode(unbounded)) > bytes_max
        assert customer.packed_bytes == len(encode(customer)) <= bytes_max


def test_a_state_that_is_too_long_takes_what_makes_it_shorter_and_what_it_holds_already() -> None:
    rules, customer = Rules(customer_bytes_max=150), counted()
    withdrawn = AN_ANSWER._replace(action="WITHDRAWN", event_id="e2", revision=1)
    answer = AN_ANSWER._replace(sale_id="s" * 100, affiliate_id="a" * 100)
    fold(customer, answer, RULES)
    assert customer.packed_bytes > rules.customer_bytes_max
    assert not fold(customer, answer, rules)
    with pytest.raises(CustomerFull, match=r"would take 286 bytes; at most 150 are kept"):
        fold(customer, A_SALE, rules)
    assert fold(customer, withdrawn, rules)
    assert customer.packed_bytes == len(encode(customer)) < rules.customer_bytes_max


def test_nobody_counts_a_state_that_has_room() -> None:
    customer = Customer("b", "c1")
    fold(customer, A_SALE, Rules(customer_bytes_max=1))
    assert customer.packed_bytes == 0


def test_what_is_kept_of_a_customer_is_what_the_contract_says() -> None:
    assert Rules().customer_bytes_max == CUSTOMER_BYTES_MAX == 4 * 1024 * 1024
