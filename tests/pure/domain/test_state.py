"""What the state keeps, refuses and costs."""

import time

import msgpack
import pytest

from schemas import validation
from schemas.errors import CustomerFull
from schemas.events import Attribution, Event, Finding, Reversal, Score
from schemas.measures import MEASURES, VERDICTS
from streams.domain.contributions import contributions
from streams.domain.fold import Change, comment_of, fold
from streams.domain.rules import Rules
from streams.domain.state import (
    CHARGEBACK,
    METRICS,
    OFFERINGS,
    REVERSAL_KINDS,
    UNDONE,
    Customer,
    decode,
    encode,
)
from streams.domain.state import (
    REFUND as REFUNDED,
)
from streams.errors import StateRefused
from tests.support.domain_strategies import A_SALE, AN_ANSWER, T0
from tests.support.tricky import MINUTE

SMALL = Rules(customer_events_max=1)
REFUND = A_SALE._replace(action="REFUNDED")
BACK = Reversal("e1", "b", "c1", "s1", "r1", "REFUND", 0, 5_0000, 0, "EUR", T0)
SOLD_BY = Attribution("e1", "b", "c1", "s1", 0, "a2", "post", 1, "EUR", T0)
COMMENTED = AN_ANSWER._replace(comment="slow", language="en")


def changes(*events: Event) -> list[Change]:
    customer = Customer("b", "c1")
    return [fold(customer, event, Rules()) for event in events]


def refused(customer: Customer, event: Event) -> bool:
    before = encode(customer)
    with pytest.raises(CustomerFull, match="customer_events_max"):
        fold(customer, event, SMALL)
    return encode(customer) == encode(decode(before)) == before


def test_what_states_hold_by_position_are_the_words_of_the_events() -> None:
    assert (sorted(OFFERINGS), METRICS[0]) == (sorted(validation.OFFERINGS), "")
    assert sorted(METRICS[1:]) == sorted(validation.SCORES)
    assert sorted(REVERSAL_KINDS) == sorted(validation.REVERSAL_KINDS)
    assert [REVERSAL_KINDS[kind] for kind in (REFUNDED, CHARGEBACK, UNDONE)] == ["REFUND", "CHARGEBACK", "UNDONE"]


@pytest.mark.parametrize(
    "extra",
    [
        A_SALE._replace(sale_id="s2"),
        A_SALE._replace(sale_id="s2", action="REJECTED"),
        REFUND._replace(sale_id="s2"),
        BACK._replace(sale_id="s2", kind="UNDONE"),
        SOLD_BY._replace(sale_id="s2"),
        BACK._replace(reversal_id="r5", kind="UNDONE"),
        AN_ANSWER._replace(feedback_id="f2"),
        AN_ANSWER._replace(feedback_id="f2", action="INVITED"),
        REFUND._replace(event_id="r5"),
    ],
)
def test_a_full_customer_refuses_what_is_new_and_stays_as_it_was(extra: Event) -> None:
    customer = Customer("b", "c1")
    for number in range(1, 5):
        fold(customer, REFUND._replace(event_id=f"r{number}"), SMALL)
    fold(customer, AN_ANSWER, SMALL)
    assert refused(customer, extra)
    assert refused(decode(encode(customer)), extra)


def test_a_full_customer_still_takes_what_concerns_known_sales_and_feedbacks() -> None:
    customer = Customer("b", "c1")
    known: list[Event] = [REFUND._replace(event_id=f"r{number}") for number in range(1, 5)]
    new: list[Event] = [A_SALE, AN_ANSWER, A_SALE._replace(revision=1), AN_ANSWER._replace(action="INVITED")]
    for event in known + new:
        assert fold(customer, event, SMALL)
    assert fold(customer, REFUND._replace(event_id="r1", amount=999_0000), SMALL)  # an event_id used again adds nothing
    assert fold(customer, BACK._replace(reversal_id="r2", revision=1, kind="UNDONE"), SMALL)
    assert fold(customer, SOLD_BY, SMALL)
    assert not any(fold(customer, event, SMALL) for event in known + new)


def test_change_says_when_the_answers_comment_is_another_one() -> None:
    assert changes(COMMENTED, COMMENTED) == [Change.COMMENT, Change.NONE]
    edited = COMMENTED._replace(revision=1, score=9, metric="NPS")
    assert changes(COMMENTED, edited) == [Change.COMMENT, Change.STATE]
    assert changes(edited, COMMENTED._replace(comment="other")) == [Change.COMMENT, Change.NONE]
    for other in ({"comment": "fast"}, {"language": "de"}, {"comment": None}, {"action": "WITHDRAWN"}):
        assert changes(COMMENTED, edited._replace(**other)) == [Change.COMMENT, Change.COMMENT]
    assert changes(AN_ANSWER) == changes(AN_ANSWER._replace(action="WITHDRAWN")) == [Change.STATE]
    assert changes(COMMENTED._replace(action="INVITED")) == [Change.STATE]


def test_language_without_a_comment_is_no_comment() -> None:
    assert changes(AN_ANSWER._replace(language="en")) == [Change.STATE]


def test_only_an_answer_brings_a_comment() -> None:
    assert comment_of(COMMENTED) == ("slow", "en")
    assert comment_of(COMMENTED._replace(language=None)) == ("slow", "")
    for event in (AN_ANSWER, COMMENTED._replace(action="WITHDRAWN"), COMMENTED._replace(action="INVITED")):
        assert comment_of(event) is None


