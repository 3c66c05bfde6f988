"""What a brand platform may say in its own types, line by line, and what is refused by name."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from schemas.errors import InvalidValue
from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.parsing import parse, parse_attribution, parse_feedback, parse_reversal, parse_sale
from streams.publishing.jsonl import RefusedLine, parse_lines
from tests.pure.schemas.test_codec import A_REVERSAL, A_SALE, AN_ANSWER, AN_ATTRIBUTION
from tests.support.examples import examples
from tests.support.strategies import all_events, mapping

SALE = mapping(A_SALE)
ANSWER = mapping(AN_ANSWER)
HUGE = pytest.param(10**5000, id="huge")  # Python refuses to print it


@given(all_events())
@examples(120)
def test_every_valid_event_can_be_said_in_json(event: Event) -> None:
    told = json.loads(json.dumps(mapping(event)))
    parsers: dict[type[Event], Callable[[Any], Event]] = {
        Sale: parse_sale, Reversal: parse_reversal, Attribution: parse_attribution, Feedback: parse_feedback,
    }  # fmt: skip
    assert parsers[type(event)](told) == event
    assert parse(told) == event  # its kind told by its fields


def test_what_has_a_default_may_be_left_out() -> None:
    optional = ("revision", "affiliate_id", "commission", "campaign", "referred_by")
    assert parse_sale({name: value for name, value in SALE.items() if name not in optional}) == A_SALE._replace(
        affiliate_id=None
    )
    required = ("event_id", "brand_id", "customer_id", "feedback_id", "action", "occurred_at")
    bare = parse_feedback({name: ANSWER[name] for name in required})
    nothing = (None, None, None, None)
    assert bare == Feedback("e2", "b", "c1", "f1", "ANSWERED", 0, *nothing, (), None, None, AN_ANSWER.occurred_at)


@pytest.mark.parametrize(
    "name",
    ["event_id", "brand_id", "customer_id", "sale_id", "action", "product_id", "offering", "amount", "currency",
     "occurred_at"],
)  # fmt: skip
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{name}: found nothing"):
        parse_sale({field: value for field, value in SALE.items() if field != name})


def test_who_knows_only_the_order_says_only_that() -> None:
    told = {"event_id": "e", "brand_id": "b", "sale_id": "s", "occurred_at": A_SALE.occurred_at}
    assert parse(told) == Attribution("e", "b", None, "s", 0, None, None, None, None, A_SALE.occurred_at)
    back = told | {"reversal_id": "r", "kind": "REFUND", "amount": "1", "currency": "EUR"}
    assert parse(back) == Reversal("e", "b", None, "s", "r", "REFUND", 0, 1_0000, 0, "EUR", A_SALE.occurred_at)
    heard = parse(told | {"feedback_id": "f", "action": "ANSWERED"})
    assert (heard.customer_id, heard.sale_id) == (None, "s")
    with pytest.raises(InvalidValue, match=r"^sale_id: found null without a customer_id, expected the sale"):
        parse_feedback({name: value for name, value in ANSWER.items() if name not in ("customer_id", "sale_id")})
    with pytest.raises(InvalidValue, match=r"^currency: found null beside a commission, expected both or neither"):
        parse(mapping(AN_ATTRIBUTION) | {"currency": None})
    with pytest.raises(InvalidValue, match=r"^reversal_id: found nothing"):
        parse_reversal({name: value for name, value in mapping(A_REVERSAL).items() if name != "reversal_id"})


@pytest.mark.parametrize("said", [None, "p2", {"p2": 1}, [1], [None], ["p"] * 201])
def test_other_products_are_a_list_of_at_most_200_texts(said: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^other_product_ids: "):
        parse_sale(SALE | {"other_product_ids": said})


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(InvalidValue, match=r"^amuont: found an unknown field"):
        parse_sale(SALE | {"amuont": "1"})


@pytest.mark.parametrize(
    ("said", "meant"),
    [("12.50", 125_000), ("0", 0), ("0.0001", 1), ("1.50000", 15_000), (7, 70_000), (Decimal("1.5"), 15_000),
     (Decimal("1E+2"), 1_000_000), ("10000000000", 10**14), ("-0", 0)],
)  # fmt: skip
def test_money_is_exact(said: Any, meant: int) -> None:
    assert parse_sale(SALE | {"amount": said}).amount == meant


@pytest.mark.parametrize(
    "said",
    ["0.00001", "1.00005", "10000000000.0001", "-0.0001", "1e3", "1,5", " 1", "", "NaN", "١", "1" * 5000, None, True,
     Decimal("NaN"), Decimal("Infinity"), Decimal("1E-9999999"), Decimal("1E+9999999"), Decimal("0." + "0" * 60 + "1"),
     10**11, HUGE, [1]],
)  # fmt: skip
def test_money_that_is_not_exact_or_in_range_is_refused(said: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^amount: "):
        parse_sale(SALE | {"amount": said})


def test_a_float_is_no_money_and_the_message_says_why() -> None:
    with pytest.raises(InvalidValue, match=r"amount: found float 9\.99.*as a string: floats are not exact"):
        parse_sale(SALE | {"amount": 9.99})


@pytest.mark.parametrize(
    "said",
    [1_700_000_000_123, "2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.123999+00:00", "2023-11-15T00:13:20.123+02:00",
     datetime(2023, 11, 14, 22, 13, 20, 123_999, UTC),
     datetime(2023, 11, 14, 17, 13, 20, 123_000, timezone(timedelta(hours=-5)))],
)  # fmt: skip
def test_times_are_instants_in_whole_milliseconds(said: Any) -> None:
    assert parse_sale(SALE | {"occurred_at": said}).occurred_at == 1_700_000_000_123


@pytest.mark.parametrize(
    "said",
    ["2023-11-14T22:13:20", datetime(2023, 11, 14, 22, 13, 20), "2023-11-14", "yesterday", "", 1.7e12, None, True,
     "1700000000000", 1_700_000_000, HUGE],
)  # fmt: skip
def test_a_time_that_is_no_instant_is_refused(said: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^occurred_at: "):
        parse_sale(SALE | {"occurred_at": said})


@pytest.mark.parametrize(
    ("field", "said"),
    [("event_id", 5), ("event_id", "\ud800"), ("score", True), ("score", "9"), ("score", 9.0), ("revision", None),
     ("revision", 2**63),
     ("findings", None), ("findings", "x"), ("findings", [1]), ("findings", [{"verdict": "DONE_RIGHT"}]),
     ("findings", Finding("DONE_RIGHT", "size")), ("comment", "a\udfff"), ("scores", None), ("scores", "NPS"),
     ("scores", [{"metric": "NPS"}]), ("scores", [{"metric": "NPS", "score": None}]), ("scores", Score("NPS", 9)),
     ("scores", [{"metric": "NPS", "score": 9}] * 4)],
)  # fmt: skip
def test_another_type_than_the_field_s_is_refused(field: str, said: Any) -> None:
    with pytest.raises(InvalidValue, match=f"^{field}"):
        parse_feedback(ANSWER | {field: said})


def test_a_bad_line_is_refused_by_its_number_and_the_rest_goes_on() -> None:
    good = json.dumps(SALE).encode()
    lines = [
        b"\xef\xbb\xbf" + good + b"\r\n",
        b"{\n",
        b"\n",
        b"\xff\n",
        b"[1]\n",
        b"[" * 100_000,
        b'{"event_id":1}',
        good,
        good.replace(b'"amount"', b'"amount": "99.00", "amount"'),
        b'{"findings": [{"topic": "size", "verdict": "DONE_RIGHT", "topic": "price"}]}',
        b'{"a": {"\\u202e": 1, "\\u202e": 2}}',
    ]
    items = list(parse_lines(lines, parse_sale))
    assert [item for item in items if not isinstance(item, RefusedLine)] == [A_SALE, A_SALE]
    refused = {item.number: item.why for item in items if isinstance(item, RefusedLine)}
    assert list(refused) == [2, 4, 5, 6, 7, 9, 10, 11]
    assert refused[2].startswith("not JSON")
    assert refused[4].startswith("not UTF-8")
    assert refused[5] == "line: found a JSON list, expected a JSON object"
    assert refused[7].startswith("event_id: found int 1, expected a string")
    assert refused[9] == "amount: found it more than once, expected each key once in an object"
    assert refused[10].startswith("topic: found it more than once")
    assert refused[11].startswith("\\u202e: found it more than once")
