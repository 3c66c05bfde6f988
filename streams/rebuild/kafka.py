"""What a rebuild asks of Kafka, and does there: where the logs start and end, more partitions, and the end of what is over.

Owns one admin client at a time. Never touches a record.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import GroupIdNotFoundError, InvalidPartitionsError, KafkaError, UnknownTopicOrPartitionError

from streams.brokers.admission import knock, unanswered
from streams.brokers.clients import client_settings
from streams.brokers.topics import BY_SALE, DEAD_LETTERS, SALES, SOURCES, Names
from streams.changelog.meta import Log
from streams.settings import Settings

_BOOTSTRAP_MS: Final = 10_000
_ASK_AGAIN_S: Final = 0.3
_RAISED_S_MAX: Final = 60.0
_COORDINATOR_S_MAX: Final = 30.0
_MEMBERS_GONE_S_MAX: Final = 30.0
_ROOM_TOLD_SINCE: Final = "usable_bytes"  # of DescribeLogDirs: Kafka 3.3 (KIP-827)


@contextmanager
def asking(settings: Settings) -> Iterator[Any]:
    """An admin client. Raises Unavailable, NotAdmitted for what it fails by."""
    knock(settings)
    try:
        admin = KafkaAdminClient(**client_settings(settings))
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise unanswered(settings, error) from error


def source_logs(settings: Settings) -> dict[str, list[Log]]:
    """Where the logs of the source topics start and end (committed records), by topic and partition. Raises Unavailable."""
    knock(settings)
    try:
        consumer = KafkaConsumer(
            **client_settings(settings), isolation_level="read_committed", enable_auto_commit=False,
            bootstrap_timeout_ms=_BOOTSTRAP_MS,
        )  # fmt: skip
        try:
            tps = [TopicPartition(t, p) for t in SOURCES for p in sorted(consumer.partitions_for_topic(t) or ())]
            starts, ends = consumer.beginning_offsets(tps), consumer.end_offsets(tps)
        finally:
            consumer.close()
    except KafkaError as error:
        raise unanswered(settings, error) from error
    return {topic: [Log(starts[tp], ends[tp]) for tp in tps if tp.topic == topic] for topic in SOURCES}


def partitions_of(admin: Any, topic: str) -> int:
    """How many a topic has, 0 when there is no such topic."""
    return len(admin.describe_topics([topic])[0]["partitions"])


def add_partitions(settings: Settings, partitions: int) -> None:
    """Gives sources, dead letters and by-sale, where it is, as many partitions, and waits until all brokers know. Safe to
    repeat. Raises Unavailable."""
    with asking(settings) as admin:
        topics = [topic for topic in (*SOURCES, DEAD_LETTERS, BY_SALE) if partitions_of(admin, topic)]
        for topic in topics:
            if partitions_of(admin, topic) < partitions:
                with suppress(InvalidPartitionsError):  # somebody else was faster
                    admin.create_partitions({topic: partitions})
        deadline = time.monotonic() + _RAISED_S_MAX
        while any(partitions_of(admin, topic) < partitions for topic in topics):
            if time.monotonic() > deadline:
                raise unanswered(settings, KafkaError(f"the topics have not got {partitions} partitions yet"))
            time.sleep(_ASK_AGAIN_S)


def members_of(settings: Settings, group: str) -> int:
    """How many workers a group has. Raises Unavailable."""
    with asking(settings) as admin:
        return len(_members(admin, group))


def _members(admin: Any, group: str) -> list[Any]:
    deadline = time.monotonic() + _COORDINATOR_S_MAX
    while True:
        try:
            return list(admin.describe_groups([group])[group]["members"])
        except GroupIdNotFoundError:
            return []
        except KafkaError as error:  # the first question ever makes Kafka create the topic of the groups
            if not error.retriable or time.monotonic() > deadline:
                raise
            time.sleep(_ASK_AGAIN_S)


def delete_group_and_changelog(settings: Settings, names: Names) -> None:
    """What Kafka keeps of a generation that is over. Safe to repeat. Raises Unavailable when workers are still in its group."""
    with asking(settings) as admin:
        _wait(lambda: _without_members(admin, names.group))
        with suppress(GroupIdNotFoundError):
            admin.delete_groups([names.group])
        with suppress(UnknownTopicOrPartitionError):
            admin.delete_topics([names.changelog])


def _without_members(admin: Any, group: str) -> bool:
    """Sends away those who did not leave: workers that were ended, whose places would be kept for a session."""
    members = _members(admin, group)
    if members:
        with suppress(KafkaError):
            admin.remove_group_members(group, [MemberToRemove(member["member_id"]) for member in members])
    return not members


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _MEMBERS_GONE_S_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(_ASK_AGAIN_S)


class Room(NamedTuple):
    """What a topic takes on the fullest of its brokers' disks, and what is free there; None where the broker does not tell."""

    taken_bytes: int
    free_bytes: int | None


def room_for(settings: Settings, topic: str) -> Room:
    """Of the log directories that hold it. Raises Unavailable."""
    with asking(settings) as admin:
        brokers = admin.describe_log_dirs({topic: list(range(partitions_of(admin, topic)))})
    taken, free = 0, []
    for directory in (found for broker in brokers for found in broker["log_dirs"]):
        sizes = [p["partition_size"] for held in _topics(directory) for p in held["partitions"]]
        if sizes:
            taken = max(taken, sum(sizes))
            if directory.get(_ROOM_TOLD_SINCE, -1) >= 0:
                free.append(directory[_ROOM_TOLD_SINCE])
    return Room(taken, min(free, default=None))


def _topics(directory: Mapping[str, Any]) -> list[Any]:
    return list(directory["topics"])


def has_topics(settings: Settings) -> bool:
    """Whether there is anything of ours. Raises Unavailable."""
    with asking(settings) as admin:
        return SALES in admin.list_topics()
