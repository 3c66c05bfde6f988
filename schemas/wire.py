"""The short way from bytes to events: records of every published schema, written the way Avro libraries write them.

Owns the byte layouts, each named by its schema's fingerprint. Never refuses anything: what is not plain (another
schema, odd encodings that Avro allows, or nonsense) is None, and fastavro decides. Invariant: what comes out is what
fastavro reads from the same bytes (tests/pure/schemas/test_wire.py).
"""

from typing import Final, final

from schemas.events import Attribution, Feedback, Finding, Reversal, Sale, Score
from schemas.measures import VERDICTS
from schemas.registry import HEADER_BYTES
from schemas.validation import FEEDBACK_ACTIONS, METRICS, OFFERINGS, REVERSAL_KINDS, SALE_ACTIONS

SALE_V1: Final = bytes.fromhex("c301 beb5d0ec46513630")
SALE_V2: Final = bytes.fromhex("c301 a5a34d3e1fce4b96")
REVERSAL_V1: Final = bytes.fromhex("c301 4b25125efe0363e8")
ATTRIBUTION_V1: Final = bytes.fromhex("c301 bdadc58c46d188bf")
FEEDBACK_V1: Final = bytes.fromhex("c301 533e1aaecf893946")
FEEDBACK_V2: Final = bytes.fromhex("c301 0bcd5ffd7fa17fe2")

MONEY_BYTES_MAX: Final = 16  # precision 18 needs 8; writers may pad, but not without end
_NUMBER_BYTES_MAX: Final = 9  # 63 bits: more than any number of ours has


class _NotPlain(Exception):
    """These bytes are for fastavro to judge."""


def read_sale(data: bytes) -> Sale | None:
    """The sale in the bytes, not validated; None when they are not plain."""
    is_v2 = data.startswith(SALE_V2)
    if not is_v2 and not data.startswith(SALE_V1):
        return None
    at = _Cursor(data)
    try:
        sale = Sale(
            at.text(),
            at.text(),
            at.text(),
            at.text(),
            at.symbol(SALE_ACTIONS),
            at.number(),
            at.optional_text(),
            at.text(),
            at.symbol(OFFERINGS),
            at.money(),
            at.money(),
            at.text(),
            at.optional_text(),
            at.optional_text(),
            at.number(),
            at.optional_text() if is_v2 else None,
            at.texts() if is_v2 else (),
        )
    except (_NotPlain, IndexError, UnicodeDecodeError):
        return None
    return sale if at.is_at_end() else None


def read_reversal(data: bytes) -> Reversal | None:
    """The reversal in the bytes, not validated; None when they are not plain."""
    if not data.startswith(REVERSAL_V1):
        return None
    at = _Cursor(data)
    try:
        reversal = Reversal(
            at.text(),
            at.text(),
            at.optional_text(),
            at.text(),
            at.text(),
            at.symbol(REVERSAL_KINDS),
            at.number(),
            at.money(),
            at.money(),
            at.text(),
            at.number(),
        )
    except (_NotPlain, IndexError, UnicodeDecodeError):
        return None
    return reversal if at.is_at_end() else None


def read_attribution(data: bytes) -> Attribution | None:
    """The attribution in the bytes, not validated; None when they are not plain."""
    if not data.startswith(ATTRIBUTION_V1):
        return None
    at = _Cursor(data)
    try:
        attribution = Attribution(
            at.text(),
            at.text(),
            at.optional_text(),
            at.text(),
            at.number(),
            at.optional_text(),
            at.optional_text(),
            at.money() if at.is_there() else None,
            at.optional_text(),
            at.number(),
        )
    except (_NotPlain, IndexError, UnicodeDecodeError):
        return None
    return attribution if at.is_at_end() else None


