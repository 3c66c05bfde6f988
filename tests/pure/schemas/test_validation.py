"""Each rule of the contract's "Valid is", at its border: the last good value and the first bad one."""

from typing import Any

import pytest

from schemas.errors import InvalidValue
from schemas.events import Finding
from schemas.validation import validate_feedback, validate_sale
from tests.pure.schemas.test_codec import A_SALE, AN_ANSWER

_ID_GOOD = ["x", "x" * 200, " ", "é ñ 漢", "\u2028", "\u200b", "\ue000"]
_ID_BAD = ["", "x" * 201, "a\nb", "a\x00", "\x1f", "\x7f", "\x80", "\x9f"]
_OPTIONAL = [None, *_ID_GOOD]
_TIME_GOOD = [946_684_800_000, 4_102_444_800_000]
_TIME_BAD = [946_684_799_999, 4_102_444_800_001, -1, 2**63 - 1]

SALES: dict[str, tuple[list[Any], list[Any]]] = {
    "event_id": (_ID_GOOD, _ID_BAD),
    "brand_id": (_ID_GOOD, [*_ID_BAD, "a:b", ":"]),
    "customer_id": ([*_ID_GOOD, "a:b"], _ID_BAD),
    "sale_id": (_ID_GOOD, _ID_BAD),
    "action": (["PLACED", "REFUNDED", "CHARGED_BACK", "REJECTED"], ["placed", "", "ANSWERED"]),
    "revision": ([0, 2**31 - 1], [-1, 2**31]),
    "affiliate_id": (_OPTIONAL, _ID_BAD),
    "product_id": (_ID_GOOD, _ID_BAD),
    "offering": (["PHYSICAL", "SERVICE"], ["", "DIGITAL"]),
    "amount": ([0, 10**14], [-1, 10**14 + 1]),
    "commission": ([0, 10**14], [-1, 10**14 + 1]),
    "currency": (["EUR", "XXX"], ["", "eur", "EU", "EURO", "EUR\n", "ÉUR"]),
    "campaign": ([None, "x" * 2000], ["", "x" * 2001, "a\tb"]),
    "referred_by": ([*_OPTIONAL, "c1"], _ID_BAD),
    "occurred_at": (_TIME_GOOD, _TIME_BAD),
}
FEEDBACK: dict[str, tuple[list[Any], list[Any]]] = {
    "event_id": (_ID_GOOD, _ID_BAD),
    "brand_id": (_ID_GOOD, [*_ID_BAD, "a:b"]),
    "customer_id": (_ID_GOOD, _ID_BAD),
    "feedback_id": (_ID_GOOD, _ID_BAD),
    "action": (["INVITED", "ANSWERED", "WITHDRAWN"], ["", "answered", "PLACED"]),
    "revision": ([0, 2**31 - 1], [-1, 2**31]),
    "sale_id": (_OPTIONAL, _ID_BAD),
    "affiliate_id": (_OPTIONAL, _ID_BAD),
    "metric": (["NPS"], ["", "nps", "STARS"]),
    "score": ([None, 0, 10], [-1, 11]),
    "comment": ([None, "x" * 10_000, "two\nlines\x00"], ["", "x" * 10_001]),
    "language": ([None, "pt-BR", "x" * 200], ["", "x" * 201, "e\nn"]),
    "occurred_at": (_TIME_GOOD, _TIME_BAD),
}


def _cases(rules: dict[str, tuple[list[Any], list[Any]]], good: bool) -> list[tuple[str, Any]]:
    return [(field, value) for field, values in rules.items() for value in values[0 if good else 1]]


def test_every_field_has_a_border() -> None:
    assert tuple(SALES) == A_SALE._fields
    assert {*FEEDBACK, "findings"} == set(AN_ANSWER._fields)


@pytest.mark.parametrize(("field", "value"), _cases(SALES, good=True))
def test_a_sale_at_the_border_is_valid(field: str, value: Any) -> None:
    validate_sale(A_SALE._replace(**{field: value}))


@pytest.mark.parametrize(("field", "value"), _cases(SALES, good=False))
def test_a_sale_past_the_border_is_refused_by_the_field_s_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        validate_sale(A_SALE._replace(**{field: value}))
    assert refused.value.field == field
    assert refused.value.reason == "invalid_value"


@pytest.mark.parametrize(("field", "value"), _cases(FEEDBACK, good=True))
def test_a_feedback_at_the_border_is_valid(field: str, value: Any) -> None:
    validate_feedback(AN_ANSWER._replace(**{field: value}))


@pytest.mark.parametrize(("field", "value"), _cases(FEEDBACK, good=False))
def test_a_feedback_past_the_border_is_refused_by_the_field_s_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        validate_feedback(AN_ANSWER._replace(**{field: value}))
    assert refused.value.field == field


@pytest.mark.parametrize(("metric", "lowest", "highest"), [("NPS", 0, 10), ("CSAT", 1, 5), ("CES", 1, 7)])
def test_a_score_keeps_its_metric_s_range(metric: str, lowest: int, highest: int) -> None:
    for score in (lowest, highest, None):
        validate_feedback(AN_ANSWER._replace(metric=metric, score=score))
    for score in (lowest - 1, highest + 1):
        with pytest.raises(InvalidValue, match=f"score: found {metric} {score}, expected {lowest} to {highest}"):
            validate_feedback(AN_ANSWER._replace(metric=metric, score=score))


def test_a_score_needs_a_metric() -> None:
    validate_feedback(AN_ANSWER._replace(metric=None, score=None))
    with pytest.raises(InvalidValue, match="score: found 5 without a metric"):
        validate_feedback(AN_ANSWER._replace(metric=None, score=5))


def test_findings_are_at_most_50_of_known_verdicts_and_slugs() -> None:
    finding = Finding("DONE_RIGHT", "size-2")
    for good in ((), (finding,) * 50, (Finding("MISSING_INFORMATION", "x" * 64),)):
        validate_feedback(AN_ANSWER._replace(findings=good))
    bad = [(finding,) * 51, (Finding("FINE", "size"),)]
    bad += [(Finding("DONE_RIGHT", topic),) for topic in ("", "x" * 65, "Size", "a b", "é", "size\n")]
    for findings in bad:
        with pytest.raises(InvalidValue, match="findings"):
            validate_feedback(AN_ANSWER._replace(findings=findings))


def test_oddities_that_are_allowed() -> None:
    validate_sale(A_SALE._replace(referred_by=A_SALE.customer_id))
    validate_sale(A_SALE._replace(action="REFUNDED", amount=10**14))


def test_a_message_shows_what_was_found_but_never_all_of_it() -> None:
    with pytest.raises(InvalidValue) as refused:
        validate_sale(A_SALE._replace(currency="€\n" + "x" * 5_000_000))
    assert refused.value.detail.startswith("currency: found '\\u20ac\\nxxx")
    assert len(refused.value.detail) < 200
