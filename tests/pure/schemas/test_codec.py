"""Bytes are exactly one valid event, or they are refused."""

import io
import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import OF_BY_SALE, OF_SALES, decode_of_feedback, decode_of_sales, decode_one_of, encode
from schemas.errors import InvalidValue, Refused, Undecodable, UnknownSchema
from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.registry import FEEDBACK_NAME, HEADER_BYTES, SALE_NAME, header_of, newest
from tests.support.examples import examples
from tests.support.places import ROOT
from tests.support.strategies import all_events, sales

AVRO = ROOT / "schemas" / "avro"
A_SALE = Sale(
    "e1", "b", "c1", "s1", "PLACED", 0, "a1", "p1", "PHYSICAL", 12_5000, 0, "EUR", None, None, 1_700_000_000_000
)
AN_ANSWER = Feedback(
    "e2", "b", "c1", "f1", "ANSWERED", 0, "s1", None, "NPS", 9, (Finding("DONE_RIGHT", "delivery"),), "fine", "en",
    1_700_000_000_000,
)  # fmt: skip
A_REVERSAL = Reversal("e3", "b", "c1", "s1", "r1", "REFUND", 0, 2_5000, 1000, "EUR", 1_700_000_000_000)
AN_ATTRIBUTION = Attribution("e4", "b", "c1", "s1", 0, "a2", "post", 1_5000, "EUR", 1_700_000_000_000)
A_SALE_V2 = A_SALE._replace(subscription_id="sub", other_product_ids=("p2", "p3"))
AN_ANSWER_V2 = AN_ANSWER._replace(product_id="p1", scores=(Score("CSAT", 4),), asked="MISSING_INFORMATION")
KINDS = {Sale: OF_SALES, Reversal: OF_BY_SALE, Attribution: OF_BY_SALE, Feedback: OF_BY_SALE}  # a topic that carries it


def decode_any(data: bytes) -> Event:
    """An event of any kind."""
    return decode_one_of(data, (*OF_SALES, *OF_BY_SALE))


ENCODED = [
    (encode(A_SALE), decode_of_sales), (encode(A_SALE_V2), decode_of_sales), (encode(AN_ANSWER), decode_of_feedback),
    (encode(AN_ANSWER_V2), decode_of_feedback), (encode(A_REVERSAL), decode_any), (encode(AN_ATTRIBUTION), decode_any),
]  # fmt: skip
Decode = Callable[[bytes], Event]


def published(name: str) -> Any:
    return json.loads((AVRO / name).read_text())


def bytes_of(length: int, raw: bytes) -> bytes:
    """An Avro string or bytes value that claims `length`: a zigzag varint, then what there is."""
    n, out = (length << 1) ^ (length >> 63), bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n]) + raw


@given(all_events())
@examples(150)
def test_every_valid_event_survives_the_wire(event: Event) -> None:
    assert decode_one_of(encode(event), KINDS[type(event)]) == event


@given(all_events())
@examples(60)
def test_an_event_is_written_by_the_oldest_schema_that_holds_it(event: Event) -> None:
    """So a publisher who says nothing new is read by who knows nothing new."""
    older = {
        Sale: ("subscription_id", "other_product_ids"), Feedback: ("product_id", "scores", "asked"),
    }.get(type(event), ())  # fmt: skip
    says_new = event.customer_id is None or any(getattr(event, name) not in (None, ()) for name in older)
    version = 2 if older and says_new else 1
    assert encode(event).startswith(header_of(published(f"{type(event).__name__.lower()}.v{version}.avsc")))


