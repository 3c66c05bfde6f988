"""The topics: configuration and creation.

Owns what a topic must be like. Never deletes or changes one that exists. Invariant: the two source topics, the dead
letters and the changelog have equal partition counts, so that partition p of all four is one unit of work.
"""

import time
from typing import Final

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, LeaderNotAvailableError, TopicAlreadyExistsError

from streams.brokers.admission import knock, refused_or
from streams.brokers.clients import client_settings
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.errors import Misuse, Unavailable
from streams.settings import Settings

# Kafka's default for a source topic is 1 MiB and 12 bytes; a refused record with its headers, and a customer's whole
# state (at most 4 MiB: streams/domain/rules.py), must find room.
_SOURCE_BYTES_MAX: Final = 1_048_588
_DEAD_LETTER_BYTES_MAX: Final = 4 * _SOURCE_BYTES_MAX
_STATE_BYTES_MAX: Final = 5 * _SOURCE_BYTES_MAX

# Only closed segments are compacted, and only once so much of them is new. Kafka's defaults, 1 GiB and half, would let
# 8 partitions grow to many times what they hold before the first old value goes; each pass rewrites what it keeps.
_COMPACTION: Final = {"segment.bytes": str(64 << 20), "min.cleanable.dirty.ratio": "0.3"}

_CONFIGS: Final[dict[str, dict[str, str]]] = {
    SALES: {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"},
    FEEDBACK: {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"},
    DEAD_LETTERS: {"retention.ms": "-1", "max.message.bytes": str(_DEAD_LETTER_BYTES_MAX)},
    STATE: {"cleanup.policy": "compact", "max.message.bytes": str(_STATE_BYTES_MAX)} | _COMPACTION,
}
_RETRY_S: Final = 0.3
_ATTEMPT_S: Final = 5  # kafka-python waits ever longer between its own attempts, so we begin anew


def ensure_topics(settings: Settings, wait_s: float = 30) -> None:
    """Creates what is missing. Waits up to `wait_s` seconds for the brokers, then raises Unavailable.

    Raises NotAdmitted, without waiting, when they refuse us; Misuse when a topic exists with another partition count.
    Safe to run from many processes at once.
    """
    deadline = time.monotonic() + wait_s
    while True:
        knock(settings)
        try:
            return _ensure(settings, min(_ATTEMPT_S, max(deadline - time.monotonic(), _RETRY_S)))
        except KafkaError as error:
            away = Unavailable(
                f"POSVENTA_KAFKA={settings.kafka}: no answer within {wait_s:.0f} s ({error}); "
                "is the broker running, and is this its address?"
            )
            told = refused_or(settings, error, away)
            if told is not away or time.monotonic() >= deadline:
                raise told from error
            time.sleep(_RETRY_S)


def _ensure(settings: Settings, attempt_s: float) -> None:
    admin = KafkaAdminClient(**client_settings(settings), bootstrap_timeout_ms=round(attempt_s * 1000))
    try:
        existing = set(admin.list_topics())
        for name in _CONFIGS.keys() - existing:
            try:
                admin.create_topics([_new(name, settings)])
            except TopicAlreadyExistsError:
                continue  # somebody else was faster
        _check(admin, settings)
    finally:
        admin.close()


def _new(name: str, settings: Settings) -> NewTopic:
    configs = dict(_CONFIGS[name])
    if settings.kafka_replication >= 3:
        configs["min.insync.replicas"] = "2"
    return NewTopic(name, settings.partitions, settings.kafka_replication, topic_configs=configs)


def _check(admin: KafkaAdminClient, settings: Settings) -> None:
    counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(_CONFIGS))}
    if not all(counts.values()):
        raise LeaderNotAvailableError("a topic was created a moment ago and is not known to all brokers yet")
    odd = {name: count for name, count in counts.items() if count != settings.partitions}
    if odd:
        found = ", ".join(f"{name} has {count}" for name, count in sorted(odd.items()))
        raise Misuse(
            f"POSVENTA_PARTITIONS={settings.partitions}, but {found}: "
            "set POSVENTA_PARTITIONS to what the topics have; the number can't be changed later"
        )
