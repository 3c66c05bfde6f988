"""The topics: configuration and creation.

Owns what a topic is like that we create, and the look at those that are there. Never deletes or changes one that exists.
Invariant: all topics have equal partition counts, so that partition p of sales, feedback, dead letters and changelog is one
unit of work.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    LeaderNotAvailableError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)

from streams.brokers.admission import knock, refused_or
from streams.brokers.clients import client_settings
from streams.brokers.inspection import INSPECTED, Described, faults
from streams.brokers.topics import BY_SALE, DEAD_LETTERS, FEEDBACK, FIRST, SALES, STATE, Names, is_changelog
from streams.errors import Misuse, NotAdmitted, StateRefused, Unavailable
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
    BY_SALE: {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"},
    DEAD_LETTERS: {"retention.ms": "-1", "max.message.bytes": str(_DEAD_LETTER_BYTES_MAX)},
    STATE: {"cleanup.policy": "compact", "max.message.bytes": str(_STATE_BYTES_MAX)} | _COMPACTION,
}
_RETRY_S: Final = 0.3
_ATTEMPT_S: Final = 5  # kafka-python waits ever longer between its own attempts, so we begin anew


_T = TypeVar("_T")


def ensure_topics(settings: Settings, wait_s: float = 30, names: Names = FIRST) -> list[str]:
    """Creates what is missing for a generation, and looks at what is there. Waits up to `wait_s` seconds for the brokers.

    Returns warnings for people: configurations with which data may get lost. Raises Unavailable when no broker answers,
    NotAdmitted, without waiting, when they refuse us, Misuse when the topics have another partition count than the settings,
    StateRefused when they are uneven, or configured so that numbers would be wrong. Safe to run from many processes at once.
    """

    def ensure(admin: KafkaAdminClient) -> list[str]:
        configs = _configs(names)
        _create(admin, settings, configs)
        return _inspect(admin, _found(admin, settings, configs), settings, names)

    return _asked(settings, wait_s, ensure)


def ensure_changelog(settings: Settings, names: Names, partitions: int) -> None:
    """Creates the changelog of a generation that is to be built, if it is missing. Raises as ensure_topics()."""

    def ensure(admin: KafkaAdminClient) -> None:
        if names.changelog not in admin.list_topics():
            with suppress(TopicAlreadyExistsError):
                admin.create_topics([_new(names.changelog, _CONFIGS[STATE], settings, partitions)])

    _asked(settings, _ATTEMPT_S, ensure)


def _configs(names: Names) -> dict[str, dict[str, str]]:
    """What the topics of a generation are like."""
    others = {name: configs for name, configs in _CONFIGS.items() if name != STATE}
    return others | {names.changelog: _CONFIGS[STATE]}


def ensure_topics_to_publish(settings: Settings, topics: Collection[str], wait_s: float = 30) -> None:
    """Creates those of `topics` that are missing, if this user may; needs no right but to publish to those that are there.

    Waits up to `wait_s` seconds for the brokers. Raises Unavailable when none answers, NotAdmitted when they refuse us, or
    when a topic is missing and may not be created, Misuse when the topics have another partition count than the settings; one
    that was not set is none.
    """

    def ensure(admin: KafkaAdminClient) -> None:
        try:
            _create(admin, settings, {name: _CONFIGS[name] for name in topics})
        except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError) as error:
            raise NotAdmitted(
                f"POSVENTA_KAFKA={settings.kafka}: there is no {' or no '.join(topics)}, or none that this user may see, who "
                "may not create it: a worker does, and an operator allows to write (--operation Write --operation Describe)"
            ) from error
        if "partitions" in settings.model_fields_set:
            _found(admin, settings, topics)

    _asked(settings, wait_s, ensure)


def bytes_max() -> dict[str, int]:
    """The records that changelog and dead letters take when we create them."""
    return {name: int(_CONFIGS[name]["max.message.bytes"]) for name in (STATE, DEAD_LETTERS)}


def _asked(settings: Settings, wait_s: float, ask: Callable[[KafkaAdminClient], _T]) -> _T:
    """What the brokers answer, sooner or later."""
    deadline = time.monotonic() + wait_s
    while True:
        knock(settings)
        attempt_s = min(_ATTEMPT_S, max(deadline - time.monotonic(), _RETRY_S))
        try:
            admin = KafkaAdminClient(**client_settings(settings), bootstrap_timeout_ms=round(attempt_s * 1000))
            try:
                return ask(admin)
            finally:
                admin.close()
        except KafkaError as error:
            away = Unavailable(
                f"POSVENTA_KAFKA={settings.kafka}: no answer within {wait_s:.0f} s ({error}); "
                "is the broker running, and is this its address?"
            )
            told = refused_or(settings, error, away)
            if told is not away or time.monotonic() >= deadline:
                raise told from error
            time.sleep(_RETRY_S)


def _create(admin: KafkaAdminClient, settings: Settings, configs: Mapping[str, Mapping[str, str]]) -> None:
    """Creates what is missing, unless it would not fit the topics that are there."""
    listed = admin.list_topics()  # once: what another process creates meanwhile is neither missing nor found
    there = {SALES, FEEDBACK, DEAD_LETTERS, *configs} & set(listed)
    missing = [name for name in configs if name not in there]
    _check_forgotten([name for name in missing if is_changelog(name)], listed)
    if missing and there:
        _found(admin, settings, there)
    for name in missing:
        with suppress(TopicAlreadyExistsError):  # somebody else was faster
            admin.create_topics([_new(name, configs[name], settings, settings.partitions)])


def _check_forgotten(missing: list[str], listed: Iterable[str]) -> None:
    """A generation without a changelog, where another one has one, is none that was ever in use."""
    others = sorted(filter(is_changelog, listed)) if missing else []
    if others:
        raise StateRefused(
            f"{missing[0]} is not there, but {', '.join(others)}: ClickHouse has forgotten which generation is in use. Restore "
            "its tables generations and generation_steps; docs/operating.md, backup, says what to do without them"
        )


def _new(name: str, of_topic: Mapping[str, str], settings: Settings, partitions: int) -> NewTopic:
    configs = dict(of_topic)
    if settings.kafka_replication >= 3:
        configs["min.insync.replicas"] = "2"
    return NewTopic(name, partitions, settings.kafka_replication, topic_configs=configs)


def _found(admin: KafkaAdminClient, settings: Settings, names: Collection[str]) -> dict[str, list[Any]]:
    """The partitions of these topics, by name: as many of each as the settings say."""
    found = {topic["name"]: topic["partitions"] for topic in admin.describe_topics(list(names))}
    if not all(found.values()):
        raise LeaderNotAvailableError("a topic was created a moment ago and is not known to all brokers yet")
    counts = {name: len(partitions) for name, partitions in found.items()}
    if set(counts.values()) <= {settings.partitions}:
        return found
    told = ", ".join(f"{name} has {count}" for name, count in sorted(counts.items()))
    if len(set(counts.values())) > 1:
        raise StateRefused(f"the topics must have equal partition counts, but {told}: make the odd ones anew")
    raise Misuse(
        f"POSVENTA_PARTITIONS={settings.partitions}, but {told}: "
        "set POSVENTA_PARTITIONS to what the topics have; posventa rebuild --partitions adds some"
    )


def _inspect(admin: KafkaAdminClient, found: Mapping[str, list[Any]], settings: Settings, names: Names) -> list[str]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs=list(INSPECTED)) for name in found]
    described = admin.describe_configs(resources, config_filter="all")["topic"]
    topics = {
        STATE if name == names.changelog else name: Described(
            name,
            {key: str(config["value"]) for key, config in described[name].items()},
            min(len(partition["replica_nodes"]) for partition in partitions),
        )
        for name, partitions in found.items()
    }
    told: dict[bool, list[str]] = {True: [], False: []}
    for fault in faults(topics, bytes_max()):
        told[fault.is_fatal].append(fault.told(settings.kafka))
    if told[True]:
        raise StateRefused("\n".join(told[True]))
    return told[False]
