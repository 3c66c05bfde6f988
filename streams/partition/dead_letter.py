"""The dead letter of a refusal: the refused record's bytes, untouched, and the why in headers; and the refusal of a letter.

Pure. Never sends anything. Invariants: a letter always fits into what its topic takes, so that no record, whatever its
size once uncompressed, can stop a partition; and it tells all that the table of refusals shows.
"""

import re
from typing import Final, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.changelog.records import KeptRefusal
from streams.letters.letter import Letter
from streams.unit.intake import Refusal
from streams.unit.marks import Mark
from streams.unit.record import why_unread

Header = tuple[str, bytes | None]

# A batch's head (61 bytes) and a record's lengths.
_FRAMING_BYTES: Final = 200
_KEY_BYTES_KEPT: Final = 2048
_TOO_GREAT: Final = " (too great for a dead letter: {} bytes of value stay at the source offset)"
_NOTE: Final = re.compile(re.escape(_TOO_GREAT).replace(r"\{\}", "[0-9]+") + r"\Z")


class DeadLetter(NamedTuple):
    """What is sent to the dead-letter topic."""

    key: bytes | None
    value: bytes | None
    headers: list[Header]


def dead_letter(refusal: Refusal, refused_at: int, bytes_max: int) -> DeadLetter:
    """The letter of a refusal at `refused_at` (epoch ms), for a topic that takes batches of `bytes_max`.

    A record of many megabytes may have come compressed and not fit any more: then its payload stays where it is, and
    the letter, without value and the publisher's headers, says so. So does the letter of a batch that was not unpacked.
    A null value means nothing else: tombstones are not refused.
    """
    record = refusal.record
    why = _why(refusal, refused_at, refusal.detail)
    if why_unread(record):
        return DeadLetter(None, None, why)
    headers = [header for header in record.headers if header[0] not in dict(why)]  # of an earlier refusal, replayed
    letter = DeadLetter(record.key, record.value, headers + why)
    if DefaultRecordBatchBuilder.estimate_size_in_bytes(*letter) + _FRAMING_BYTES <= bytes_max:
        return letter
    note = refusal.detail + _TOO_GREAT.format(len(record.value or b""))
    key = record.key if record.key is None or len(record.key) <= _KEY_BYTES_KEPT else None
    return DeadLetter(key, None, _why(refusal, refused_at, note))


def refusal_of(letter: Letter, mark: Mark) -> KeptRefusal:
    """What the changelog kept of the refusal, made of its letter again: the same, but for the mark of a key that the letter
    does not have (of more than 2 KiB, in a record too great for a letter)."""
    return KeptRefusal(letter.reason, detail_of(letter), mark(letter.key) if letter.key else "", letter.refused_at_ms)


def detail_of(letter: Letter) -> str:
    """The refusal's own, without what a letter adds to it."""
    return _NOTE.sub("", letter.detail) if letter.value is None else letter.detail


def _why(refusal: Refusal, refused_at: int, detail: str) -> list[Header]:
    record = refusal.record
    why = {
        "reason": refusal.reason,
        "detail": detail,
        "source-topic": record.topic,
        "source-partition": str(record.partition),
        "source-offset": str(record.offset),
        "refused-at": str(refused_at),
    }
    return [(name, value.encode()) for name, value in why.items()]
