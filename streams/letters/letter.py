"""A dead letter as it lies in its topic, and the choice among them.

Pure. Never reads Kafka. Invariant: a letter is the refusal of exactly one record, named by where that record lay.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

WHY: Final = ("reason", "detail", "source-topic", "source-partition", "source-offset", "refused-at")
REPLAYED: Final = "posventa-replayed"  # header of a record that came from a letter: that letter's partition:offset

# An offset, or a time before the year 5139: more overflows a datetime, or a column.
_NUMBER: Final = r"[0-9]{1,14}"

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Headers = Sequence[tuple[str, bytes | None]]


class Letter(NamedTuple):
    """One refusal. `value` is None where the payload stayed at the source."""

    partition: int  # of the letter itself
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers  # the publisher's own
    reason: str
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    refused_at: datetime

    @property
    def refused_at_ms(self) -> int:
        """In epoch ms."""
        return (self.refused_at - EPOCH) // timedelta(milliseconds=1)

    @property
    def place(self) -> str:
        """What names it in commands."""
        return f"{self.partition}:{self.offset}"

    @property
    def brand(self) -> str:
        """The brand that the record's key names, '' when it has none."""
        brand, colon, _ = (self.key or b"").decode(errors="replace").partition(":")
        return brand if colon else ""

    @property
    def replaces(self) -> str:
        """The place of the letter whose replay was refused here, '' for a record that was never replayed."""
        return next((value.decode(errors="replace") for name, value in self.headers if name == REPLAYED and value), "")


def letter_of(record: Any) -> Letter | None:
    """The letter in a record of the topic of dead letters; None for what the workers did not write: others may write there."""
    why = {name: (value or b"").decode(errors="replace") for name, value in record.headers if name in WHY}
    numbers = [why.get(name, "") for name in ("source-partition", "source-offset", "refused-at")]
    if why.keys() != set(WHY) or not all(re.fullmatch(_NUMBER, number) for number in numbers):
        return None
    source_partition, source_offset, refused_at_ms = map(int, numbers)
    return Letter(
        record.partition, record.offset, record.key, record.value,
        [header for header in record.headers if header[0] not in WHY],
        why["reason"], why["detail"], why["source-topic"], source_partition, source_offset,
        EPOCH + timedelta(milliseconds=refused_at_ms),
    )  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """Which letters are meant. What is None or empty does not narrow."""

    places: frozenset[str] = frozenset()
    reason: str | None = None
    topic: str | None = None  # the source topic
    brand: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def __contains__(self, letter: Letter) -> bool:
        return (
            (not self.places or letter.place in self.places)
            and self.reason in (None, letter.reason)
            and self.topic in (None, letter.source_topic)
            and self.brand in (None, letter.brand)
            and (self.since is None or letter.refused_at >= self.since)
            and (self.before is None or letter.refused_at < self.before)
        )


def standing(letters: Iterable[Letter]) -> list[Letter]:
    """The letters without those whose record was replayed and refused once more: only its last refusal stands."""
    found = list(letters)
    replaced = {letter.replaces for letter in found}
    return [letter for letter in found if letter.place not in replaced]
