"""Money, times, words, ids, scores and customers, as mappings say they are written."""

import hashlib
import hmac
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidValue
from schemas.events import Event, Feedback, Reversal, Sale
from streams.errors import Misuse
from streams.shapes.money import amount_of, in_major_units, sum_of
from streams.shapes.pseudonyms import Pseudonyms
from streams.shapes.shape import LeftOut, Made, RefusedPart
from tests.support.shaped import KEY, shape_from

MAPPING = """about = "a shop"
format = "json"
[[sales]]
sale_id = "id"
customer_id = "who"
action = { value = "PLACED" }
product_id = { value = "p" }
offering = { value = "PHYSICAL" }
amount = "total"
currency = { value = "EUR" }
occurred_at = { value = "2026-01-01T00:00:00Z" }
"""
ANSWER = """about = "a survey"
format = "json"
[[feedback]]
feedback_id = "id"
customer_id = "who"
action = { value = "ANSWERED" }
metric = { value = "NPS" }
score = "score"
occurred_at = { value = "2026-01-01T00:00:00Z" }
"""
ROW: dict[str, Any] = {"id": "s1", "who": "c1", "total": "1.00", "score": 7}


def made(mapping: str, **row: Any) -> list[Any]:
    fields = {**ROW, **row}
    return list(shape_from(mapping, brand_id="acme").outcomes(fields, [fields]))


def event(mapping: str, **row: Any) -> Any:
    (outcome,) = made(mapping, **row)
    assert isinstance(outcome, Made), outcome
    return outcome.event


def refused(mapping: str, **row: Any) -> str:
    (outcome,) = made(mapping, **row)
    assert isinstance(outcome, RefusedPart), outcome
    return outcome.field


def with_(field: str, value: str, mapping: str = MAPPING) -> str:
    """The mapping with another origin of a field."""
    return "".join(f"{field} = {value}\n" if line.startswith(f"{field} =") else line for line in
                   mapping.splitlines(keepends=True))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "amount"),
    [
        ("1.077,75", ",", ".", "1077.75"),
        ("-34,90", ",", ".", "-34.90"),
        ("890", ",", ".", "890"),
        ("1 234 567,5", ",", " ", "1234567.5"),
        ("1'000.00", ".", "'", "1000"),
        (".5", ".", "", "0.5"),
        ("+1.", ".", "", "1"),
        ("\u22121.5", ".", "", "-1.5"),
    ],
)
def test_an_amount_is_read_by_its_marks(text: str, decimal: str, thousands: str, amount: str) -> None:
    assert amount_of("amount", text, decimal, thousands) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("1,077.75", ".", ""), ("1.07,75", ",", "."), ("1.0777,75", ",", "."), ("12,34,5", ",", "."), ("", ".", ""),
        (".", ".", ""), ("1e5", ".", ""), ("€5", ".", ""), ("٣", ".", ""), ("--1", ".", ""), ("- 1", ".", ""),
        ("1" * 31, ".", ""), (".077,5", ",", "."),
    ],
)  # fmt: skip
def test_an_amount_with_other_marks_is_refused_and_never_guessed(text: str, decimal: str, thousands: str) -> None:
    with pytest.raises(InvalidValue):
        amount_of("amount", text, decimal, thousands)


@pytest.mark.parametrize("value", [None, True, [], {}, Decimal("1e999999999"), Decimal("NaN"), 10**80])
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue):
        amount_of("amount", value, ".", "")


@given(st.decimals(-(10**10), 10**10, places=4))
def test_an_amount_is_exact(amount: Decimal) -> None:
    assert amount_of("amount", f"{amount:,f}".replace(",", " ").replace(".", ","), ",", " ") == amount
    assert amount_of("amount", amount, ".", "") == amount


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "54.80"), ("JPY", "5480"), ("KWD", "5.480"), ("CLF", "0.5480")]
)
def test_minor_units_are_those_of_the_currency(currency: str, amount: str) -> None:
    assert in_major_units("amount", Decimal(5480), currency, {}) == Decimal(amount)


