"""Rows of a file, or orders of several rows: each with its number, or why it can't be read.

Owns CSV. Pure: takes lines of bytes. Invariants: memory does not grow with the file; a row that can't be read is named by its
number, and the rest is read. Numbers count records from 1, header and skipped rows too, as a spreadsheet shows them.
"""

import codecs
import csv
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from streams.shapes.mapping import Csv
from streams.shapes.telling import as_found

ORDER_ROWS_MAX: Final = 1_000
_CELL_CHARACTERS_MAX: Final = 131_072
_RECORD_LINES_MAX: Final = 2_000  # a quote that nobody closed would take the rest of the file
_ORDERS_REMEMBERED: Final = 100_000  # of those that were read, to tell one that comes again


class ReadRow(NamedTuple):
    """One row or document, or the rows of one order: its first non-empty values, and all of its rows."""

    number: int
    fields: dict[str, Any]
    rows: list[dict[str, Any]]


class UnreadRow(NamedTuple):
    """What can't be read, and why."""

    number: int
    field: str
    why: str


def csv_rows(lines: Iterable[bytes], form: Csv, needed: frozenset[str]) -> Iterator[ReadRow | UnreadRow]:
    """The rows of a CSV file whose header has the columns that are `needed`, or their aliases."""
    rows = _rows(lines, form, needed)
    return rows if form.order is None else _orders(rows, form.order)


def _rows(lines: Iterable[bytes], form: Csv, needed: frozenset[str]) -> Iterator[ReadRow | UnreadRow]:
    decoder = _Lines(lines, form.encoding)
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    delimiter = "\t" if form.delimiter == "tab" else form.delimiter
    reader = csv.reader(decoder, delimiter=delimiter, quotechar=form.quote, strict=True)
    header: list[str] = []
    number = 0
    while True:
        number += 1
        decoder.begin()
        try:
            cells = next(reader)
        except StopIteration:
            if not header:
                yield UnreadRow(number, "", "no header: the file has no row")
            return
        except csv.Error as error:
            yield UnreadRow(number, "", f"no row of CSV: {error}")
            continue
        if number <= form.skip_rows or not any(cells):
            continue
        if decoder.broken:
            yield UnreadRow(number, "", f"not {form.encoding}: {decoder.broken}")
        elif not header:
            header = _header(cells, form)
            if (fault := _header_fault(header, needed)) is not None:
                yield UnreadRow(number, *fault)
                return
        elif len(cells) != len(header):
            yield UnreadRow(number, "", f"{len(cells)} cells, and the header has {len(header)}")
        else:
            fields = dict(zip(header, cells, strict=True))
            yield ReadRow(number, fields, [fields])


def _header(cells: list[str], form: Csv) -> list[str]:
    names = {alias: name for name, aliases in form.columns.items() for alias in aliases}
    return [names.get(cell.strip(), cell.strip()) for cell in cells]


def _header_fault(header: list[str], needed: frozenset[str]) -> tuple[str, str] | None:
    twice = sorted({name for name in header if name and header.count(name) > 1} & (needed | set(header)))
    if twice:
        return twice[0], f"column {as_found(twice[0])} stands twice in the header"
    if missing := sorted(needed - set(header)):
        return missing[0], f"no column {as_found(missing[0])}; the header has {', '.join(map(as_found, header))[:300]}"
    return None


def _orders(rows: Iterator[ReadRow | UnreadRow], column: str) -> Iterator[ReadRow | UnreadRow]:
    """Rows that follow each other with one value in the column are one order."""
    before: OrderedDict[str, int] = OrderedDict()  # the orders read lately, with their rows' numbers
    order: ReadRow | None = None
    key = ""
    for row in rows:
        if isinstance(row, UnreadRow):
            yield row
            continue
        here = str(row.fields.get(column, "")).strip()
        if order is not None and here and here == key:
            if len(order.rows) <= ORDER_ROWS_MAX:  # one more tells that they are too many
                _add(order, row)
            continue
        if order is not None:
            yield _whole(order, key, before, column)
        order, key = ReadRow(row.number, dict(row.fields), [row.fields]), here
    if order is not None:
        yield _whole(order, key, before, column)


def _add(order: ReadRow, row: ReadRow) -> None:
    order.rows.append(row.fields)
    for name, value in row.fields.items():
        if not order.fields[name].strip():
            order.fields[name] = value


def _whole(order: ReadRow, key: str, before: OrderedDict[str, int], column: str) -> ReadRow | UnreadRow:
    if len(order.rows) > ORDER_ROWS_MAX:
        return UnreadRow(order.number, column, f"more than {ORDER_ROWS_MAX:,} rows of one order")
    if not key:
        return order
    if key in before:
        why = f"{as_found(key)} again, after row {before[key]}: the rows of one order stand together; sort the file"
        return UnreadRow(order.number, column, why)
    before[key] = order.number
    if len(before) > _ORDERS_REMEMBERED:
        before.popitem(last=False)
    return order


class _Lines:
    """Lines of text for the csv module, which knows no bytes; remembers what of one record was not readable."""

    def __init__(self, lines: Iterable[bytes], encoding: str) -> None:
        self._lines, self._encoding = iter(lines), encoding
        self._count, self._is_first = 0, True
        self.broken = ""

    def begin(self) -> None:
        """Another record begins."""
        self._count, self.broken = 0, ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._count += 1
        if self._count > _RECORD_LINES_MAX:
            raise csv.Error(f"a quote that is not closed within {_RECORD_LINES_MAX:,} lines")
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError as error:
            self.broken = f"{error.reason} at byte {error.start + 1}"
            return line.decode(self._encoding, "replace")
