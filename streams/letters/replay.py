"""Refused records published again, and what became of each.

Owns the replay. Never changes a record: key, value and headers are the publisher's, and one header tells which letter it came
from. Invariant: a replay that was ended anywhere may be made again: an event_id that arrives twice counts once.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.brokers.clients import client_settings
from streams.brokers.lag import committed
from streams.brokers.logs import ends_of, read
from streams.brokers.topics import DEAD_LETTERS
from streams.errors import Unavailable
from streams.letters.letter import REPLAYED, Choice, Letter, letter_of, standing
from streams.settings import Settings

_ACKNOWLEDGED_S: Final = 60
_AGAIN_S: Final = 0.5


class Source(NamedTuple):
    """Where a record of a source topic lies."""

    topic: str
    partition: int
    offset: int


@dataclass
class Outcome:
    """What became of the letters chosen."""

    published: int = 0
    accepted: int = 0  # applied, and not refused again
    refused: Counter[str] = field(default_factory=Counter)  # once more, by reason
    waiting: int = 0  # published, but not read by a worker in time
    out_of_reach: int = 0  # the payload stayed at the source: it is gone, or its batch is too great to unpack


def letters_in(settings: Settings, choice: Choice) -> list[Letter]:
    """The standing letters that are meant, the oldest refusal first. Raises Unavailable."""
    chosen = [letter for letter in standing(letters_since(settings, {})) if letter in choice]
    return sorted(chosen, key=lambda letter: (letter.refused_at, letter.partition, letter.offset))


def letters_since(settings: Settings, before: Mapping[int, int]) -> Iterator[Letter]:
    """Every letter from these offsets on, by partition. Raises Unavailable."""
    for partition, end in ends_of(settings, DEAD_LETTERS).items():
        for records in read(settings, DEAD_LETTERS, partition, end, before.get(partition, 0)):
            yield from filter(None, map(letter_of, records))


def payload_of(settings: Settings, letter: Letter) -> bytes | None:
    """The refused bytes: the letter's, or those at the source; None when these are out of reach. Raises Unavailable."""
    if letter.value is not None:
        return letter.value
    offset = letter.source_offset
    for records in read(settings, letter.source_topic, letter.source_partition, offset + 1, offset):
        return next((r.value for r in records if r.offset == offset and not getattr(r.value, "why_unread", "")), None)
    return None


def replay(settings: Settings, letters: Sequence[Letter], wait_s: float, tell: Callable[[int], None]) -> Outcome:
    """Publishes the records of these letters again, and waits until workers have read them. Raises Unavailable."""
    outcome = Outcome()
    letters_before = ends_of(settings, DEAD_LETTERS)
    places = list(_published(settings, letters, outcome, tell))
    outcome.waiting = len(_await_workers(settings, places, wait_s))
    replayed = {letter.place for letter in letters}
    for letter in letters_since(settings, letters_before):
        if letter.replaces in replayed:
            outcome.refused[letter.reason] += 1
    outcome.accepted = outcome.published - outcome.waiting - outcome.refused.total()
    return outcome


def _published(
    settings: Settings, letters: Iterable[Letter], outcome: Outcome, tell: Callable[[int], None]
) -> Iterator[Source]:
    producer = KafkaProducer(
        **client_settings(settings), acks="all", enable_idempotence=True, allow_auto_create_topics=False
    )
    try:
        sent = []
        for number, letter in enumerate(letters):
            tell(number)
            value = payload_of(settings, letter)
            if value is None:
                outcome.out_of_reach += 1
                continue
            headers = [header for header in letter.headers if header[0] != REPLAYED]
            headers.append((REPLAYED, letter.place.encode()))
            sent.append(producer.send(letter.source_topic, value, key=letter.key, headers=headers))
        for future in sent:
            place = future.get(_ACKNOWLEDGED_S)
            outcome.published += 1
            yield Source(place.topic, place.partition, place.offset)
    except KafkaError as error:
        raise Unavailable(
            f"{outcome.published} records are published again, then Kafka said {error}; say it again: nothing counts twice"
        ) from error
    finally:
        producer.close()


def _await_workers(settings: Settings, places: Iterable[Source], wait_s: float) -> list[Source]:
    """Those that no worker has read within `wait_s`."""
    unread = list(places)
    deadline = time.monotonic() + wait_s
    while True:
        applied = {(tp.topic, tp.partition): offset for tp, offset in committed(settings).items()}
        unread = [place for place in unread if applied.get(place[:2], 0) <= place.offset]
        if not unread or time.monotonic() > deadline:
            return unread
        time.sleep(_AGAIN_S)
