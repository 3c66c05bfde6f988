"""What a claim needs to know of the Kafka cluster: which one it is, and which topics these are.

Owns one look at the cluster, taken when partitions are claimed. Never changes anything there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.errors import StateRefused
from streams.kafka_clients import client_settings
from streams.meta import Ground
from streams.settings import Settings
from streams.topics import FEEDBACK, SALES, STATE


@dataclass(frozen=True, slots=True)
class Cluster:
    """`ground` is what the state is tied to; the rest concerns the changelog."""

    cluster_id: str
    ground: Ground
    changelog_topic_id: str
    changelog_delete_retention_ms: int
    changelog_bytes_max: int  # the greatest record batch that it takes


_CHANGELOG_CONFIGS: Final = ("delete.retention.ms", "max.message.bytes")


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
    retention_ms, bytes_max = (int(configs[name]) for name in _CHANGELOG_CONFIGS)
    return Cluster(cluster_id, ground, str(topics[STATE]["topic_id"]), retention_ms, bytes_max)


def _configs(admin: Any) -> Mapping[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, STATE, configs=list(_CHANGELOG_CONFIGS))
    described = admin.describe_configs([resource], config_filter="all")["topic"][STATE]
    return {name: config["value"] for name, config in described.items()}