@given(sales())
@examples(30)
def test_any_avro_library_reads_a_sale_by_the_published_schema(sale: Sale) -> None:
    file = "sale.v1.avsc" if sale.subscription_id is None and not sale.other_product_ids else "sale.v2.avsc"
    record: Any = fastavro.schemaless_reader(io.BytesIO(encode(sale)[HEADER_BYTES:]), published(file), None)
    record["other_product_ids"] = tuple(record.get("other_product_ids", ()))
    record["amount"], record["commission"] = (int(record[n].scaleb(4)) for n in ("amount", "commission"))
    record["occurred_at"] = (record["occurred_at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert Sale(**record) == sale


def test_what_another_writer_encodes_by_the_published_schema_is_read() -> None:
    schema = published("sale.v1.avsc")
    fields = A_SALE._asdict() | {"amount": Decimal("12.5000"), "commission": Decimal(0)}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, fields)
    assert decode_of_sales(header_of(schema) + out.getvalue()) == A_SALE


def test_fingerprints_are_avro_s() -> None:
    assert header_of("null") == b"\xc3\x01" + struct.pack("<Q", 0x63DD24E7CC258F8A)  # the specification's EMPTY vectors


def test_the_schema_s_default_commission_is_zero() -> None:
    field = next(f for f in published("sale.v1.avsc")["fields"] if f["name"] == "commission")
    assert int.from_bytes(field["default"].encode("latin-1"), "big", signed=True) == 0
    assert field["default"]


@pytest.mark.parametrize(("data", "decode"), ENCODED)
def test_every_prefix_is_undecodable(data: bytes, decode: Decode) -> None:
    for length in range(len(data)):
        with pytest.raises(Undecodable):
            decode(data[:length])


@pytest.mark.parametrize(("data", "decode"), ENCODED)
def test_what_is_left_over_is_undecodable(data: bytes, decode: Decode) -> None:
    with pytest.raises(Undecodable, match="1 bytes are left over"):
        decode(data + b"\0")


@given(st.binary(max_size=300), st.sampled_from(["", SALE_NAME, FEEDBACK_NAME]))
@examples(400)
def test_random_bytes_are_refused_and_raise_nothing_else(noise: bytes, framed: str) -> None:
    data = (newest(framed).header if framed else b"") + noise
    for decode_topic in (decode_of_sales, decode_of_feedback):
        with pytest.raises(Refused):
            decode_topic(data)


@given(st.sampled_from(ENCODED), st.data())
@examples(400)
def test_a_damaged_record_raises_nothing_but_refused(encoded: tuple[bytes, Decode], data: st.DataObject) -> None:
    raw, decode = bytearray(encoded[0]), encoded[1]
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(raw))
    except Refused:
        return


def test_an_absurd_length_is_undecodable() -> None:
    for length in (2**20, 2**40, 2**62, -1, -(2**40)):
        with pytest.raises(Undecodable):
            decode_of_sales(newest(SALE_NAME).header + bytes_of(length, b"e1"))


@pytest.mark.parametrize("index", [4, 63, -1, -4])
def test_an_enum_index_that_names_nothing_is_undecodable(index: int) -> None:
    data = encode(A_SALE)
    before = data.index(b"\x04s1") + 3  # the action follows the sale_id
    with pytest.raises(Undecodable, match="action"):
        decode_of_sales(data[:before] + bytes_of(index, b"") + data[before + 1 :])


def test_bad_utf_8_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        decode_of_sales(encode(A_SALE).replace(b"\x04e1", b"\x04\xff\xfe"))


def test_another_event_s_record_is_of_an_unknown_schema_and_says_what_it_is() -> None:
    with pytest.raises(UnknownSchema, match=r"found a posventa\.Sale, expected a posventa\.Feedback"):
        decode_of_feedback(encode(A_SALE))
    with pytest.raises(
        UnknownSchema, match=r"found a posventa\.Sale, expected a .*Reversal, .*Attribution or .*Feedback"
    ):
        decode_one_of(encode(A_SALE), OF_BY_SALE)


def test_an_unknown_fingerprint_is_named() -> None:
    with pytest.raises(UnknownSchema, match="0102030405060708"):
        decode_of_sales(b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08" + encode(A_SALE)[HEADER_BYTES:])


def test_confluent_framing_is_told_what_to_use_instead() -> None:
    with pytest.raises(UnknownSchema, match=r"schema id 7: a schema registry is not supported yet.*single-object"):
        decode_of_sales(b"\0" + struct.pack(">I", 7) + encode(A_SALE)[HEADER_BYTES:])


@pytest.mark.parametrize("data", [b"", b"\0", b"\0abc", b"{}", b"\xc3", b"\xc3\x01", b"Obj\x01"])
def test_what_is_no_framing_is_undecodable(data: bytes) -> None:
    with pytest.raises(Undecodable, match="single-object"):
        decode_of_sales(data)


def with_amount(raw: bytes) -> bytes:
    data = encode(A_SALE._replace(amount=0x5A5A5A))
    return data.replace(b"\x06\x5a\x5a\x5a", bytes_of(len(raw), raw))


def test_decimals_may_be_padded_but_not_empty_or_endless() -> None:
    assert decode_of_sales(with_amount(b"\0" * 13 + b"\x01\xe8\x48")) == A_SALE._replace(amount=125_000)
    for raw in (b"", b"\0" * 17, b"\x7f" * 100_000):
        with pytest.raises(InvalidValue, match="amount"):
            decode_of_sales(with_amount(raw))


def test_negative_and_huge_decimals_are_invalid() -> None:
    for raw in (b"\xff", b"\x7f" * 16, b"\x80" + b"\0" * 15):
        with pytest.raises(InvalidValue, match=r"amount: found .*expected 0 to 10000000000"):
            decode_of_sales(with_amount(raw))
