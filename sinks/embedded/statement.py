"""What a text asks for, as the engine's own parser reads it.

Pure but for the parser, which is handed in: `canonical` writes a statement anew, without comments and with one way of
quoting, and refuses what is not exactly one statement; `reads` classifies it. No text is judged by its own words.
Invariant: what is run is what was judged, the canonical text. Of a text as it came the engine would also run what it takes
for further statements, such as lines of the data of an INSERT, even of one that it is only asked to explain.
"""

import re
from enum import Enum, auto
from itertools import islice
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
    text: bytes  # canonical; of an INSERT without format and data
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
    if (insert := _insert(text, parser)) is not None:
        return insert
    if len(text) > QUERY_BYTES_MAX:
        raise QueryRefused(SYNTAX_ERROR, f"A statement has at most {QUERY_BYTES_MAX} bytes. (SYNTAX_ERROR)")
    canonical = parser.canonical(text)
    text, bare = _bytes(canonical), _QUOTED.sub("''", canonical)
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


def _insert(text: bytes, parser: Grammar) -> Statement | None:
    """The INSERT with the data that stands behind it; None when it is none, or has no data."""
    for place in islice(_DATA.finditer(text, 0, QUERY_BYTES_MAX), _DATA_PLACES_MAX):
        try:
            canonical = parser.canonical(text[: place.end()])
        except QueryRefused:
            continue  # the word stands within a name, a string or a comment
        bare, data = _QUOTED.sub("''", canonical), _data(text, place.end(), place[0])
        insert = _INSERT_FORMAT.fullmatch(canonical)
        if insert is None or _FILES.search(bare):
            return None
        if not _SELECT.search(bare):
            return Statement(Purpose.INSERT, _bytes(insert[1]), insert[2], data)
        if data.strip(b" \t\r\n;"):  # which the engine would read only from one text with the statement
            raise QueryRefused(NOT_IMPLEMENTED, "INSERT ... SELECT takes no data here. (NOT_IMPLEMENTED)")
        return Statement(Purpose.WRITE, _bytes(canonical), "")
    return None


def _bytes(canonical: str) -> bytes:
    return canonical.encode(errors="surrogateescape")


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
