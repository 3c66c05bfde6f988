"""Topics made beforehand are refused where numbers would be wrong, and warned of where data may get lost."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pytest

from streams.brokers.inspection import INSPECTED, Described, faults
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, SOURCES, STATE

CLOCK: Final = "message.timestamp.type"
BYTES_MAX: Final = {STATE: 12_000, DEAD_LETTERS: 4_000}
FINE: Final = {
    SALES: "LogAppendTime delete -1 -1 1000 1",
    FEEDBACK: "LogAppendTime delete -1 -1 1000 1",
    DEAD_LETTERS: "CreateTime delete -1 -1 4000 1",
    STATE: "CreateTime compact 604800000 -1 12000 1",
}


def topics(replicas: int = 1, changed: Mapping[str, dict[str, str]] = MappingProxyType({})) -> dict[str, Described]:
    """The four topics, with what is `changed`."""
    found = {}
    for name, configs in FINE.items():
        more = changed.get(name, {})
        found[name] = Described(name, dict(zip(INSPECTED, configs.split(), strict=True)) | more, replicas)
    return found


def test_what_we_create_is_as_it_must_be() -> None:
    assert list(faults(topics(), BYTES_MAX)) == []
    two = {"min.insync.replicas": "2"}
    safe = topics(3, dict.fromkeys(FINE, two))
    assert list(faults(safe, BYTES_MAX)) == []


@pytest.mark.parametrize(
    ("changed", "is_fatal", "command"),
    [
        ({SALES: {CLOCK: "CreateTime"}}, True, f"{SALES} --add-config {CLOCK}=LogAppendTime"),
        ({FEEDBACK: {"cleanup.policy": "compact"}}, True, f"{FEEDBACK} --add-config cleanup.policy=delete"),
        ({STATE: {"cleanup.policy": "compact,delete"}}, True, f"{STATE} --add-config cleanup.policy=compact"),
        ({DEAD_LETTERS: {"cleanup.policy": "compact"}}, True, f"{DEAD_LETTERS} --add-config cleanup.policy=delete"),
        ({STATE: {"min.insync.replicas": "2"}}, False, f"{STATE} --add-config min.insync.replicas=1"),
        ({SALES: {"retention.ms": "604800000"}}, False, f"{SALES} --add-config retention.ms=-1"),
        ({DEAD_LETTERS: {"retention.bytes": "1"}}, False, f"{DEAD_LETTERS} --add-config retention.bytes=-1"),
        ({STATE: {"max.message.bytes": "11999"}}, False, f"{STATE} --add-config max.message.bytes=12000"),
        ({SALES: {"max.message.bytes": "1001"}}, False, f"{DEAD_LETTERS} --add-config max.message.bytes=4004"),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_the_command_that_mends_it(
    changed: dict[str, dict[str, str]], is_fatal: bool, command: str
) -> None:
    (fault,) = faults(topics(changed=changed), BYTES_MAX)
    assert fault.is_fatal == is_fatal
    told = fault.told("h:9092")
    assert told.endswith(f"mend it with: kafka-configs.sh --bootstrap-server h:9092 --alter --topic {command}")
    assert re.search(rf"{re.escape(fault.name)} is {re.escape(fault.found)}, expected ", told)


def test_three_replicas_want_two_in_sync() -> None:
    found = list(faults(topics(3), BYTES_MAX))
    assert {(fault.topic, fault.name, fault.expected, fault.is_fatal) for fault in found} == {
        (topic, "min.insync.replicas", "2", False) for topic in (*SOURCES, DEAD_LETTERS, STATE)
    }
