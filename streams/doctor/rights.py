"""What a worker must be allowed to do, in Kafka and in ClickHouse, and what of it this user is not.

Pure. Owns the list, as data: whoever is to print grants or ACLs for an operator reads it too.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sinks.tables import DATABASE, TABLES
from streams.brokers.topics import DEAD_LETTERS, SOURCES
from streams.doctor.telling import Seen, error, seen


class Right(NamedTuple):
    """An operation, by Kafka's name, on a topic, a group or a transactional id."""

    operation: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation} the {self.kind} {self.name}"


def kafka_rights(changelog: str, group: str, partitions: int) -> Iterator[Right]:
    """What a worker does with topics, its group, and the transactional ids of its partitions."""
    for topic in (*SOURCES, changelog):
        for operation in (
            "READ",
            "WRITE",
            "DESCRIBE",
            "DESCRIBE_CONFIGS",
        ):  # sources too: what fell elsewhere is published again
            yield Right(operation, "topic", topic)
    for operation in ("WRITE", "DESCRIBE", "DESCRIBE_CONFIGS"):
        yield Right(operation, "topic", DEAD_LETTERS)
    yield Right("READ", "group", group)
    for number in range(partitions):
        yield Right("WRITE", "transactional id", f"{group}-{number}")


def clickhouse_rights() -> list[str]:
    """What a worker does with the base tables, as ClickHouse's GRANT has it."""
    return [f"{right} ON {DATABASE}.{table.name}" for table in TABLES for right in ("SELECT", "INSERT")]


def judge_rights(kafka: str, lacking: Iterable[Right], in_clickhouse: Iterable[str]) -> Seen:
    """`lacking` and `in_clickhouse` are what this user may not do."""
    troubles = [
        error(
            f"this user may not {right}",
            "what a worker needs",
            f"kafka-acls.sh --bootstrap-server {kafka} --add --allow-principal User:NAME "
            f"--operation {_as_typed(right.operation)} --{right.kind.replace(' ', '-')} {right.name}",
        )
        for right in lacking
    ]
    troubles += [
        error(f"this user of ClickHouse has no {right}", "what a worker needs", f"GRANT {right} TO its user")
        for right in in_clickhouse
    ]
    return seen("as a worker needs them" if not troubles else f"{len(troubles)} are missing", troubles)


def _as_typed(operation: str) -> str:
    """As kafka-acls.sh takes it: DescribeConfigs."""
    return "".join(word.capitalize() for word in operation.split("_"))
