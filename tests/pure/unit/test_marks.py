"""A refusal keeps no text of its record outside of the record: a mark stands for it, the same one wherever it is made."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.events import Feedback, Finding, Sale
from streams.brokers.topics import FEEDBACK, SALES
from streams.changelog import records
from streams.domain.rules import Rules
from streams.partition.dead_letter import dead_letter
from streams.unit.marks import marker
from streams.unit.rows import RowMaker
from streams.unit.unit import Unit, UnitMaker
from tests.pure.schemas.test_codec import A_SALE, AN_ANSWER
from tests.pure.unit.test_unit import NOW, Record

MARK = marker("sales-id", "feedback-id")
PERSON = "juan.perez@example.com\x01"  # no valid text anywhere
SALE_TEXTS = ["event_id", "brand_id", "customer_id", "sale_id", "affiliate_id", "product_id", "currency", "campaign",
              "referred_by"]  # fmt: skip
ANSWER_TEXTS = ["event_id", "brand_id", "customer_id", "feedback_id", "sale_id", "affiliate_id", "language"]


def refused(event: Any) -> Unit:
    """The unit of one record, which is refused."""
    topic, key = (FEEDBACK if isinstance(event, Feedback) else SALES), PERSON.encode()
    rules = Rules(300, 90 * 86_400_000, 2000)
    maker = UnitMaker(0, 1, rules, RowMaker(1, 0, rules), MARK)
    return maker.make(lambda keys: [None] * len(keys), 1, [Record(topic, 7, key, encode(event))], NOW)


def kept_of(unit: Unit) -> str:
    """All that is kept of it beside the record's own bytes: the changelog's record, the row, the letter's headers."""
    letter = dead_letter(unit.refusals[0], NOW, 4_000_000)
    headers = [value for name, value in letter.headers if name in ("reason", "detail")]
    rows = [row for table in unit.rows.values() for row in table.values()]
    return repr((unit.changed, rows, headers, unit.refusals[0].detail))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        *((Sale(**(A_SALE._asdict() | {name: PERSON})), name) for name in SALE_TEXTS),
        *((Feedback(**(AN_ANSWER._asdict() | {name: PERSON})), name) for name in ANSWER_TEXTS),
        (A_SALE._replace(brand_id="juan.perez:example.com"), "brand_id"),
        (AN_ANSWER._replace(findings=(Finding("DONE_RIGHT", "juan.perez@example.com"),)), "findings.topic"),
        (AN_ANSWER._replace(comment="juan.perez@example.com" * 1000), "comment"),
        (A_SALE._replace(customer_id="juan.perez@example.com" * 100), "customer_id"),
    ],
)
def test_no_text_of_a_refused_event_is_kept_outside_of_it(event: Any, field: str) -> None:
    unit = refused(event)
    assert [refusal.reason for refusal in unit.refusals] == ["invalid_value"]
    kept = kept_of(unit)
    assert "juan" not in kept
    assert unit.refusals[0].detail.startswith(f"{field}: found ")
    assert ", expected " in unit.refusals[0].detail
    assert MARK(PERSON.encode()) in kept  # of the record's key


def test_a_number_is_kept_as_it_is_and_a_text_by_its_mark() -> None:
    assert refused(A_SALE._replace(amount=-1)).refusals[0].detail == "amount: found -0.0001, expected 0 to 10000000000"
    found = refused(A_SALE._replace(currency="eur")).refusals[0].detail
    assert found == f"currency: found {MARK(b'eur')}, expected an ISO 4217 code: three capitals A-Z"


def test_a_record_without_a_key_has_no_mark() -> None:
    rules = Rules(300, 90 * 86_400_000, 2000)
    maker = UnitMaker(0, 1, rules, RowMaker(1, 0, rules), MARK)
    unit = maker.make(lambda keys: [None] * len(keys), 1, [Record(SALES, 7, None, b"no event")], NOW)
    kept = [value for key, value in unit.changed.items() if key[:1] == records.REFUSAL]
    assert kept == [records.pack(records.KeptRefusal("undecodable", unit.refusals[0].detail, "", NOW))]


@given(st.binary(), st.binary())
def test_a_mark_is_the_same_wherever_it_is_made_and_tells_texts_apart(one: bytes, other: bytes) -> None:
    assert MARK(one) == marker("sales-id", "feedback-id")(one)
    assert (MARK(one) == MARK(other)) == (one == other)
    assert re.fullmatch("#[0-9a-f]{32}", MARK(one))
    assert MARK(one) != marker("feedback-id", "sales-id")(one)


def test_a_mark_is_that_of_hmac_sha_256() -> None:
    """Worked out once with another program, so that marks that were written stay findable: openssl dgst -sha256 -mac hmac."""
    assert MARK(b"acme:cust-7") == "#25aabcd326a1f4c3f57e5b48966e6b9e"
