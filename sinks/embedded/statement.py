"""What a text asks for, as the engine's own parser reads it.

Pure but for the parser, which is handed in: `canonical` writes a statement anew, without comments and with one way of
quoting, and refuses what is not exactly one statement; `reads` classifies it. No text is judged by its own words.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from sinks.embedded.errors import ACCESS_DENIED, NOT_IMPLEMENTED, SYNTAX_ERROR, QueryRefused
from sinks.embedded.rights import QUERY_BYTES_MAX


class Purpose(Enum):
    """What a statement does."""

    SELECT = auto()
    READ = auto()  # SHOW, DESCRIBE, EXPLAIN and their like
    INSERT = auto()  # with its data behind it
    WRITE = auto()  # anything else that changes data, tables or rights
    SET = auto()  # SET and USE: of the session
    KILL = auto()  # KILL QUERY


class Grammar(Protocol):
    """The engine's parser. Both raise QueryRefused as the engine has it."""

    def canonical(self, text: bytes) -> str:
        """The one statement of the text, on one line; without the data of an INSERT."""

    def reads(self, canonical: str) -> bool:
        """Whether it only reads."""


class Statement(NamedTuple):
    """One statement. `format` is that of its answer, of an INSERT that of its data; '' when it names none."""

    purpose: Purpose
    text: bytes  # for the engine; of an INSERT without format and data
    format: str
    data: bytes = b""
    kill: tuple[str, bool] = ("", False)  # of KILL QUERY: whose query_id, and whether to wait for its end


# On canonical text alone, in which nothing else looks like a quoted piece.
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`", re.DOTALL)
_FILES: Final = re.compile(r"\b(INTO OUTFILE|FROM INFILE)\b")
_FORMAT: Final = re.compile(r" FORMAT `?(\w+)`?(?= SETTINGS |$)")
_INSERT_FORMAT: Final = re.compile(r"(INSERT INTO .*) FORMAT `?(\w+)`?", re.DOTALL)
_SELECT: Final = re.compile(r"\bSELECT\b")
_SET: Final = re.compile(r"USE |SET \w+ = ")
_KILL: Final = re.compile(r"KILL QUERY WHERE query_id = '((?:[^'\\]|\\.)*)' (SYNC|ASYNC)(?: FORMAT .*)?", re.DOTALL)
# Where the data of an INSERT may begin; whether it does, the parser says.
_DATA: Final = re.compile(rb"\bFORMAT\s+`?\w+`?|\bVALUES\b", re.IGNORECASE)
_DATA_PLACES_MAX: Final = 20


def read_statement(text: bytes, parser: Grammar) -> Statement:
    """The one statement of `text`. Raises QueryRefused, also for what nobody may ask for over HTTP."""
    insert = next(_inserts(text, parser), None)
    if insert is not None:
        return insert
    if len(text) > QUERY_BYTES_MAX:
        raise QueryRefused(SYNTAX_ERROR, f"A statement has at most {QUERY_BYTES_MAX} bytes. (SYNTAX_ERROR)")
    canonical = parser.canonical(text)
    bare = _QUOTED.sub("''", canonical)
    if outside := _FILES.search(bare):
        raise QueryRefused(ACCESS_DENIED, f"{outside[1]} reaches outside of the database. (ACCESS_DENIED)")
    asked = _FORMAT.search(bare)
    form = asked[1] if asked else ""
    if kill := _KILL.fullmatch(canonical):
        query_id = re.sub(r"\\(.)", r"\1", kill[1])
        return Statement(Purpose.KILL, text, form, kill=(query_id, kill[2] == "SYNC"))
    if canonical.startswith(("SET ", "USE ", "KILL ", "EXECUTE ", "BEGIN ", "COMMIT", "ROLLBACK")):
        if not _SET.match(canonical):
            raise QueryRefused(
                ACCESS_DENIED,
                f"{bare}: not over this interface; KILL QUERY takes WHERE query_id = '...'. (ACCESS_DENIED)",
            )
        return Statement(Purpose.SET, text, form)
    if not parser.reads(canonical):
        return Statement(Purpose.WRITE, text, form)
    return Statement(Purpose.SELECT if canonical.startswith(("SELECT ", "WITH ")) else Purpose.READ, text, form)


def _inserts(text: bytes, parser: Grammar) -> Iterator[Statement]:
    """The INSERT whose data stands in the text, if it is one."""
    for number, place in enumerate(_DATA.finditer(text, 0, QUERY_BYTES_MAX)):
        if number == _DATA_PLACES_MAX:
            return
        try:
            canonical = parser.canonical(text[: place.end()])
        except QueryRefused:
            continue  # the word stands within a name, a string or a comment
        bare = _QUOTED.sub("''", canonical)
        insert = _INSERT_FORMAT.fullmatch(canonical)
        if insert is None or _FILES.search(bare):
            return
        if _SELECT.search(bare):
            # The engine reads data behind a query only from one text, of which it might take lines for statements.
            if text[place.end() :].strip(b" \t\r\n;"):
                raise QueryRefused(NOT_IMPLEMENTED, "INSERT ... SELECT takes no data here. (NOT_IMPLEMENTED)")
            yield Statement(Purpose.WRITE, text[: place.end()], "")
        yield Statement(
            Purpose.INSERT, insert[1].encode(errors="surrogateescape"), insert[2], _data(text, place.end(), place[0])
        )


def _data(text: bytes, start: int, word: bytes) -> bytes:
    """After FORMAT and its name the rest of that line is skipped, if it is blank."""
    if word[:1] in b"Ff":
        while text[start : start + 1] in (b" ", b"\t", b"\f"):
            start += 1
        if text[start : start + 1] == b"\r":
            start += 1
        if text[start : start + 1] == b"\n":
            start += 1
    return text[start:]
