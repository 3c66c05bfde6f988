"""JSON documents of a file: one a line, one over many lines, or an array of any length.

Owns how documents lie in a file. Pure: takes what has read() and readline(). Invariants: numbers with a fraction are Decimal,
never float; memory holds one document at a time; what can't be read is named by its number.
"""

import codecs
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from streams.shapes.expressions import NoFit
from streams.shapes.mapping import Json
from streams.shapes.rows import ReadRow, UnreadRow
from streams.shapes.telling import as_found as shown

DOCUMENT_BYTES_MAX: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_BLANK: Final = " \t\r\n"


class DocumentFile(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes:
        """So many bytes at most; none at the end."""

    def readline(self, size: int, /) -> bytes:
        """A line, or so many bytes of it."""


class _Twice(ValueError):
    """A key stands twice in an object: each reader would take another of its values."""


class _Cut(Exception):
    """What follows can't be told apart any more."""


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _Twice(f"{shown(twice)} more than once in an object")
    return found


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)


def documents(source: DocumentFile, form: Json, *, is_by_line: bool) -> Iterator[ReadRow | UnreadRow]:
    """The documents, and of each the rows in it, if the mapping says where."""
    for number, found in _numbered(source, form, is_by_line):
        if isinstance(found, str):
            yield UnreadRow(number, "", found)
        else:
            yield from _within(number, found, form)


def _within(number: int, found: Any, form: Json) -> Iterator[ReadRow | UnreadRow]:
    rows = found
    if form.rows is not None and isinstance(found, dict):
        try:
            rows = form.rows.find(found)
        except NoFit as error:
            yield UnreadRow(number, "", f"its rows are not found: {error}")
            return
    for row in rows if form.rows is not None and isinstance(rows, list) else [rows]:
        if isinstance(row, dict):
            yield ReadRow(number, row, [row])
        else:
            yield UnreadRow(number, "", f"a JSON {type(row).__name__}, and no object")


def _numbered(source: DocumentFile, form: Json, is_by_line: bool) -> Iterator[tuple[int, Any]]:
    """Each document with its number: the line, or which one it is. Text instead of one says why it can't be read."""
    first, blank = b"", 0
    while not first.strip():
        first = source.readline(DOCUMENT_BYTES_MAX + 1)
        if not first:
            return
        if blank == 0:
            first = first.removeprefix(codecs.BOM_UTF8)
        blank += 1
    begins = first.lstrip()[:1]
    is_in_lines = first.rstrip().endswith(b"}") or (form.form_field is not None and begins not in b"{[")
    if begins == b"[" and not is_by_line:
        yield from _streamed(source, first, is_array=True)
    elif is_by_line or is_in_lines:
        yield from _lines(source, first, blank, form)
    else:
        yield from _streamed(source, first, is_array=False)


def _lines(source: DocumentFile, first: bytes, number: int, form: Json) -> Iterator[tuple[int, Any]]:
    is_head = (
        bool(form.form_field) and first[:1].isalpha() and not _is_form(first, form)
    )  # a request as it was recorded
    line = first
    while line:
        if is_head:
            is_head = bool(line.strip())
        elif line.strip():
            if len(line) > DOCUMENT_BYTES_MAX:
                yield number, f"longer than {DOCUMENT_BYTES_MAX:,} bytes"
                while len(line) > DOCUMENT_BYTES_MAX and not line.endswith(b"\n"):
                    line = source.readline(DOCUMENT_BYTES_MAX + 1)
            else:
                yield number, _parsed(line, form)
        line = source.readline(DOCUMENT_BYTES_MAX + 1)
        number += 1


def _is_form(line: bytes, form: Json) -> bool:
    return form.form_field is not None and line.startswith(form.form_field.encode() + b"=")


def _parsed(text: bytes, form: Json) -> Any:
    """The document, or why it is none."""
    try:
        told = text.decode("utf-8-sig")
        if _is_form(text, form) and form.form_field:
            told = parse_qs(told.strip(), strict_parsing=True, max_num_fields=100)[form.form_field][0]
        return _DECODER.decode(told.strip(_BLANK))
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start + 1}"
    except (ValueError, RecursionError) as error:
        return _why(error)


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    return "not JSON: nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {str(error)[:200]}"


def _streamed(source: DocumentFile, first: bytes, *, is_array: bool) -> Iterator[tuple[int, Any]]:
    """Documents one after the other, or the elements of one array, as they come."""
    number = 0
    try:
        window = _Window(source, first)
        if is_array:
            window.take("[")
        while True:
            ahead = window.ahead()
            if is_array and ahead == "]" and number == 0:
                return
            if not ahead:
                if is_array:
                    yield number + 1, "the file ends within its array"
                return
            number += 1
            try:
                yield number, window.value()
            except _Twice as error:
                yield number, _why(error)
                return
            if is_array:
                if (ahead := window.ahead()) == "]":
                    return
                window.take(",")
    except _Cut as cut:
        yield max(number, 1), f"{cut}; what follows it is not read"


class _Window:
    """The part of a file that is looked at: one document, and what was read beyond it."""

    def __init__(self, source: DocumentFile, first: bytes) -> None:
        self._source = source
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at, self._is_ended = self._decoded(first), 0, False

    def ahead(self) -> str:
        """The next character that is not blank; none at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Passes over a character that must be there."""
        if (found := self.ahead()) != character:
            raise _Cut(f"not JSON: found {shown(found) if found else 'the end'}, expected {character!r}")
        self._at += 1

    def value(self) -> Any:
        """The next document."""
        self.ahead()
        while True:
            try:
                found, self._at = _DECODER.raw_decode(self._text, self._at)
                return found
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > DOCUMENT_BYTES_MAX:
                    raise _Cut(f"not JSON, or longer than {DOCUMENT_BYTES_MAX:,} bytes") from None
                if not self._more():
                    raise _Cut(f"not JSON: {error.msg}") from None
            except RecursionError:
                raise _Cut("not JSON: nested too deeply") from None
            except ValueError as error:
                raise _Cut(str(error)[:200]) if not isinstance(error, _Twice) else error from None

    def _more(self) -> bool:
        """Reads as much again as there is, so that a long document costs its length."""
        if self._is_ended:
            return False
        chunk = self._source.read(max(_CHUNK_BYTES, len(self._text) - self._at))
        self._is_ended = not chunk
        self._text, self._at = self._text[self._at :] + self._decoded(chunk), 0
        return bool(chunk)

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._decode.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _Cut(f"not UTF-8: {error.reason}") from None
