"""The input of a run: a pure function of its seed, down to every record's offset.

Owns the records and the order in which they are published. All of it is in the past of a fixed day, so that views at a
fixed time show it whenever it runs. Invariant: nothing that a worker publishes itself (records astray) can come to lie
between two records of the input: those astray are in the tail, which appears in one transaction.
"""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from schemas.codec import encode
from schemas.events import Event, Feedback, partition_key, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from tests.support.domain_strategies import A_SALE
from tests.support.tricky import tricky_events

PARTITIONS: Final = 4
NEWEST: Final = 1_790_000_000_000  # 2026-09-21T13:33:20Z, epoch ms
_CUSTOMERS: Final = 130
_BAD: Final = 60
_VOID: Final = 40
_INIT_MS_MAX: Final = 15_000
_ATTEMPTS: Final = 6
_YEAR_2100: Final = 4_102_444_800_000


@dataclass(frozen=True, slots=True)
class Record:
    """What a publisher sends, and to which partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Input:
    """`head` is published as it is, `void` in a transaction that is aborted, `tail` in one that is committed."""

    seed: int
    events: list[Event]  # what the oracle gets: head and tail without what is refused
    head: list[Record]
    void: list[Record]
    tail: list[Record]

    def lengths(self) -> Counter[tuple[str, int]]:
        """How many of the records are in each partition, by topic and partition."""
        return Counter((r.topic, r.partition) for r in (*self.head, *self.void, *self.tail))

    def publish_head(self, bootstrap: str) -> None:
        """In the order of the list, so that every record has the offset that it has in every run."""
        _send(KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20), self.head)

    def publish_tail(self, bootstrap: str) -> None:
        """The aborted records and then the tail, which appears all at once."""
        producer = _ready_for_transactions(bootstrap)
        producer.begin_transaction()
        _send(producer, self.void, close=False)
        producer.abort_transaction()
        producer.begin_transaction()
        _send(producer, self.tail, close=False)
        producer.commit_transaction()
        producer.close()

    def publish_again(self, bootstrap: str, rng: random.Random) -> None:
        """All events once more, in another order."""
        records = [_placed(event) for event in self.events]
        rng.shuffle(records)
        _send(KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20), records)


def _ready_for_transactions(bootstrap: str) -> KafkaProducer:
    """A producer of kafka-python 3.0.12 may keep asking a coordinator that was just killed; the next one asks for another."""
    for _ in range(_ATTEMPTS):
        producer = KafkaProducer(
            bootstrap_servers=bootstrap, transactional_id="publisher", linger_ms=20, max_block_ms=_INIT_MS_MAX
        )
        try:
            producer.init_transactions()
        except KafkaTimeoutError:
            producer.close(timeout=0)
        else:
            return producer
    raise AssertionError(f"no transactional producer in {_ATTEMPTS} attempts of {_INIT_MS_MAX} ms")


def make_input(seed: int) -> Input:
    """About 2,000 tricky events, 60 records that are refused, 40 of an aborted transaction, and a few dozen astray."""
    rng = random.Random(seed)
    events = tricky_events(seed, _CUSTOMERS, NEWEST)
    records = [_placed(event) for event in events]
    half = len(records) * 3 // 5
    head, tail = records[:half], [_astray(record, rng) for record in records[half:]]
    for bad in _bad(rng):
        part = rng.choice((head, tail))
        part.insert(rng.randrange(len(part)), bad)
    void = [_placed(event) for event in tricky_events(seed + 1, _CUSTOMERS, NEWEST)[:_VOID]]
    return Input(seed, events, head, void, tail)


def _placed(event: Event) -> Record:
    key = record_key(event)
    topic = FEEDBACK if isinstance(event, Feedback) else SALES
    return Record(topic, partition_for(key, PARTITIONS), key, encode(event))


def _astray(record: Record, rng: random.Random) -> Record:
    """One in twelve under another key, or none, or on another partition."""
    if rng.randrange(12):
        return record
    key = rng.choice([record.key, None, b"another"])
    return Record(record.topic, rng.randrange(PARTITIONS), key, record.value)


def _bad(rng: random.Random) -> list[Record]:
    good = A_SALE._replace(occurred_at=NEWEST)
    key, value = partition_key(good.brand_id, good.customer_id), encode(good)
    kinds = [
        (SALES, b"\xff garbage"),
        (SALES, value[:-3]),
        (SALES, b""),
        (SALES, b"\x00\x00\x00\x00\x07" + value[10:]),  # a schema that nobody knows
        (FEEDBACK, value),
        (SALES, encode(good._replace(amount=-1))),
        (SALES, encode(good._replace(occurred_at=_YEAR_2100))),
    ]
    return [Record(topic, rng.randrange(PARTITIONS), key, data) for topic, data in rng.choices(kinds, k=_BAD)]


def _send(producer: KafkaProducer, records: list[Record], close: bool = True) -> None:
    sent = [producer.send(r.topic, r.value, key=r.key, partition=r.partition) for r in records]
    producer.flush()
    for future in sent:
        future.get(0)
    if close:
        producer.close()
