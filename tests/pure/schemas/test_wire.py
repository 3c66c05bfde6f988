"""The short way from bytes to events gives what fastavro gives, or leaves it to fastavro."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode, read_any_feedback, read_any_sale
from schemas.events import Event, Feedback, Sale
from schemas.registry import FEEDBACK_NAME, SALE_NAME, newest
from schemas.wire import FEEDBACK_V1, SALE_V1, read_feedback, read_sale
from tests.support.examples import examples
from tests.support.strategies import feedbacks, sales

WAYS: dict[type[Event], tuple[Callable[[bytes], Event | None], Callable[[bytes], Event]]] = {
    Sale: (read_sale, read_any_sale),
    Feedback: (read_feedback, read_any_feedback),
}


def test_the_layouts_are_those_of_the_newest_schemas() -> None:
    assert (newest(SALE_NAME).header, newest(FEEDBACK_NAME).header) == (SALE_V1, FEEDBACK_V1)


@given(sales() | feedbacks())
def test_what_avro_libraries_write_goes_the_short_way(event: Event) -> None:
    short, _ = WAYS[type(event)]
    assert short(encode(event)) == event


@st.composite
def damaged(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    """Bytes of an event in which some were exchanged, added or taken out; sometimes by those that are special in Avro."""
    event = draw(sales() | feedbacks())
    data = bytearray(encode(event))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(10, len(data) - 1)) if len(data) > 10 else 10
        new = draw(
            st.sampled_from([b"", b"\x00", b"\x01", b"\x02", b"\x80\x00", b"\xff", b"\x84\x00"])
            | st.binary(max_size=11)
        )
        data[at : at + draw(st.integers(0, 2))] = new
    return type(event), bytes(data)


@examples(1500)
@given(damaged())
def test_damaged_bytes_are_read_as_fastavro_reads_them_or_left_to_it(case: tuple[type[Event], bytes]) -> None:
    kind, data = case
    short, any_way = WAYS[kind]
    found = short(data)
    if found is not None:
        assert found == any_way(data)
