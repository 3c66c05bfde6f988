"""Rows of CSV: each read or refused by its number; orders whole; memory that does not grow."""

import tracemalloc
from collections.abc import Iterator

import pytest

from streams.shapes.mapping import Csv
from streams.shapes.rows import ORDER_ROWS_MAX, ReadRow, UnreadRow, csv_rows

NONE: frozenset[str] = frozenset()


def read(text: bytes, needed: frozenset[str] = NONE, /, **form: object) -> list[tuple[int, dict[str, str] | str]]:
    rows = csv_rows(text.splitlines(keepends=True), Csv.model_validate(form), needed)
    return [(row.number, row.fields if isinstance(row, ReadRow) else row.why) for row in rows]


def test_rows_have_the_numbers_of_a_spreadsheet() -> None:
    assert read(b"a,b\n1,2\n\n3,4\n") == [(2, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "4"})]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (b"\xef\xbb\xbfa;b\r\n1;x\r\n", {"delimiter": ";"}),
        (b"a\tb\n1\tx\n", {"delimiter": "tab"}),
        (b"The shop\nNovember\na,b\n1,x\n", {"skip_rows": 2}),
        (b" a ,b\n1,x\n", {}),
        (b"order,b\n1,x\n", {"columns": {"a": ["Order", "order"]}}),
        (b"a,b\n'1','x'\n", {"quote": "'"}),
    ],
)
def test_a_file_is_read_as_its_mapping_says(text: bytes, form: dict[str, object]) -> None:
    assert [fields for _, fields in read(text, NONE, **form)] == [{"a": "1", "b": "x"}]


def test_a_text_of_another_encoding_is_read_or_refused_by_row() -> None:
    assert read("a\nñ\n".encode("windows-1252"), encoding="windows-1252") == [(2, {"a": "ñ"})]
    assert read(b"a\n\xf1\nb\n") == [(2, "not utf-8: invalid continuation byte at byte 1"), (3, {"a": "b"})]


def test_a_row_that_is_torn_is_refused_and_the_rest_is_read() -> None:
    found = read(b'a,b\n1\n2,3,4\n"x"y,1\n5,6\n')
    assert [(number, isinstance(fields, dict)) for number, fields in found] == [
        (2, False),
        (3, False),
        (4, False),
        (5, True),
    ]
    assert found[0][1] == "1 cells, and the header has 2"


def test_a_quote_that_nobody_closes_takes_no_more_than_its_limit() -> None:
    found = read(b'a,b\n1,"x\n' + b"2,y\n" * 5_000)
    assert isinstance(found[0][1], str)
    assert "not closed within 2,000 lines" in found[0][1]
    assert found[-1][1] == {"a": "2", "b": "y"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no header"),
        (b"a,b\n1,2\n", "no column 'c'; the header has 'a', 'b'"),
        (b"c,c\n1,2\n", "stands twice"),
    ],
)
def test_a_header_that_does_not_fit_refuses_the_file(text: bytes, why: str) -> None:
    ((number, told),) = read(text, frozenset({"c"}))
    assert number == 1
    assert why in str(told)


def orders(text: bytes) -> list[ReadRow | UnreadRow]:
    return list(csv_rows(text.splitlines(keepends=True), Csv(order="id"), NONE))


def test_rows_of_one_order_are_one_and_the_first_value_counts() -> None:
    assert orders(b"id,a,b\n1,,x\n1,y,z\n2,q,\n") == [
        ReadRow(2, {"id": "1", "a": "y", "b": "x"}, [{"id": "1", "a": "", "b": "x"}, {"id": "1", "a": "y", "b": "z"}]),
        ReadRow(4, {"id": "2", "a": "q", "b": ""}, [{"id": "2", "a": "q", "b": ""}]),
    ]


def test_an_order_that_comes_again_is_refused() -> None:
    found = orders(b"id\n1\n2\n1\n")
    assert [row.number for row in found if isinstance(row, ReadRow)] == [2, 3]
    assert found[-1] == UnreadRow(
        4, "id", "'1' again, after row 2: the rows of one order stand together; sort the file"
    )


def test_rows_without_an_order_are_by_themselves() -> None:
    assert [len(row.rows) for row in orders(b"id,a\n,1\n,2\n") if isinstance(row, ReadRow)] == [1, 1]


def test_an_order_of_too_many_rows_is_refused_as_a_whole() -> None:
    found = orders(b"id\n" + b"1\n" * (ORDER_ROWS_MAX + 500) + b"2\n")
    assert [type(row) for row in found] == [UnreadRow, ReadRow]
    assert len(found[1].rows) == 1 if isinstance(found[1], ReadRow) else False
    assert [type(row) for row in orders(b"id\n" + b"1\n" * ORDER_ROWS_MAX)] == [ReadRow]


@pytest.mark.parametrize("order", [None, "id"])
def test_memory_does_not_grow_with_the_file(order: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def lines(count: int) -> Iterator[bytes]:
        yield b"id,a\n"
        yield from (b"7,x\n" if order is None else b"%d,x\n" % (number % 1_000_000) for number in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        read_rows = 0
        for row in csv_rows(lines(count), Csv(order=order), NONE):
            assert isinstance(row, ReadRow)
            read_rows += 1
        assert read_rows == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    monkeypatch.setattr("streams.shapes.rows._ORDERS_REMEMBERED", 100)  # of which a little is known for so long
    assert peak(8_000) < peak(1_000) + 50_000
