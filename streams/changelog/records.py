"""The records of the changelog: what each key means, and its value's bytes.

Owns the encoding of keys and values. Never reads or writes Kafka. Invariant: equal contents are equal bytes; the first
byte of a key says what the record is.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgpack

from schemas.measures import MEASURES, TOPIC_MEASURES
from streams.domain.panes import MONEY_PLACES, PaneKey, TopicKey

CUSTOMER: Final = b"c"  # + partition key -> domain.state.encode
PANE: Final = b"p"  # + packed PaneKey -> packed measures
TOPIC: Final = b"t"  # + packed TopicKey -> packed counts of answers
COMMENT: Final = b"x"  # + packed CommentKey -> packed (comment, language), ('', '') once it is taken back
REFUSAL: Final = b"d"  # + packed RefusalKey -> packed KeptRefusal; deleted once its row is in ClickHouse
META: Final = b"m"  # the record that closes each unit
GIVEN_UP: Final = (
    b"md"  # -> packed changelog offset: ClickHouse had the rows of all refusals below it that were deleted
)

CommentKey = tuple[str, str, str]  # brand_id, customer_id, feedback_id
RefusalKey = tuple[str, int, int]  # source topic, partition, offset

_INT64_MAX: Final = (1 << 63) - 1
_MEASURES: Final = len(MEASURES)
_TOPIC_MEASURES: Final = len(TOPIC_MEASURES)

# Made once: a Packer of its own for every value costs three times as much. For one thread, like all that makes units.
_pack: Final[Callable[[object], bytes]] = msgpack.Packer().pack


class KeptRefusal(NamedTuple):
    """A refusal, as the table dead_letters shows it: no text of the record's, but marks (unit/marks.py). The payload is in the
    dead-letter topic alone."""

    reason: str
    detail: str
    record_key: str
    refused_at: int  # epoch ms


def customer_key(partition_key: bytes) -> bytes:
    """The record of a customer's state, by the customer's Kafka key."""
    return CUSTOMER + partition_key


def pack_key(kind: bytes, key: PaneKey | TopicKey | CommentKey | RefusalKey) -> bytes:
    """The record key of any of the packed kinds."""
    return kind + _pack(key)


def pack(value: object) -> bytes:
    """The bytes of a topic's counts, a comment, a KeptRefusal, an offset or a version."""
    return _pack(value)


def array_header(count: int) -> bytes:
    """What the bytes of up to 65,535 values begin with: their number (MessagePack's fixarray, or array 16)."""
    return bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


def pack_values(values: tuple[object, ...]) -> bytes:
    """The bytes of up to 65,535 values, one after the other, without their number in front."""
    packed = _pack(values)
    return packed[1 if len(values) < 16 else 3 :]


def pack_measures(measures: list[int]) -> bytes:
    """The bytes of a pane's measures. Raises OverflowError for one that no column of ClickHouse holds, ValueError unless
    there is one for each of MEASURES."""
    if len(measures) != _MEASURES:
        raise _other_measures(len(measures))
    for place in MONEY_PLACES:  # nothing else grows so large
        if measures[place] > _INT64_MAX:
            raise OverflowError(
                f"a pane's sum of {measures[place]} is more than ClickHouse's Int64 holds ({_INT64_MAX})"
            )
    return _pack(measures)


def unpack_measures(value: bytes) -> tuple[int, ...]:
    """A pane's measures in the order of MEASURES. Raises ValueError when another version wrote more or fewer."""
    measures: tuple[int, ...] = msgpack.unpackb(value, use_list=False)
    if len(measures) != _MEASURES:
        raise _other_measures(len(measures))
    return measures


def _other_measures(found: int) -> ValueError:
    return ValueError(
        f"a pane has {found} measures, this version expects {_MEASURES}: "
        "run the version that wrote it, or rebuild the state from the topics"
    )


def unpack_count(value: bytes | None) -> int:
    """An offset; zero when it is not there yet."""
    return 0 if value is None else int(msgpack.unpackb(value))


def unpack_topic(value: bytes) -> tuple[int, ...]:
    """A topic's counts in the order of TOPIC_MEASURES. Raises ValueError when another version wrote more or fewer."""
    counts: tuple[int, ...] = msgpack.unpackb(value, use_list=False)
    if len(counts) != _TOPIC_MEASURES:
        raise ValueError(
            f"a topic's pane has {len(counts)} counts, this version expects {_TOPIC_MEASURES}: "
            "run the version that wrote it, or rebuild the state from the topics"
        )
    return counts
