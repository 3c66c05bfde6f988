"""What a claim needs to know of the Kafka cluster: which one it is, and which topics these are.

Owns one look at the cluster, taken when partitions are claimed. Never changes anything there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.brokers.clients import client_settings
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.changelog.meta import Ground
from streams.errors import StateRefused
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Cluster:
    """`ground` is what the state is tied to; the rest concerns the changelog and the dead letters."""

    cluster_id: str
    ground: Ground
    changelog_topic_id: str
    changelog_delete_retention_ms: int
    changelog_bytes_max: int  # the greatest record batch that it takes
    letter_bytes_max: int  # the same of the dead letters


_CONFIGS: Final = ("delete.retention.ms", "max.message.bytes")


def look_at(settings: Settings) -> Cluster:
    """Asks the brokers. Blocks; raises kafka.errors.KafkaError when they are away, StateRefused for uneven topics."""
    admin = KafkaAdminClient(**client_settings(settings))
    try:
        cluster_id = admin.describe_cluster()["cluster_id"]
        topics = {topic["name"]: topic for topic in admin.describe_topics([SALES, FEEDBACK, STATE])}
        configs = _configs(admin)
    finally:
        admin.close()
    partitions = {name: len(topic["partitions"]) for name, topic in topics.items()}
    if len(set(partitions.values())) != 1:
        raise StateRefused(f"the topics must have equal partition counts, found {partitions}: recreate the odd one")
    ground = Ground(
        partitions=partitions[SALES],
        pane_s=settings.pane,
        attribution_window_ms=settings.attribution_window * 1000,
        sales_topic_id=str(topics[SALES]["topic_id"]),
        feedback_topic_id=str(topics[FEEDBACK]["topic_id"]),
    )
    return Cluster(
        cluster_id,
        ground,
        changelog_topic_id=str(topics[STATE]["topic_id"]),
        changelog_delete_retention_ms=configs[STATE]["delete.retention.ms"],
        changelog_bytes_max=configs[STATE]["max.message.bytes"],
        letter_bytes_max=configs[DEAD_LETTERS]["max.message.bytes"],
    )


def _configs(admin: Any) -> Mapping[str, Mapping[str, int]]:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic, configs=list(_CONFIGS)) for topic in (STATE, DEAD_LETTERS)
    ]
    described = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        topic: {name: int(config["value"]) for name, config in configs.items()} for topic, configs in described.items()
    }
