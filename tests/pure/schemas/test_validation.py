"""Each rule of the contract's "Valid is", at its border: the last good value and the first bad one."""

from typing import Any

import pytest

from schemas.errors import InvalidValue
from schemas.events import Event, Finding, Score
from schemas.validation import validate, validate_feedback, validate_sale
from tests.pure.schemas.test_codec import A_REVERSAL, A_SALE, AN_ANSWER_V2, AN_ATTRIBUTION

AN_ANSWER = AN_ANSWER_V2._replace(scores=(), product_id=None, asked=None)

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
    "subscription_id": (_OPTIONAL, _ID_BAD),
    "other_product_ids": (
        [(), *((good,) for good in _ID_GOOD), ("p", "p"), ("p",) * 200],
        [*((bad,) for bad in _ID_BAD), ("p",) * 201],
    ),
}
REVERSALS: dict[str, tuple[list[Any], list[Any]]] = {
    "event_id": (_ID_GOOD, _ID_BAD),
    "brand_id": (_ID_GOOD, [*_ID_BAD, "a:b"]),
    "customer_id": ([*_OPTIONAL, "a:b"], _ID_BAD),
    "sale_id": (_ID_GOOD, _ID_BAD),
    "reversal_id": (_ID_GOOD, _ID_BAD),
    "kind": (["REFUND", "CHARGEBACK", "UNDONE"], ["", "refund", "REFUNDED"]),
    "revision": ([0, 2**31 - 1], [-1, 2**31]),
    "amount": ([0, 10**14], [-1, 10**14 + 1]),
    "commission": ([0, 10**14], [-1, 10**14 + 1]),
    "currency": (["EUR", "XXX"], ["", "eur", "EURO"]),
    "occurred_at": (_TIME_GOOD, _TIME_BAD),
}
ATTRIBUTIONS: dict[str, tuple[list[Any], list[Any]]] = {
    "event_id": (_ID_GOOD, _ID_BAD),
    "brand_id": (_ID_GOOD, [*_ID_BAD, "a:b"]),
    "customer_id": ([*_OPTIONAL, "a:b"], _ID_BAD),
    "sale_id": (_ID_GOOD, _ID_BAD),
    "revision": ([0, 2**31 - 1], [-1, 2**31]),
    "affiliate_id": (_OPTIONAL, _ID_BAD),
    "campaign": ([None, "x" * 2000], ["", "x" * 2001, "a\tb"]),
    "commission": ([0, 10**14], [-1, 10**14 + 1, None]),
    "currency": (["EUR", "XXX"], ["", "eur", "EURO"]),
    "occurred_at": (_TIME_GOOD, _TIME_BAD),
}
FEEDBACK: dict[str, tuple[list[Any], list[Any]]] = {
    "event_id": (_ID_GOOD, _ID_BAD),
    "brand_id": (_ID_GOOD, [*_ID_BAD, "a:b"]),
    "customer_id": ([*_OPTIONAL, "a:b"], _ID_BAD),
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
    "product_id": (_OPTIONAL, _ID_BAD),
    "asked": ([None, "MISSING_INFORMATION"], ["", "missing_information", "FINE"]),
}
RULES: list[tuple[Event, dict[str, tuple[list[Any], list[Any]]]]] = [
    (A_SALE, SALES), (A_REVERSAL, REVERSALS), (AN_ATTRIBUTION, ATTRIBUTIONS), (AN_ANSWER, FEEDBACK),
]  # fmt: skip


def _cases(good: bool) -> list[Any]:
    return [
        pytest.param(event, field, value, id=f"{type(event).__name__}-{field}-{number}")
        for event, rules in RULES
        for field, values in rules.items()
        for number, value in enumerate(values[0 if good else 1])
    ]


def test_every_field_has_a_border() -> None:
    for event, rules in RULES:
        assert {*rules, "findings", "scores"} == {*event._fields, "findings", "scores"}


@pytest.mark.parametrize(("event", "field", "value"), _cases(good=True))
def test_an_event_at_the_border_is_valid(event: Event, field: str, value: Any) -> None:
    validate(event._replace(**{field: value}))


@pytest.mark.parametrize(("event", "field", "value"), _cases(good=False))
def test_an_event_past_the_border_is_refused_by_the_field_s_name(event: Event, field: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        validate(event._replace(**{field: value}))
    assert refused.value.field == field
    assert refused.value.reason == "invalid_value"
    assert refused.value.found
    assert refused.value.expected


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


def test_an_answer_without_a_customer_needs_a_sale() -> None:
    validate(AN_ANSWER._replace(customer_id=None, sale_id="s1"))
    validate(AN_ANSWER._replace(customer_id="c1", sale_id=None))
    with pytest.raises(InvalidValue, match="sale_id: found null without a customer_id"):
        validate(AN_ANSWER._replace(customer_id=None, sale_id=None))


def test_an_attribution_has_a_commission_and_its_currency_or_neither() -> None:
    validate(AN_ATTRIBUTION._replace(commission=None, currency=None))
    validate(AN_ATTRIBUTION._replace(affiliate_id=None, campaign=None))
    with pytest.raises(InvalidValue, match="currency: found null beside a commission, expected both or neither"):
        validate(AN_ATTRIBUTION._replace(currency=None))
    with pytest.raises(InvalidValue, match="commission: found null beside a currency, expected both or neither"):
        validate(AN_ATTRIBUTION._replace(commission=None))


@pytest.mark.parametrize(
    ("metric", "scores", "told"),
    [
        ("NPS", (Score("NPS", 3),), r"scores.metric: found NPS again, expected another than the answer's own metric"),
        (None, (Score("CSAT", 3), Score("CSAT", 3)), r"scores.metric: found CSAT again, expected each metric once"),
        (None, (Score("CSAT", 6),), r"scores.score: found CSAT 6, expected 1 to 5"),
        (None, (Score("CES", 0),), r"scores.score: found CES 0, expected 1 to 7"),
        (None, (Score("STARS", 3),), r"scores.metric: found 'STARS', expected one of NPS, CSAT, CES"),
    ],
)
def test_further_scores_have_metrics_of_their_own_and_keep_their_range(
    metric: str | None, scores: tuple[Score, ...], told: str
) -> None:
    answer = AN_ANSWER._replace(metric=metric, score=None)
    validate(answer._replace(scores=(Score("CSAT", 1), Score("CES", 7))))
    with pytest.raises(InvalidValue, match=told):
        validate(answer._replace(scores=scores))


def test_oddities_that_are_allowed() -> None:
    validate_sale(A_SALE._replace(referred_by=A_SALE.customer_id))
    validate_sale(A_SALE._replace(action="REFUNDED", amount=10**14))


def test_a_message_shows_what_was_found_but_never_all_of_it() -> None:
    with pytest.raises(InvalidValue) as refused:
        validate_sale(A_SALE._replace(currency="€\n" + "x" * 5_000_000))
    assert refused.value.detail.startswith("currency: found '\\u20ac\\nxxx")
    assert len(refused.value.detail) < 200
