"""The ids that Kafka gave the source topics when they were made: a topic that is made anew has another.

Owns the question. Never reads a record.
"""

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.brokers.admission import knock, unanswered
from streams.brokers.clients import client_settings
from streams.brokers.topics import SOURCES
from streams.errors import Unavailable
from streams.settings import Settings


def source_topic_ids(settings: Settings) -> list[str]:
    """In the order of SOURCES. Raises Unavailable when Kafka does not answer or has no such topics, NotAdmitted when it
    refuses us."""
    knock(settings)
    try:
        admin = KafkaAdminClient(**client_settings(settings))
        try:
            topics = {topic["name"]: topic for topic in admin.describe_topics(list(SOURCES))}
        finally:
            admin.close()
    except KafkaError as error:
        raise unanswered(settings, error) from error
    if not all(topics[name]["partitions"] for name in SOURCES):
        raise Unavailable(f"POSVENTA_KAFKA={settings.kafka}: has no topics of posventa yet; start a worker")
    return [str(topics[name]["topic_id"]) for name in SOURCES]