def test_a_source_may_count_the_minor_units_of_a_currency_in_its_own_way() -> None:
    assert in_major_units("amount", Decimal(500), "ISK", {"ISK": 2}) == 5
    with pytest.raises(InvalidValue, match="currency"):
        in_major_units("amount", Decimal(500), "eur", {})


@given(st.lists(st.decimals(-(10**10), 10**10, places=4), max_size=30))
def test_a_sum_is_exact(amounts: list[Decimal]) -> None:
    assert sum_of("amount", amounts) * 10_000 == sum(int(amount * 10_000) for amount in amounts)


@pytest.mark.parametrize(
    ("origin", "total", "amount"),
    [
        ('"total"', Decimal("37.9"), 379_000),
        ('"total"', 890, 8_900_000),
        ('"total"', ["1.10", "2.20"], 33_000),
        ('{ from = "total", sign = "without" }', "-24.95", 249_500),
        ('{ from = "total", sign = "turned" }', "-24.95", 249_500),
        ('{ from = "total", minor_units = true }', 5480, 548_000),
        ('{ from = "total", find = "EUR (.*)" }', "EUR 5.50", 55_000),
        ('[{ from = "net" }, { from = "total" }]', "5.50", 55_000),
        ('{ template = "{total}.{id}" }', "5", None),
    ],
)
def test_an_amount_follows_its_options(origin: str, total: object, amount: int | None) -> None:
    if amount is None:
        assert refused(with_("amount", origin), total=total) == "amount"
    else:
        assert event(with_("amount", origin), total=total).amount == amount


def test_an_amount_of_no_transaction_is_nothing() -> None:
    assert refused(MAPPING, total=[]) == "amount"


@pytest.mark.parametrize(
    ("options", "value", "utc"),
    [
        ("", "2026-10-05T09:50:24+02:00", "2026-10-05T07:50:24+00:00"),
        ('zone = "Europe/Madrid"', "2026-10-05T09:50:24", "2026-10-05T07:50:24+00:00"),
        ('zone = "Europe/Madrid"', "2026-10-05", "2026-10-05T10:00:00+00:00"),
        ('zone = "UTC", day_at = "23:59"', "2026-10-05", "2026-10-05T23:59:00+00:00"),
        ('pattern = "%d/%m/%Y", zone = "UTC"', "05/10/2026", "2026-10-05T12:00:00+00:00"),
        ('pattern = ["%d/%m/%Y", "%Y-%m-%d %H:%M:%S %z"]', "2026-10-05 09:50:24 +0200", "2026-10-05T07:50:24+00:00"),
        ('zone = "Europe/Madrid"', "2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00"),
        ('zone = "Europe/Madrid", doubled = "second"', "2026-10-25T02:30:00", "2026-10-25T01:30:00+00:00"),
        ('unit = "s"', 1_792_888_204, "2026-10-25T00:30:04+00:00"),
        ('unit = "s"', Decimal("1792888204.25"), "2026-10-25T00:30:04.250000+00:00"),
        ('unit = "ms"', "1792888204250", "2026-10-25T00:30:04.250000+00:00"),
        ('unit = "us"', 1_792_888_204_250_999, "2026-10-25T00:30:04.250000+00:00"),
        ('unit = "ns"', 1_792_888_204_250_999_999, "2026-10-25T00:30:04.250000+00:00"),
    ],
)
def test_a_time_follows_its_options(options: str, value: object, utc: str) -> None:
    found = event(with_("occurred_at", f'{{ from = "at"{", " if options else ""}{options} }}'), at=value).occurred_at
    assert found == round(datetime.fromisoformat(utc).timestamp() * 1000)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ("", "2026-10-05T09:50:24"),
        ("", "05/10/2026"),
        ("", 1_792_888_204),
        ('zone = "Europe/Madrid"', "2026-03-29T02:30:00"),
        ('pattern = "%d/%m/%Y", zone = "UTC"', "10/25/2026"),
        ('unit = "s"', "soon"),
        ('unit = "s"', True),
        ('unit = "s"', "9" * 30),
        ('zone = "America/New_York"', "9999-12-31T23:59:59"),
    ],
)
def test_a_time_that_is_not_sure_is_refused(options: str, value: object) -> None:
    assert (
        refused(with_("occurred_at", f'{{ from = "at"{", " if options else ""}{options} }}'), at=value) == "occurred_at"
    )


