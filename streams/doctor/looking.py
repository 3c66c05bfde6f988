"""What a look at Kafka tells: brokers, topics, rights, groups, transactions, disks, and its clock.

Owns the questions. Never asks one that leaves something behind: a group or a transaction is only described once it is in
Kafka's own lists, since the first question for any makes Kafka create the topic that holds them. All raise KafkaError.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)

from streams.brokers.inspection import INSPECTED, Described
from streams.doctor.disks import Disk

_MAY_SEE: Final = "DESCRIBE_CONFIGS"


class Broker(NamedTuple):
    """A broker and its version, as far as its protocols tell it."""

    number: int
    version: tuple[int, ...]


class Topic(NamedTuple):
    """A topic as it is there, and what this user may do with it."""

    described: Described
    partitions: int
    offline: int  # partitions without a leader
    rights: frozenset[str]


class GroupMember(NamedTuple):
    """A member of the consumer group, and how many partitions it has."""

    name: str
    host: str
    partitions: int


class Group(NamedTuple):
    """A consumer group as its coordinator knows it."""

    name: str
    state: str
    members: tuple[GroupMember, ...]
    rights: frozenset[str]


class OpenTransaction(NamedTuple):
    """A transaction of one of our owners that is not over."""

    transactional_id: str
    began_ms: int


class ClockReading(NamedTuple):
    """A clock of somebody else, and ours before and after it was read; epoch ms."""

    before: float
    theirs: float
    after: float


def brokers_of(admin: KafkaAdminClient) -> tuple[list[Broker], frozenset[str]]:
    """The brokers, and what this user may do with the cluster."""
    cluster = admin.describe_cluster()
    numbers = sorted(broker["broker_id"] for broker in cluster["brokers"])
    found = [Broker(number, tuple(admin.get_broker_version_data(number).broker_version)) for number in numbers]
    return found, _rights(cluster)


def topics_of(admin: KafkaAdminClient, names: Collection[str]) -> tuple[dict[str, Topic], list[str]]:
    """Those of the topics that are there, by name; and those of which this user may not even know whether they are. Without the
    right to see it, a configuration is empty."""
    topics = admin.describe_topics(list(names))
    hidden = [topic["name"] for topic in topics if topic["error_code"] == TopicAuthorizationFailedError.errno]
    described = {topic["name"]: topic for topic in topics if topic["partitions"]}
    open_ones = [name for name, topic in described.items() if _MAY_SEE in _rights(topic)]
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs=list(INSPECTED)) for name in open_ones]
    configs = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
    return {
        name: Topic(
            Described(
                name,
                {key: str(config["value"]) for key, config in configs.get(name, {}).items()},
                min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
            ),
            len(topic["partitions"]),
            sum(partition["leader_id"] < 0 for partition in topic["partitions"]),
            _rights(topic),
        )
        for name, topic in described.items()
    }, hidden


def groups_of(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, Group]:
    """Those of the groups that Kafka lists, by name."""
    there = {group["group_id"] for group in admin.list_groups()}
    asked = [name for name in names if name in there]
    if not asked:
        return {}
    described = admin.describe_groups(asked, include_authorized_operations=True)
    return {
        name: Group(name, str(group["group_state"]), tuple(_members(group)), _rights(group))
        for name, group in described.items()
    }


def group_names(admin: KafkaAdminClient) -> list[str]:
    """All groups that Kafka lists to this user."""
    return sorted(group["group_id"] for group in admin.list_groups())


def transactions_of(admin: KafkaAdminClient, ids: Collection[str]) -> tuple[frozenset[str], list[OpenTransaction]]:
    """Which of these transactional ids this user may see, and the transactions of them that are not over."""
    listings = [listing for found in admin.list_transactions().values() for listing in found]
    seen = frozenset(listing.transactional_id for listing in listings) & frozenset(ids)
    ongoing = [
        found.transactional_id for found in listings if found.state == "Ongoing" and found.transactional_id in seen
    ]
    described = admin.describe_transactions(ongoing) if ongoing else {}
    return seen, [
        OpenTransaction(name, found.transaction_start_time_ms)
        for name, found in described.items()
        if found.state == "Ongoing"
    ]


def disks_of(admin: KafkaAdminClient, changelogs: Collection[str]) -> Iterator[Disk]:
    """The brokers' disks that hold the changelogs: what these take there is what one more generation would take."""
    for broker in admin.describe_log_dirs(list(changelogs)):
        for directory in broker["log_dirs"]:
            sizes = (part["partition_size"] for topic in directory["topics"] for part in topic["partitions"])
            name = f"broker {broker['broker']} {directory['log_dir']}"
            yield Disk(name, sum(sizes), directory["usable_bytes"], directory["total_bytes"])


def clock_of(admin: KafkaAdminClient) -> ClockReading | None:
    """The clock of the controller in charge: it always knows itself to have caught up now. None when it does not tell."""
    before = time.time() * 1000
    try:
        quorum = admin.describe_metadata_quorum()
    except (ClusterAuthorizationFailedError, UnsupportedVersionError, IncompatibleBrokerVersion):
        return None
    after = time.time() * 1000
    for partition in (part for topic in quorum["topics"] for part in topic["partitions"]):
        for voter in partition["current_voters"]:
            if voter["replica_id"] == partition["leader_id"] and voter.get("last_caught_up_timestamp", -1) > 0:
                return ClockReading(before, voter["last_caught_up_timestamp"], after)
    return None


def _members(group: Mapping[str, Any]) -> Iterator[GroupMember]:
    for member in group["members"]:
        assignment = member["member_assignment"] or {}
        owned = {number for topic in assignment.get("assigned_partitions", ()) for number in topic["partitions"]}
        yield GroupMember(member["group_instance_id"] or member["member_id"], member["client_host"], len(owned))


def _rights(described: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(map(str, described["authorized_operations"] or ()))
