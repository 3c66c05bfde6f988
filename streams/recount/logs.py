"""The topics, read from their start: which records are events that count, and which were refused.

Owns the judgement of a record, made anew from its bytes. A customer who is full is the workers' to say, since it depends on
what came first: that refusal is taken from its dead letter. With every other letter the judgement must agree.
"""

from functools import lru_cache
from typing import Any, Final

from kafka.partitioner.default import murmur2

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.errors import Refused
from schemas.events import Event
from streams.brokers.topics import SALES
from streams.generations.logs import SourceLayout

_FUTURE_MS: Final = 10 * 60 * 1000  # contract: how far an event may be ahead of the broker's clock


def judge(record: Any, layout: SourceLayout) -> Event | str | None:
    """What the contract says of a record of a source topic: an event that counts where it lies, the reason to refuse it, or
    None for what is neither: a tombstone, or an event that belongs elsewhere and was published again there."""
    if record.value is None:
        return None
    try:
        event: Event = (decode_of_sales if record.topic == SALES else decode_of_feedback)(record.value)
    except Refused as refused:
        return refused.reason
    if event.occurred_at > record.timestamp + _FUTURE_MS:
        return "from_the_future"
    if event.customer_id is None:
        return None
    key = f"{event.brand_id}:{event.customer_id}".encode()
    count = layout.count(record.topic, record.partition, record.offset)
    return event if record.key == key and home_of(key, count) == record.partition else None


@lru_cache(1 << 16)
def home_of(key: bytes, partitions: int) -> int:
    """The partition of a customer's key, by kafka-python's own hash."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
