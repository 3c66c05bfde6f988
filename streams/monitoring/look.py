"""One look at the stream from outside, and the samples that it makes.

`Look` and samples() are pure; look() asks Kafka and ClickHouse. A server that does not answer leaves its part of the look
empty, and nothing else.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from schemas.errors import REASONS
from sinks.client import connected
from sinks.errors import SchemaMissing, SinkError
from sinks.ops import generation, refusals
from sinks.reading import freshness
from streams.brokers.clients import client_settings
from streams.brokers.groups import our_groups
from streams.brokers.lag import Lag, read_lag
from streams.brokers.topics import GROUP, Names, TopicPartition
from streams.errors import Misuse, PosventaError
from streams.monitoring import catalogue
from streams.monitoring.exposition import Sample
from streams.monitoring.status import STATUSES, status_of
from streams.settings import Settings

_CLICKHOUSE_S_MAX: Final = 10  # it is asked for a few rows; whoever takes longer is busy

log = logging.getLogger(__name__)


class Member(NamedTuple):
    """A worker, as the group knows it."""

    host: str
    consumer_id: str
    client_id: str


NOBODY: Final = Member("", "", "")


@dataclass(frozen=True, slots=True)
class OfKafka:
    """What the brokers tell."""

    cluster: str
    lags: list[Lag]
    members: int
    owners: Mapping[TopicPartition, Member] = field(default_factory=dict)
    group: str = GROUP  # of the generation in use


@dataclass(frozen=True, slots=True)
class OfClickHouse:
    """What the tables tell. `reports` are rows of freshness_now by topic and partition."""

    reports: Mapping[TopicPartition, Mapping[str, Any]] = field(default_factory=dict)
    refusals: Mapping[str, int] | None = None  # by reason; None: not for this user
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Both, each None when it did not answer. Times are epoch seconds."""

    kafka: OfKafka | None
    clickhouse: OfClickHouse | None
    ended_at: float
    took_s: float


def samples(look: Look) -> Iterator[Sample]:
    """All that a look knows."""
    if look.kafka is not None:
        yield from _of_kafka(look.kafka)
        yield from _statuses(look.kafka, look.clickhouse, look.ended_at)
    if look.clickhouse is not None:
        yield from _of_clickhouse(look.clickhouse)
    yield Sample(catalogue.REACHED, ("kafka",), look.kafka is not None)
    yield Sample(catalogue.REACHED, ("clickhouse",), look.clickhouse is not None)
    yield Sample(catalogue.LOOKED, (), look.ended_at)
    yield Sample(catalogue.LOOK_SECONDS, (), look.took_s)


def _of_kafka(kafka: OfKafka) -> Iterator[Sample]:
    yield Sample(catalogue.MEMBERS, (kafka.group,), kafka.members)
    for found in kafka.lags:
        place = (found.topic, str(found.partition))
        yield Sample(catalogue.LATEST_OFFSET, (kafka.cluster, *place), found.latest)
        yield Sample(catalogue.EARLIEST_OFFSET, (kafka.cluster, *place), found.earliest)
        owned = (kafka.cluster, kafka.group, *place, *kafka.owners.get((found.topic, found.partition), NOBODY))
        yield Sample(catalogue.GROUP_LAG, owned, found.lag_records)
        yield Sample(catalogue.GROUP_LAG_SECONDS, owned, found.lag_seconds)
        if found.applied is not None:
            yield Sample(catalogue.GROUP_OFFSET, owned, found.applied)
        yield Sample(catalogue.TRIMMED, place, max(0, found.earliest - (found.applied or 0)))


def _statuses(kafka: OfKafka, clickhouse: OfClickHouse | None, now_s: float) -> Iterator[Sample]:
    if clickhouse is None:
        return
    for found in kafka.lags:
        status = status_of(found, clickhouse.reports, datetime.fromtimestamp(now_s, UTC))
        for each in STATUSES[:-1]:  # the last is "unknown", which is told by saying nothing
            yield Sample(catalogue.STATUS, (found.topic, str(found.partition), each), each == status)


def _of_clickhouse(clickhouse: OfClickHouse) -> Iterator[Sample]:
    for (topic, partition), report in clickhouse.reports.items():
        place = (topic, str(partition))
        yield Sample(catalogue.COMPLETE_UP_TO, place, report["complete_up_to"].timestamp())
        yield Sample(catalogue.REPORTED, place, report["as_of"].timestamp())
    for reason, count in (clickhouse.refusals or {}).items():
        yield Sample(catalogue.DEAD_LETTERS, (reason,), count)
    if clickhouse.generation is not None:
        yield Sample(catalogue.GENERATION, (), clickhouse.generation)


def look(settings: Settings) -> Look:
    """Asks both servers. Blocks for some seconds at most a server; raises nothing of theirs, but Misuse for a bad setting."""
    begun = time.time()
    clickhouse = _ask_clickhouse(settings)
    kafka = _ask_kafka(settings, clickhouse)
    ended = time.time()
    return Look(kafka, clickhouse, ended, ended - begun)


def _ask_clickhouse(settings: Settings) -> OfClickHouse | None:
    try:
        with connected(settings.clickhouse.get_secret_value(), answer_s=_CLICKHOUSE_S_MAX) as client:
            reports = {(row["topic"], row["partition"]): row for row in freshness(client) if row["partition"] >= 0}
            try:
                return OfClickHouse(reports, dict.fromkeys(REASONS, 0) | refusals(client), generation(client))
            except SinkError as error:
                log.info("the base tables are not for this user: %s", error)
                return OfClickHouse(reports)
    except SchemaMissing:
        return OfClickHouse()
    except SinkError as error:
        log.warning("ClickHouse does not tell: %s", error)
        return None


def _ask_kafka(settings: Settings, clickhouse: OfClickHouse | None) -> OfKafka | None:
    try:
        lags = read_lag(settings, int(time.time() * 1000), None if clickhouse is None else clickhouse.reports)
        admin = KafkaAdminClient(**client_settings(settings))
        try:
            cluster = str(admin.describe_cluster()["cluster_id"])
            groups = our_groups(admin)
            members = [m for group in groups for m in admin.describe_groups([group])[group]["members"]]
        finally:
            admin.close()
    except Misuse:
        raise
    except (PosventaError, KafkaError) as error:
        log.warning("Kafka does not tell: %s", error)
        return None
    in_use = clickhouse.generation if clickhouse else None
    return OfKafka(cluster, lags, len(members), dict(_owners(members)), Names(in_use or 1).group)


def _owners(members: Any) -> Iterator[tuple[TopicPartition, Member]]:
    for member in members:
        known = Member(member["client_host"].lstrip("/"), member["member_id"], member["client_id"])
        for assigned in (member["member_assignment"] or {}).get("assigned_partitions", ()):
            for partition in assigned["partitions"]:
                yield (assigned["topic"], partition), known