@pytest.mark.parametrize(
    ("origin", "value", "revision"),
    [
        ('"at"', "2000-01-01T00:01:00Z", 60),
        ('{ from = "at", unit = "ms" }', 946_684_861_999, 61),
        ('{ from = "at", by = "number" }', 7, 7),
        ('{ from = "at", by = "number" }', "7", 7),
        ('{ from = "at", by = "cents" }', "34.90", 3490),
        ("3", None, 3),
        ('"at"', None, 0),
    ],
)
def test_a_revision_is_seconds_since_2000_or_what_the_mapping_says(origin: str, value: object, revision: int) -> None:
    assert event(MAPPING + f"revision = {origin}\n", at=value).revision == revision


@pytest.mark.parametrize(
    ("origin", "value"),
    [
        ('"at"', "1999-12-31T00:00:00Z"),
        ('{ from = "at", by = "number" }', "1.5"),
        ('{ from = "at", by = "cents" }', "0.001"),
    ],
)
def test_a_revision_that_is_none_is_refused(origin: str, value: object) -> None:
    assert refused(MAPPING + f"revision = {origin}\n", at=value) == "revision"


def test_words_are_translated_skipped_or_refused() -> None:
    words = 'words = { paid = "PLACED", void = "REJECTED", held = "skip" }'
    mapping = with_("action", f'{{ from = "state", {words} }}')
    assert event(mapping, state="void").action == "REJECTED"
    assert made(mapping, state="held") == [LeftOut()]
    assert refused(mapping, state="Paid") == "action"
    assert made(with_("action", f'{{ from = "state", {words}, unknown = "skip" }}'), state="new") == [LeftOut()]
    kept = with_("action", f'{{ from = "state", {words}, unknown = "keep" }}')
    assert event(kept, state="REFUNDED").action == "REFUNDED"
    assert event(with_("action", f'[{{ from = "state", {words}, unknown = "absent" }}, {{ value = "PLACED" }}]'),
                 state="new").action == "PLACED"  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "value", "found"),
    [
        ('{ from = "x", strip = "#" }', " #1001 ", "1001"),
        ('{ from = "x", find = "^affiliate-(.+)$" }', "affiliate-bo", "bo"),
        ('{ from = "x", case = "lower" }', "BO", "bo"),
        ('{ from = "x", absent = ["0", "N/A"] }', "N/A", None),
        ('{ from = "x", absent = ["0", "N/A"] }', 0, None),
        ('"x"', 0, "0"),
        ('"x"', "  ", None),
        ('"x"', True, "true"),
        ('{ template = "a-{x}" }', 5, "a-5"),
        ('{ template = "a-{x}" }', "", None),
        ('["y", "x"]', "bo", "bo"),
        ('"x.y[0]"', {"y": ["bo"]}, "bo"),
    ],
)
def test_a_text_is_found_cut_and_absent_as_its_origin_says(origin: str, value: object, found: str | None) -> None:
    assert event(MAPPING + f"affiliate_id = {origin}\n", x=value).affiliate_id == found