def test_the_state_keeps_no_comment_and_nothing_of_a_withdrawn_answer() -> None:
    customer = Customer("b", "c1")
    fold(customer, COMMENTED._replace(affiliate_id="told-of", sale_id="told-of", comment="my secret"), Rules())
    assert b"secret" not in encode(customer)
    fold(customer, COMMENTED._replace(revision=1, action="WITHDRAWN", sale_id="told-of"), Rules())
    assert b"told-of" not in encode(customer)


def test_findings_are_kept_sorted_and_once() -> None:
    findings = tuple(Finding(verdict, topic) for topic in ("price", "delivery") for verdict in reversed(VERDICTS))
    customer = Customer("b", "c1")
    fold(customer, AN_ANSWER._replace(findings=findings * 2), Rules())
    answer = customer.feedbacks["f1"].answer
    assert answer is not None
    assert answer.findings == tuple((position, topic) for position in range(5) for topic in ("delivery", "price"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A_SALE, A_SALE._replace(amount=99_0000)),
        (A_SALE, A_SALE._replace(action="REJECTED")),
        (A_SALE, A_SALE._replace(affiliate_id=None)),
        (REFUND, REFUND._replace(amount=99_0000)),
        (REFUND, REFUND._replace(action="CHARGED_BACK")),
        (REFUND, REFUND._replace(currency="USD")),
        (BACK, BACK._replace(amount=1)),
        (BACK, BACK._replace(kind="UNDONE")),
        (REFUND._replace(event_id="r1"), BACK._replace(event_id="r1", amount=1)),
        (SOLD_BY, SOLD_BY._replace(affiliate_id=None)),
        (SOLD_BY, SOLD_BY._replace(commission=None, currency=None)),
        (A_SALE, A_SALE._replace(subscription_id="sub")),
        (A_SALE, A_SALE._replace(other_product_ids=("p2",))),
        (AN_ANSWER, AN_ANSWER._replace(sale_id="s1")),
        (AN_ANSWER, AN_ANSWER._replace(product_id="p1")),
        (AN_ANSWER, AN_ANSWER._replace(scores=(Score("CSAT", 1),))),
        (AN_ANSWER._replace(scores=(Score("CSAT", 1), Score("NPS", 1))), AN_ANSWER._replace(scores=(Score("NPS", 1),))),
        (AN_ANSWER, AN_ANSWER._replace(metric="CSAT", score=3)),
        (AN_ANSWER, AN_ANSWER._replace(action="WITHDRAWN")),
        (COMMENTED, COMMENTED._replace(comment="fast")),
        (AN_ANSWER._replace(action="INVITED"), AN_ANSWER._replace(action="INVITED", sale_id="s1")),
    ],
)
def test_an_event_id_used_for_two_contents_comes_out_the_same_in_either_order(one: Event, other: Event) -> None:
    there, back = Customer("b", "c1"), Customer("b", "c1")
    assert [bool(fold(there, event, Rules())) for event in (one, other, one, other)][2:] == [False, False]
    for event in (other, one):
        fold(back, event, Rules())
    assert encode(there) == encode(back)


def test_one_refund_told_both_ways_is_one_event() -> None:
    told = REFUND._replace(event_id="re_1", revision=7)
    again = Reversal("re_1", "b", "c1", "s1", "re_1", "REFUND", 0, told.amount, told.commission, told.currency, T0)
    assert changes(told, again) == changes(again, told) == [Change.STATE, Change.NONE]
    undone = again._replace(event_id="re_1-failed", kind="UNDONE", revision=1)
    assert changes(undone, told, again) == [Change.STATE, Change.NONE, Change.NONE]


def test_other_products_are_kept_sorted_and_once() -> None:
    one, other = Customer("b", "c1"), Customer("b", "c1")
    fold(one, A_SALE._replace(other_product_ids=("p3", "p2", "p3")), Rules())
    fold(other, A_SALE._replace(other_product_ids=("p2", "p3")), Rules())
    assert encode(one) == encode(other)


def test_bytes_of_another_format_are_refused() -> None:
    with pytest.raises(StateRefused, match="format 99"):
        decode(msgpack.packb((99, "b", "c1", (), ())))


def test_the_greatest_customer_costs_less_than_quadratic_time_and_its_numbers_fit_in_64_bits() -> None:
    rules, customer = Rules(), Customer("b", "c1")
    for number in range(rules.customer_events_max):
        # half of the sales at one instant, and as many affiliates as sales
        occurred_at, affiliate_id = T0 + max(0, number - 1000) * MINUTE, f"a{number}"
        sale = A_SALE._replace(
            sale_id=f"s{number}", occurred_at=occurred_at, affiliate_id=affiliate_id, amount=10**14,
            other_product_ids=tuple(f"p{n}" for n in range(number % 100)),
        )  # fmt: skip
        fold(customer, sale, rules)
        for refund in range(4):
            fold(customer, sale._replace(event_id=f"r{refund}", action="REFUNDED"), rules)
        answer = AN_ANSWER._replace(feedback_id=f"f{number}", affiliate_id=affiliate_id, product_id=f"p{number % 3}")
        fold(customer, answer, rules)
    start = time.process_time()
    got = contributions(decode(encode(customer)), rules)
    assert time.process_time() - start < 1  # measured 0.05 s; 2,000 x 2,000 steps would take seconds
    refunded = sum(values[MEASURES.index("refunded")] for values in got.panes.values())
    assert refunded == 8000 * 10**14 < 2**63
