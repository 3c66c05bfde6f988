"""The input of a run: a few customers' events with every trick, refused records, astray ones, aborted transactions.

Owns what is published and where. Never decides when. Invariant: the accepted events are known from the start.
"""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.codec import encode
from schemas.events import Event, Feedback, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from tests.support.tricky import tricky_events


class Published(NamedTuple):
    """One record to be published; `aborted` in a transaction that does not commit."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    aborted: bool = False


@dataclass(slots=True)
class Story:
    """`events` are what must count in the end; `refused` the values of what must become dead letters."""

    events: list[Event] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)


def make_story(rng: random.Random, events_max: int, partitions: int, newest_ms: int) -> Story:
    """A seeded story of two or three customers, with at most `events_max` events."""
    story = Story(events=tricky_events(rng.randrange(1 << 30), rng.choice([2, 3]), newest_ms)[:events_max])
    for number, event in enumerate(story.events):
        topic = FEEDBACK if isinstance(event, Feedback) else SALES
        key = record_key(event)
        home = partition_for(key, partitions)
        value = encode(event)
        draw = rng.random()
        if draw < 0.05:
            story.published.append(Published(topic, rng.randrange(partitions), b"wrong", value))
        elif draw < 0.1:
            story.published.append(Published(topic, (home + 1) % partitions, key, value))
        else:
            story.published.append(Published(topic, home, key, value))
        if rng.random() < 0.2:
            bad = b"\xff garbage %d" % number
            story.refused.append(bad)
            story.published.append(Published(topic, rng.randrange(partitions), key, bad))
        if rng.random() < 0.08:
            story.published.append(Published(topic, home, key, encode(event), aborted=True))
        if rng.random() < 0.03:
            story.published.append(Published(topic, home, key, None))
    return story
