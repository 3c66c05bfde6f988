"""The short way from bytes to events gives what fastavro gives, or leaves it to fastavro."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from fastavro import schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode, read_any
from schemas.events import Attribution, Event, Feedback, Reversal, Sale
from schemas.registry import ATTRIBUTION_NAME, BY_HEADER, FEEDBACK_NAME, REVERSAL_NAME, SALE_NAME, newest
from schemas.wire import read_attribution, read_feedback, read_reversal, read_sale
from tests.pure.schemas.test_codec import A_REVERSAL, A_SALE, A_SALE_V2, AN_ANSWER, AN_ANSWER_V2, AN_ATTRIBUTION
from tests.support.examples import examples
from tests.support.strategies import all_events, feedbacks, sales

WAYS: dict[type[Event], tuple[str, Callable[[bytes], Event | None]]] = {
    Sale: (SALE_NAME, read_sale),
    Reversal: (REVERSAL_NAME, read_reversal),
    Attribution: (ATTRIBUTION_NAME, read_attribution),
    Feedback: (FEEDBACK_NAME, read_feedback),
}

EVENTS: list[Event] = [A_SALE, A_SALE_V2, A_REVERSAL, AN_ATTRIBUTION, AN_ANSWER, AN_ANSWER_V2]


def in_the_newest(event: Event) -> bytes:
    """The event as others write it, who know the newest schema alone."""
    schema = newest(WAYS[type(event)][0])
    record: dict[str, Any] = event._asdict()
    for field in record.keys() & schema.symbols.keys():
        record[field] = None if record[field] is None else schema.symbols[field].index(record[field])
    for field in record.keys() & {"amount", "commission"}:
        record[field] = None if record[field] is None else record[field].to_bytes(9, "big", signed=True)
    for field in record.keys() & {"findings", "scores"}:
        record[field] = [
            {name: schema.symbols[name].index(part) if name in schema.symbols else part for name, part in item}
            for item in (item._asdict().items() for item in record[field])
        ]
    out = BytesIO()
    out.write(schema.header)
    schemaless_writer(out, schema.plain, record)
    return out.getvalue()


@given(all_events())
@examples(200)
def test_what_avro_libraries_write_goes_the_short_way_by_every_schema(event: Event) -> None:
    _, short = WAYS[type(event)]
    assert short(encode(event)) == event
    assert short(in_the_newest(event)) == event


@given(st.one_of(sales(), feedbacks()))
@examples(100)
def test_the_newest_bytes_say_what_the_older_say(event: Event) -> None:
    kind, _ = WAYS[type(event)]
    assert read_any(in_the_newest(event), (kind,)) == read_any(encode(event), (kind,)) == event


def test_every_published_schema_has_its_layout() -> None:
    readers = dict(WAYS.values())
    for header, schema in BY_HEADER.items():
        written = [
            data for event in EVENTS for data in (encode(event), in_the_newest(event)) if data.startswith(header)
        ]
        assert written, f"no example of {schema.full_name} v{schema.version}"
        assert all(readers[schema.full_name](data) is not None for data in written)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    """Bytes of an event in which some were exchanged, added or taken out; sometimes by those that are special in Avro."""
    event = draw(st.sampled_from(EVENTS) if draw(st.integers(0, 9)) else all_events())
    data = bytearray(encode(event))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(10, len(data) - 1)) if len(data) > 10 else 10
        new = draw(
            st.sampled_from([b"", b"\x00", b"\x01", b"\x02", b"\x80\x00", b"\xff", b"\x84\x00"])
            | st.binary(max_size=11)
        )
        data[at : at + draw(st.integers(0, 2))] = new
    return type(event), bytes(data)


@examples(2000)
@given(damaged())
def test_damaged_bytes_are_read_as_fastavro_reads_them_or_left_to_it(case: tuple[type[Event], bytes]) -> None:
    kind, data = case
    name, short = WAYS[kind]
    found = short(data)
    if found is not None:
        assert found == read_any(data, (name,))
