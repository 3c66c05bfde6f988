"""Whether the topics that are there are as they must be, whoever made them.

Pure. Owns what each difference would do, and the command that mends it. Never asks a broker.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from streams.brokers.topics import DEAD_LETTERS, SOURCES, STATE

INSPECTED: Final = (
    "message.timestamp.type", "cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes",
    "min.insync.replicas",
)  # fmt: skip
_LETTERS_PER_SOURCE: Final = 4  # contract: so many times a source's greatest record fit into the other two topics
_IN_SYNC: Final = 2  # of three replicas or more


class Described(NamedTuple):
    """What is known of a topic: its configuration as far as it is INSPECTED, and how many brokers keep a partition."""

    name: str
    configs: Mapping[str, str]
    replicas: int


class Fault(NamedTuple):
    """A configuration that is not as expected. Where `is_fatal`, numbers would be wrong, or nothing would go on; else data may
    get lost."""

    topic: str
    name: str
    found: str
    expected: str
    why: str
    is_fatal: bool

    def told(self, kafka: str) -> str:
        """For people, with the command that mends it on the cluster at `kafka`."""
        return (
            f"{self.topic}: {self.name} is {self.found}, expected {self.expected}: {self.why}; mend it with: "
            f"kafka-configs.sh --bootstrap-server {kafka} --alter --topic {self.topic} "
            f"--add-config {self.name}={self.expected}"
        )


def faults(topics: Mapping[str, Described], bytes_max: Mapping[str, int]) -> Iterator[Fault]:
    """What is wrong with the four topics, by name. `bytes_max` are the records that changelog and dead letters should take."""
    for topic in map(topics.__getitem__, SOURCES):
        yield from _unless(
            topic, "message.timestamp.type", "LogAppendTime",
            "the clocks of publishers would decide how complete the numbers are, and what is from the future", True,
        )  # fmt: skip
        yield from _unless(topic, "cleanup.policy", "delete", "compaction keeps one event of each customer", True)
    yield from _unless(
        topics[DEAD_LETTERS], "cleanup.policy", "delete",
        "a compacted topic takes no record without a key, and a partition stops whose refusal it does not take", True,
    )  # fmt: skip
    yield from _unless(topics[STATE], "cleanup.policy", "compact", "what is known of customers would be deleted", True)
    for topic in (*map(topics.__getitem__, SOURCES), topics[DEAD_LETTERS]):
        for name in ("retention.ms", "retention.bytes"):
            yield from _unless(topic, name, "-1", "records are deleted, and can't be counted again when needed", False)
    source_bytes = max(int(topics[name].configs["max.message.bytes"]) for name in SOURCES)
    for name, why in (
        (STATE, "customers are full too early"),
        (DEAD_LETTERS, "great refusals are kept at their source alone"),
    ):
        expected = max(bytes_max[name], _LETTERS_PER_SOURCE * source_bytes)
        if int(topics[name].configs["max.message.bytes"]) < expected:
            yield from _unless(topics[name], "max.message.bytes", str(expected), why, False)
    for topic in topics.values():
        yield from _in_sync(topic)


def _unless(topic: Described, name: str, expected: str, why: str, is_fatal: bool) -> Iterator[Fault]:
    found = topic.configs[name]
    if found != expected:
        yield Fault(topic.name, name, found, expected, why, is_fatal)


def _in_sync(topic: Described) -> Iterator[Fault]:
    name = "min.insync.replicas"
    found = int(topic.configs[name])
    if found > topic.replicas:
        why = f"it has {topic.replicas} replicas, and older brokers then take no record"
        yield from _unless(topic, name, str(min(_IN_SYNC, topic.replicas)), why, False)
    elif found < _IN_SYNC < topic.replicas:
        yield from _unless(
            topic, name, str(_IN_SYNC), "one broker may take with it what only it had acknowledged", False
        )
