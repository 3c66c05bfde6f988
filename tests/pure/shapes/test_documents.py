"""Documents of JSON: one, many, a line each or an array of any length; numbers exact; memory of one document."""

import json
import tracemalloc
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.shapes.documents import DOCUMENT_BYTES_MAX, documents
from streams.shapes.mapping import Json
from streams.shapes.rows import ReadRow


def read(data: bytes, *, is_by_line: bool = False, **form: object) -> list[tuple[int, Any]]:
    rows = documents(BytesIO(data), Json.model_validate(form), is_by_line=is_by_line)
    return [(row.number, row.fields if isinstance(row, ReadRow) else row.why) for row in rows]


ONE, TWO = {"a": 1}, {"b": [True, None, "ñ"]}


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        ('{"a": 1}\n{"b": [true, null, "ñ"]}\n', [1, 2]),
        ('\n{"a": 1}\n\n{"b": [true, null, "ñ"]}', [2, 4]),
        ('[{"a": 1}, {"b": [true, null, "ñ"]}]', [1, 2]),
        ('[\n{"a": 1}\n,\n{"b": [true,\nnull, "ñ"]}\n]\n', [1, 2]),
        ('{\n "a": 1\n}\n{\n "b": [true, null, "ñ"]\n}\n', [1, 2]),
        ('\ufeff[{"a": 1},{"b": [true,null,"ñ"]}]', [1, 2]),
    ],
)
def test_documents_are_read_however_they_lie(data: str, numbers: list[int]) -> None:
    assert read(data.encode()) == [(numbers[0], ONE), (numbers[1], TWO)]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b"[ \n ]"])
def test_nothing_is_nothing(data: bytes) -> None:
    assert read(data) == []


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=4), max_size=30),
       st.sampled_from([None, 1]))  # fmt: skip
def test_an_array_is_read_as_json_reads_it(found: list[dict[str, Any]], indent: int | None) -> None:
    data = json.dumps(found, indent=indent).encode()
    assert read(data) == list(enumerate(found, start=1))


def test_numbers_are_never_floats() -> None:
    ((_, fields),) = read(b'{"a": 37.9, "b": 0.1, "c": 1e2, "d": 890}')
    assert fields == {"a": Decimal("37.9"), "b": Decimal("0.1"), "c": Decimal("1E+2"), "d": 890}
    assert [type(value) for value in fields.values()] == [Decimal, Decimal, Decimal, int]


@pytest.mark.parametrize(
    "bad", ["{", '{"a": 1,}', '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, '{"a": ' + "9" * 5_000 + "}", '"x"', "1"]
)
def test_a_line_that_is_no_document_is_refused_and_the_rest_is_read(bad: str) -> None:
    found = read(f'{{"a": 1}}\n{bad}\n{{"a": 2}}\n'.encode())
    assert [number for number, _ in found] == [1, 2, 3]
    assert isinstance(found[1][1], str)
    assert found[2][1] == {"a": 2}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'[{"a": 1}, {"a": ]', "what follows it is not read"),
        (b'[{"a": 1} {"a": 2}]', "expected ','"),
        (b'[{"a": 1}', "expected ','"),
        (b'[{"a": 1}, ', "ends within its array"),
        (b'[{"a": 1}, {"b": 1, "b": 2}]', "more than once"),
        (b'[{"a": 1}, {"b": "\xff"}]', "not UTF-8"),
    ],
)
def test_an_array_that_breaks_off_gives_what_is_before_and_says_so(data: bytes, why: str) -> None:
    found = read(data)
    assert found[0] == (1, ONE) or why == "not UTF-8"
    assert why in found[-1][1]


def test_an_element_that_is_no_object_is_refused_by_its_number() -> None:
    assert read(b'[1, {"a": 1}]') == [(1, "a JSON int, and no object"), (2, ONE)]


def test_a_line_that_is_too_long_is_refused_and_the_rest_is_read() -> None:
    long = b'{"a": "' + b"x" * DOCUMENT_BYTES_MAX + b'"}\n'
    found = read(b'{"a": 1}\n' + long + b'{"a": 1}\n')
    assert found == [(1, ONE), (2, f"longer than {DOCUMENT_BYTES_MAX:,} bytes"), (3, ONE)]


def test_rows_within_a_document_have_its_number() -> None:
    assert read(b'{"orders": [{"a": 1}, {"b": [true, null, "\xc3\xb1"]}]}', rows="orders") == [(1, ONE), (1, TWO)]


def test_a_field_of_a_form_holds_a_document_and_a_recorded_head_is_passed_over() -> None:
    body = b"x=1\r\n\r\npush=%7B%22a%22%3A+1%7D\r\n"
    assert read(b"POST /hook HTTP/1.1\r\nHost: x\r\n\r\npush=%7B%22a%22%3A+1%7D", form_field="push") == [(4, ONE)]
    assert read(body, form_field="push") == [(3, ONE)]
    assert read(b"push=%7B%22a%22%3A+1%7D", form_field="push") == [(1, ONE)]
    assert read(b'{"a": 1}\n', form_field="push") == [(1, ONE)]


def test_by_line_a_line_is_a_document() -> None:
    found = read(b'{"a":\n{"a": 1}\n', is_by_line=True)
    assert [number for number, _ in found] == [1, 2]
    assert found[1][1] == ONE


def test_memory_does_not_grow_with_an_array() -> None:
    class Endless(BytesIO):
        """An array that is made as it is read."""

        def __init__(self, elements: int) -> None:
            self.left, self.begun = elements, False

        def readline(self, size: int | None = -1, /) -> bytes:
            self.begun = True
            return b"["

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.left:
                return b""
            now = min(self.left, 2_000)
            self.left -= now
            return b",".join([b'{"a": "' + b"x" * 50 + b'"}'] * now) + (b"," if self.left else b"]")

    def peak(elements: int) -> int:
        tracemalloc.start()
        assert sum(1 for _ in documents(Endless(elements), Json(), is_by_line=False)) == elements
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(12_000) < peak(3_000) + 500_000
