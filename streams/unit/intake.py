"""From the bytes of a record to an accepted event, a refusal, or a record that belongs elsewhere.

Owns the order of the checks. Never touches state. Invariant: every record comes out exactly once, as one of the four.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, final

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.errors import FromTheFuture, Refused
from schemas.events import Event, partition_key, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import BY_SALE, FEEDBACK, SALES
from streams.unit.marks import Mark
from streams.unit.record import Record, why_unread

# How far an event time may be ahead of the broker's clock: what badly set clocks of publishers are off by.
FUTURE_MS_MAX: Final = 10 * 60 * 1000

_DECODERS: Final[Mapping[str, Callable[[bytes], Event]]] = MappingProxyType(
    {SALES: decode_of_sales, FEEDBACK: decode_of_feedback}
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that is not accepted, and why, without any text of it. Its dead letter keeps key and value untouched."""

    record: Record
    reason: str
    detail: str


class Astray(NamedTuple):
    """A record that belongs elsewhere: on which topic, under which key."""

    topic: str
    key: bytes
    record: Record


@final
class Sorted:
    """Records, sorted by what is to be done with them."""

    __slots__ = ("astray", "events", "refusals", "tombstones")

    def __init__(self) -> None:
        self.events: dict[bytes, list[tuple[Event, Record]]] = {}  # by Kafka key
        self.refusals: list[Refusal] = []
        self.astray: list[Astray] = []
        self.tombstones = 0


def sort_records(
    records: Iterable[Record],
    partition: int,
    partitions: int,
    is_known: Callable[[list[bytes]], list[bool]],
    mark: Mark,
) -> Sorted:
    """Decodes and sorts records of one partition (of either source topic).

    `is_known` says of customers' keys whether this partition holds their state; their place needs no further proof. `mark`
    makes what stands for a text of an event that is refused.
    """
    found = Sorted()
    for record in records:
        value = record.value
        if value is None:
            found.tombstones += 1
            continue
        try:
            event = _accept(record, value)
        except Refused as refused:
            found.refusals.append(Refusal(record, refused.reason, why_unread(record) or refused.kept(mark)))
            continue
        customer_id = event.customer_id
        if customer_id is None:
            found.astray.append(Astray(BY_SALE, record_key(event), record))
            continue
        key = partition_key(event.brand_id, customer_id)
        if record.key == key:
            mine = found.events.get(key)
            if mine is None:
                found.events[key] = [(event, record)]
            else:
                mine.append((event, record))
        else:
            found.astray.append(Astray(record.topic, key, record))
    keys = list(found.events)
    for key, known in zip(keys, is_known(keys), strict=True):
        if not known and partition_for(key, partitions) != partition:
            found.astray += [Astray(record.topic, key, record) for _, record in found.events.pop(key)]
    return found


def _accept(record: Record, value: bytes) -> Event:
    event = _DECODERS[record.topic](value)
    if event.occurred_at > record.timestamp + FUTURE_MS_MAX:
        raise FromTheFuture(
            f"occurred_at is {event.occurred_at - record.timestamp} ms after the broker received the record; "
            f"at most {FUTURE_MS_MAX} ms are allowed: check the publisher's clock and that times are UTC milliseconds"
        )
    return event
