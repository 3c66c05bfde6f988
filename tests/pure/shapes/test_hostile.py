"""Whatever a file holds, each row becomes valid events, refusals or nothing: no row ends the command, none shows an address."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Feedback
from schemas.validation import validate
from streams.shapes.catalogue import SHIPPED, shipped
from streams.shapes.shape import Made, Shape
from tests.support.examples import examples
from tests.support.shaped import SAMPLES, followed, shape_from

ADDRESS = re.compile("ana[.]secret", re.IGNORECASE)
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, False, 0, -1, 1.5, 10**40, "", " ", "ana.secret@example.com", "\u0000", "\ud800", "x" * 300, "é",
         "2026-02-30", "9999-12-31T23:59:59-12:00", "NaN", "1e5", "-0", [], {}, [None], [[]], {"a": {}}]
    ),
    st.text(max_size=8),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip


def shapes(format_: str) -> list[tuple[str, Shape]]:
    flat = {
        "customer_id": "@reviewer_email",
        "feedback_id": "@rating",
        "occurred_at": "@review_date",
        "comment": "@body",
    }
    said = {name: {"offering": "PHYSICAL"} for name in ("woocommerce", "stripe", "segment")} | {"csv": flat}
    found = [(name, shape_from(shipped(name), brand_id="norte", **said.get(name, {}))) for name in SHIPPED]
    return [(name, shape) for name, shape in found if (shape.format == "csv") == (format_ == "csv")]


TEXTS = [
    text
    for path in sorted(SAMPLES.glob("*.json*"))
    for text in ([path.read_text()] if path.suffix == ".json" else path.read_text().splitlines())
]
DOCUMENTS = [row for found in map(json.loads, TEXTS) for row in (found if isinstance(found, list) else [found])]
JSON_SHAPES, CSV_SHAPES = shapes("json"), shapes("csv")


def leaves(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [here, *(place for key, part in inner for place in leaves(part, (*here, key)))]
    return [here]


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A sample's document with a few of its values, or whole parts of it, changed."""
    document = json.loads(json.dumps(draw(st.sampled_from(DOCUMENTS))))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(leaves(document)[1:]))
        target = document
        for key in place[:-1]:
            target = target[key]
        target[place[-1]] = json.loads(json.dumps(draw(ODD)))  # a copy of its own
    return json.dumps(document).encode()


def holds(name: str, shape: Shape, data: bytes) -> None:
    """What is true of any file."""
    for _, outcome in followed(shape, data):
        told = repr(outcome)
        if isinstance(outcome, Made):
            validate(outcome.event)
            if isinstance(outcome.event, Feedback):
                told = repr(outcome.event._replace(comment=None))  # a customer's own words stay as they are
        assert not ADDRESS.search(told), name


@examples(300)
@given(documents())
def test_documents_that_are_odd_end_nothing(data: bytes) -> None:
    for name, shape in JSON_SHAPES:
        holds(name, shape, data)


CSV_FILES = sorted(SAMPLES.glob("*.csv"))


@examples(150)
@given(st.sampled_from(CSV_FILES), st.lists(st.tuples(st.integers(0, 3000), ODD), min_size=1, max_size=4))
def test_rows_that_are_odd_end_nothing(path: Any, changes: list[tuple[int, Any]]) -> None:
    data = path.read_bytes()
    for place, odd in changes:
        at = place % len(data)
        data = data[:at] + str(odd).encode("utf-8", "surrogatepass") + data[at + 1 :]
    for name, shape in CSV_SHAPES:
        holds(name, shape, data)


@examples(200)
@given(
    st.binary(max_size=200)
    | st.sampled_from([b"[" * 5_000, b"{" * 5_000, b'"' * 99, b"[{}", b"\xef\xbb\xbf", b"a=%zz"])
)
def test_bytes_that_are_no_file_end_nothing(data: bytes) -> None:
    for name, shape in (*JSON_SHAPES, *CSV_SHAPES):
        holds(name, shape, data)