@pytest.mark.parametrize("value", [{"a": 1}, ["a"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    assert refused(MAPPING + 'affiliate_id = "x"\n', x=value) == "affiliate_id"


def test_an_expression_that_does_not_fit_refuses_the_field_and_shows_no_value() -> None:
    (outcome,) = made(MAPPING + "affiliate_id = \"starts_with(x, 'a')\"\n", x=["secret"])
    assert isinstance(outcome, RefusedPart)
    assert outcome.field == "affiliate_id"
    assert "secret" not in outcome.detail


@pytest.mark.parametrize(
    ("scale", "value", "score"),
    [("", 7, 7), ("", "7", 7), ("", Decimal("7.0"), 7), ("[1, 10]", 10, 10), ("[1, 10]", 1, 0), ("[0, 100]", 75, 8),
     ("[1, 5]", 3, 5)],
)  # fmt: skip
def test_a_score_is_moved_from_its_scale(scale: str, value: object, score: int) -> None:
    origin = f'{{ from = "score"{", scale = " + scale if scale else ""} }}'
    assert event(with_("score", origin, ANSWER), score=value).score == score


@pytest.mark.parametrize(("scale", "value"), [("", "7.5"), ("", 11), ("", "x"), ("[1, 5]", 6), ("[1, 5]", 0)])
def test_a_score_beyond_its_scale_is_refused(scale: str, value: object) -> None:
    origin = f'{{ from = "score"{", scale = " + scale if scale else ""} }}'
    assert refused(with_("score", origin, ANSWER), score=value) == "score"


def test_a_question_that_was_not_answered_has_no_metric() -> None:
    found = event(ANSWER, score=None)
    assert (found.metric, found.score) == (None, None)


def test_choices_become_findings() -> None:
    words = 'words = { "Too late" = "UNMET_EXPECTATION:delivery", "Dear" = "Price", "Other" = "skip" }'
    mapping = ANSWER + f'findings = {{ from = "ticked", verdict = "NEEDS_IMPROVEMENT", {words} }}\n'
    assert event(mapping, ticked=["Too late", "Dear", "Other", "Dear", None]).findings == (
        ("UNMET_EXPECTATION", "delivery"), ("NEEDS_IMPROVEMENT", "price"))  # fmt: skip
    assert refused(mapping, ticked=["Cheap"]) == "findings"
    labels = ANSWER + 'findings = { from = "ticked", verdict = "MISSING_INFORMATION" }\n'
    assert event(labels, ticked="Size & fit").findings == (("MISSING_INFORMATION", "size-fit"),)


def test_a_pseudonym_is_the_keyed_hash_of_the_address_trimmed_and_in_lower_case() -> None:
    expected = hmac.new(KEY.encode(), b"ana@example.com", hashlib.sha256).hexdigest()
    for address in ("ana@example.com", " Ana@Example.COM\n"):
        assert Pseudonyms(KEY).of(address) == expected
        assert event(with_("customer_id", '{ pseudonym = "who" }'), who=address).customer_id == expected
        assert event(MAPPING, who=address).customer_id == expected  # though the mapping does not say so
    assert KEY not in repr(Pseudonyms(KEY)) + Pseudonyms(KEY).mark()
    assert Pseudonyms(KEY).mark() != Pseudonyms(KEY[::-1]).mark()
    with pytest.raises(ValueError, match="at least 16"):
        Pseudonyms("short")


def test_a_guest_is_nobody_and_an_order_may_be_its_own_customer() -> None:
    guests = '[{ from = "who", absent = ["0"] }, { order = true }]'
    assert event(with_("customer_id", guests), who=0).customer_id == "order:s1"
    assert refused(with_("customer_id", '{ from = "who", absent = ["0"] }'), who=0) == "customer_id"
    assert event(with_("customer_id", '[{ pseudonym = "who" }, { order = true }]'), who="").customer_id == "order:s1"


@pytest.mark.parametrize(
    "field", ["sale_id", "affiliate_id", "campaign", "product_id", "event_id", "currency", "action"]
)
def test_no_other_field_takes_an_address_nor_does_a_refusal_show_it(field: str) -> None:
    text = MAPPING if f"\n{field} =" in MAPPING else MAPPING + f"{field} = 0\n"
    (outcome,) = made(with_(field, '"x"', text), x="ana@example.com")
    assert isinstance(outcome, RefusedPart)
    assert outcome.field == field
    assert "ana" not in outcome.detail


@pytest.mark.parametrize("origin", ['{ from = "x", words = { a = "b" } }', '{ from = "x", find = "(.*)" }'])
@pytest.mark.parametrize("field", ["amount", "occurred_at", "revision", "action"])
def test_what_can_not_be_read_is_refused_without_an_address(field: str, origin: str) -> None:
    text = MAPPING if f"\n{field} =" in MAPPING else MAPPING + f"{field} = 0\n"
    (outcome,) = made(with_(field, origin, text), x="ana@example.com")
    assert isinstance(outcome, RefusedPart)
    assert "ana" not in outcome.detail


def test_an_event_that_says_no_id_has_one_of_what_it_says() -> None:
    one, again, other = event(MAPPING), event(MAPPING), event(MAPPING, total="1.01")
    assert one == again
    assert one.event_id != other.event_id


def test_each_makes_an_event_of_each_and_when_chooses_the_kinds() -> None:
    mapping = MAPPING.replace("[[sales]]", "[[sales]]\nwhen = \"kind == 'order'\"") + (
        '[[reversals]]\nwhen = "refunds"\neach = "refunds"\nsale_id = "id"\nreversal_id = "_.each.id"\n'
        'kind = { value = "REFUND" }\namount = "_.each.amount"\ncurrency = { value = "EUR" }\n'
        'occurred_at = { value = "2026-01-01T00:00:00Z" }\n'
    )
    kinds = [
        type(o.event) for o in made(mapping, kind="order", refunds=[{"id": 1, "amount": "2"}, {"id": 2, "amount": "3"}])
    ]
    assert kinds == [Sale, Reversal, Reversal]
    assert [o.field for o in made(mapping, kind="order", refunds=[{"id": 1}]) if isinstance(o, RefusedPart)] == [
        "amount"
    ]
    assert [type(outcome) for outcome in made(mapping, kind="other")] == [RefusedPart]
    many = made(mapping, refunds=[{"id": 1, "amount": "2"}] * 1_001)
    assert [type(outcome) for outcome in many] == [RefusedPart]


def test_skip_leaves_a_row_out_and_let_names_a_value() -> None:
    mapping = MAPPING.replace('format = "json"', 'format = "json"\nskip = "test"') + (
        'campaign = "_.page"\n[let]\npage = { from = "page", words = { a = "A", b = "skip" } }\n'
    )
    assert made(mapping, test=True) == [LeftOut()]
    assert event(mapping, test=False, page="a").campaign == "A"
    assert made(mapping, page="b") == [LeftOut()]
    assert refused(mapping, page="c") == "page"


def test_flat_files_make_the_kind_of_event_whose_fields_are_named() -> None:
    flat = 'about = "x"\nformat = "csv"\n'
    common = {"brand_id": "acme", "occurred_at": "@at"}
    assert shape_from(flat, **common, feedback_id="@id").kinds == {"feedback"}
    reversal = {"sale_id": "@s", "kind": "REFUND", "amount": "@a", "currency": "EUR"}
    assert shape_from(flat, **common, **reversal, reversal_id="@id").kinds == {"reversals"}
    assert shape_from(flat, **common, sale_id="@s", affiliate_id="@a").kinds == {"attributions"}
    with pytest.raises(Misuse, match="sales: nothing says"):
        shape_from(flat, **common, amount="@a")


def test_a_row_becomes_the_same_however_often_it_is_read() -> None:
    found: list[list[Event]] = [[o.event for o in made(ANSWER, who="a@b")] for _ in range(2)]
    assert found[0] == found[1]
    assert isinstance(found[0][0], Feedback)
