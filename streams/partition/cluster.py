"""What a claim needs to know of the Kafka cluster: which one it is, and which topics these are.

Owns the looks at the cluster that claims share. Never changes anything there.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from streams.brokers.admission import knock
from streams.brokers.clients import client_settings
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, FIRST, SALES, Names
from streams.changelog.meta import Ground
from streams.domain.rules import CUSTOMER_BYTES_MAX
from streams.errors import OwnershipLost, StateRefused
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Cluster:
    """`ground` is what the state is tied to; the rest concerns the changelog and the dead letters."""

    cluster_id: str
    ground: Ground
    changelog_topic_id: str
    changelog_delete_retention_ms: int
    changelog_bytes_max: int  # the greatest record batch that it takes
    dead_letter_bytes_max: int  # the same of the dead letters
    letter_partitions: int  # of the dead letters
    names: Names = FIRST  # of the generation that is claimed


# A customer's record, with room for key, headers and framing: a key has at most 401 characters of 4 bytes.
CHANGELOG_BYTES_MIN: Final = CUSTOMER_BYTES_MAX + 4096

_CONFIGS: Final = ("delete.retention.ms", "max.message.bytes")


def look_at(settings: Settings, names: Names = FIRST, is_building: bool = False) -> Cluster:
    """Asks the brokers. A generation that is being built may have more partitions than the topics: a multiple.

    Blocks; raises kafka.errors.KafkaError when they are away, NotAdmitted when they refuse us, StateRefused for uneven topics,
    or for a changelog that does not take a customer's record.
    """
    try:
        admin = KafkaAdminClient(**client_settings(settings))
    except KafkaError:
        knock(settings, closing_is_refusing=False)
        raise
    try:
        cluster_id = admin.describe_cluster()["cluster_id"]
        wanted = [SALES, FEEDBACK, DEAD_LETTERS, names.changelog]
        topics = {topic["name"]: topic for topic in admin.describe_topics(wanted)}
        configs = _configs(admin, names.changelog)
    finally:
        admin.close()
    partitions = {name: len(topic["partitions"]) for name, topic in topics.items()}
    own = partitions[names.changelog]
    fits = own and own % partitions[SALES] == 0 if is_building else own == partitions[SALES]
    if partitions[SALES] != partitions[FEEDBACK] or not fits:
        raise StateRefused(
            f"the topics must have equal partition counts, found {partitions}: where posventa rebuild was adding some, let it "
            "go on; else make the odd one anew"
        )
    if (found := configs[names.changelog]["max.message.bytes"]) < CHANGELOG_BYTES_MIN:
        raise StateRefused(
            f"{names.changelog} takes {found} bytes at most, expected {CHANGELOG_BYTES_MIN} or more, for a customer's whole "
            f"state: kafka-configs.sh --alter --entity-type topics --entity-name {names.changelog} "
            f"--add-config max.message.bytes={CHANGELOG_BYTES_MIN}"
        )
    ground = Ground(
        partitions=own,
        pane_s=settings.pane,
        attribution_window_ms=settings.attribution_window * 1000,
        sales_topic_id=str(topics[SALES]["topic_id"]),
        feedback_topic_id=str(topics[FEEDBACK]["topic_id"]),
    )
    return Cluster(
        cluster_id,
        ground,
        changelog_topic_id=str(topics[names.changelog]["topic_id"]),
        changelog_delete_retention_ms=configs[names.changelog]["delete.retention.ms"],
        changelog_bytes_max=configs[names.changelog]["max.message.bytes"],
        dead_letter_bytes_max=configs[DEAD_LETTERS]["max.message.bytes"],
        letter_partitions=partitions[DEAD_LETTERS],
        names=names,
    )


class SharedLooks:
    """Looks at the cluster on behalf of claims: those that come while one is under way share the next."""

    def __init__(self, settings: Settings, names: Names, is_building: bool = False) -> None:
        self._settings = settings
        self._names = names
        self._is_building = is_building
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        self._seen: Cluster | None = None

    async def __call__(self) -> Cluster:
        """What the cluster was at some time after the call. Raises OwnershipLost while Kafka is away, NotAdmitted when it
        refuses us."""
        asked = self._begun
        async with self._one_at_a_time:
            if self._seen is None or self._begun == asked:
                self._begun += 1
                self._seen = None
                try:
                    self._seen = await asyncio.to_thread(look_at, self._settings, self._names, self._is_building)
                except KafkaError as error:
                    raise OwnershipLost(f"Kafka at {self._settings.kafka} does not answer: {error!r}") from error
            return self._seen


def _configs(admin: Any, changelog: str) -> Mapping[str, Mapping[str, int]]:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic, configs=list(_CONFIGS)) for topic in (changelog, DEAD_LETTERS)
    ]
    described = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        topic: {name: int(config["value"]) for name, config in configs.items()} for topic, configs in described.items()
    }