def read_feedback(data: bytes) -> Feedback | None:
    """The feedback in the bytes, not validated; None when they are not plain."""
    is_v2 = data.startswith(FEEDBACK_V2)
    if not is_v2 and not data.startswith(FEEDBACK_V1):
        return None
    at = _Cursor(data)
    try:
        feedback = Feedback(
            at.text(),
            at.text(),
            at.optional_text() if is_v2 else at.text(),
            at.text(),
            at.symbol(FEEDBACK_ACTIONS),
            at.number(),
            at.optional_text(),
            at.optional_text(),
            at.symbol(METRICS) if at.is_there() else None,
            at.number() if at.is_there() else None,
            at.findings(),
            at.optional_text(),
            at.optional_text(),
            at.number(),
            at.optional_text() if is_v2 else None,
            at.scores() if is_v2 else (),
            at.symbol(VERDICTS) if is_v2 and at.is_there() else None,
        )
    except (_NotPlain, IndexError, UnicodeDecodeError):
        return None
    return feedback if at.is_at_end() else None


@final
class _Cursor:
    """Reads one value after the other. Raises _NotPlain, IndexError or UnicodeDecodeError."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = HEADER_BYTES

    def number(self) -> int:
        """An Avro int or long: zigzag, in groups of 7 bits, the lowest first."""
        at = self._at
        byte = self._data[at]
        raw = byte & 0x7F
        shift = 0
        while byte >= 0x80:
            at += 1
            shift += 7
            if shift >= 7 * _NUMBER_BYTES_MAX:
                raise _NotPlain
            byte = self._data[at]
            raw |= (byte & 0x7F) << shift
        self._at = at + 1
        return -(raw >> 1) - 1 if raw & 1 else raw >> 1

    def text(self) -> str:
        """A string."""
        begin = self._at + 1
        size = self._data[self._at]
        if size >= 0x80 or size & 1:
            return self._bytes().decode()
        end = begin + (size >> 1)  # most have less than 64 bytes, of which one byte tells
        if end > len(self._data):
            raise _NotPlain
        self._at = end
        return self._data[begin:end].decode()

    def is_there(self) -> bool:
        """Whether a value that may be null is not."""
        branch = self.number()
        if branch not in (0, 1):
            raise _NotPlain
        return branch == 1

    def optional_text(self) -> str | None:
        """A string or null."""
        return self.text() if self.is_there() else None

    def symbol(self, symbols: tuple[str, ...]) -> str:
        """One of an enum's symbols."""
        position = self.number()
        if not 0 <= position < len(symbols):
            raise _NotPlain
        return symbols[position]

    def money(self) -> int:
        """A decimal of scale 4, in ten-thousandths: the bytes of a two's complement, the highest first."""
        raw = self._bytes()
        if not 0 < len(raw) <= MONEY_BYTES_MAX:
            raise _NotPlain
        return int.from_bytes(raw, "big", signed=True)

    def findings(self) -> tuple[Finding, ...]:
        """An array in one block, or an empty one."""
        count = self.number()
        if count == 0:
            return ()
        found = [Finding(self.symbol(VERDICTS), self.text()) for _ in range(count)]
        if count < 0 or self.number() != 0:
            raise _NotPlain
        return tuple(found)

    def scores(self) -> tuple[Score, ...]:
        """An array in one block, or an empty one."""
        count = self.number()
        if count == 0:
            return ()
        found = [Score(self.symbol(METRICS), self.number()) for _ in range(count)]
        if count < 0 or self.number() != 0:
            raise _NotPlain
        return tuple(found)

    def texts(self) -> tuple[str, ...]:
        """An array in one block, or an empty one."""
        count = self.number()
        if count == 0:
            return ()
        found = [self.text() for _ in range(count)]
        if count < 0 or self.number() != 0:
            raise _NotPlain
        return tuple(found)

    def is_at_end(self) -> bool:
        """Whether everything was read."""
        return self._at == len(self._data)

    def _bytes(self) -> bytes:
        size = self.number()
        begin = self._at
        end = begin + size
        if size < 0 or end > len(self._data):
            raise _NotPlain
        self._at = end
        return self._data[begin:end]
