"""How far the consumer group is behind, asked of Kafka: it tells the truth also when no worker runs.

Owns one look at the group and the logs. Never joins the group. Group offsets are part of each claim and each unit, so they
are exact, but for a state that was thrown away and that nobody has begun anew.
"""

import time
from collections.abc import Container, Mapping
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.brokers.admission import knock, refused_or
from streams.brokers.clients import client_settings
from streams.brokers.groups import our_groups
from streams.brokers.topics import SOURCES
from streams.errors import NoAnswer, Unavailable
from streams.settings import Settings

_WAIT_MS: Final = 15_000  # contract: stalled when the ends of the log can't be read for so long
_AGAIN_S: Final = 0.2


class Lag(NamedTuple):
    """One source partition. `lag_seconds` is the age of the next unread record, 0 when there is none.

    `applied` is the next offset to read, None when no worker ever told one; the log holds `earliest` up to `latest`.
    """

    topic: str
    partition: int
    lag_records: int
    lag_seconds: float
    applied: int | None = None
    earliest: int = 0
    latest: int = 0


def read_lag(settings: Settings, now_ms: int, reported: Container[tuple[str, int]] | None = None) -> list[Lag]:
    """The lag of every source partition, in order.

    `reported` are those of which ClickHouse has heard: everything waits in the others, whatever the group says, since its
    offsets may be those of a state that was thrown away. None: that is not known. Raises NoAnswer when Kafka says nothing,
    NotAdmitted when it refuses us, Unavailable when it has no topics of ours.
    """
    knock(settings)
    try:
        consumer = KafkaConsumer(
            **client_settings(settings), isolation_level="read_committed", enable_auto_commit=False,
            bootstrap_timeout_ms=_WAIT_MS,
        )  # fmt: skip
        try:
            return _read(settings, consumer, now_ms, reported)
        finally:
            consumer.close()
    except KafkaError as error:
        away = NoAnswer(f"POSVENTA_KAFKA={settings.kafka}: no answer ({error}); is the broker running there?")
        raise refused_or(settings, error, away) from error


def _read(settings: Settings, consumer: Any, now_ms: int, reported: Container[tuple[str, int]] | None) -> list[Lag]:
    tps = [TopicPartition(topic, p) for topic in SOURCES for p in sorted(consumer.partitions_for_topic(topic) or ())]
    if not tps:
        raise Unavailable(
            f"POSVENTA_KAFKA={settings.kafka}: has no topics of posventa yet, or none that this user may see; "
            "start a worker, or posventa up"
        )
    starts, ends, applied = consumer.beginning_offsets(tps), consumer.end_offsets(tps), committed(settings)
    begun = tps if reported is None else [tp for tp in tps if tuple(tp) in reported]
    next_offsets = starts | {tp: max(applied.get(tp, 0), starts[tp]) for tp in begun}
    waiting = {tp: max(0, ends[tp] - offset) for tp, offset in next_offsets.items()}
    arrived = _arrivals_ms(settings, {tp: next_offsets[tp] for tp in tps if waiting[tp]})
    ages_s = {tp: max(0, now_ms - arrived_ms) / 1000 for tp, arrived_ms in arrived.items()}
    return [
        Lag(tp.topic, tp.partition, waiting[tp], ages_s.get(tp, 0.0), applied.get(tp), starts[tp], ends[tp])
        for tp in tps
    ]


def committed(settings: Settings) -> Mapping[TopicPartition, int]:
    """The next offset of each source partition that workers have read. Raises KafkaError.

    Of all generations that there are the greatest: one that is being built never comes further than the one in use, and one
    that took over goes on from where that ended.
    """
    admin = KafkaAdminClient(**client_settings(settings))
    try:
        offsets = [_group_offsets(admin, group) for group in our_groups(admin)]
    finally:
        admin.close()
    furthest: dict[TopicPartition, int] = {}
    for of_group in offsets:
        for tp, found in of_group.items():
            if found.offset >= 0:
                furthest[tp] = max(found.offset, furthest.get(tp, 0))
    return furthest


def _group_offsets(admin: Any, group: str) -> Any:
    """Asks until a coordinator answers: the first question ever makes Kafka create the topic of the groups."""
    deadline = time.monotonic() + _WAIT_MS / 1000
    while True:
        try:
            found = admin.list_group_offsets(group)
            return found.get(group, found)  # by group when several may be asked for
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_S)


def _arrivals_ms(settings: Settings, offsets: Mapping[TopicPartition, int]) -> Mapping[tuple[str, int], int]:
    if not offsets:
        return {}
    from streams.brokers.arrivals import arrivals_ms  # which loads Faust: a second that nobody waits for in vain

    return arrivals_ms(settings, offsets)
