"""The end of a run: what the changelog, ClickHouse and the dead letters must hold, computed apart from any protocol.

Owns the comparison. ClickHouse is compared with the oracle, the changelog with one calm unit over all accepted events.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from schemas.codec import encode
from schemas.events import Feedback, record_key
from schemas.measures import MEASURES, MONEY, TOPIC_MEASURES
from sinks.tables import AFFILIATE_PANES, ANSWERS, JOURNEYS, REVERSALS, TOPIC_PANES, Table
from sinks.tables import DEAD_LETTERS as LETTERS_TABLE
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES
from streams.changelog import records
from tests.model.kafka import Entry
from tests.model.story import Story
from tests.model.worker import World
from tests.support.changelog import unpack_comment
from tests.support.oracle import oracle

Found = Mapping[Any, Any]


def differences(world: World, story: Story) -> list[str]:
    """What is not as it must be."""
    expected = oracle(story.events, world.law.maker(0).rules)
    shown = Counter(row[1:4] for row in world.clickhouse.tables[LETTERS_TABLE.name].values())
    published = Counter(world.law.letters)
    return [
        *_compare("pane", _panes(world), {key: dict(pane) for key, pane in expected.panes.items()}),
        *_compare("topic", _topics(world), expected.topics),
        *_compare("journey", _rows(world, JOURNEYS, "brand_id", "sale_id"), expected.journeys),
        *_compare("reversal", _rows(world, REVERSALS, "brand_id", "sale_id", "reversal_id"), expected.reversals),
        *_compare("answer", _rows(world, ANSWERS, "brand_id", "feedback_id"), expected.answers),
        *_compare("changelog record", _changelog(world), _calm_changelog(world, story)),
        *_compare("refused value", Counter(_values(world)), Counter(story.refused)),
        *_compare("dead letter", published, dict.fromkeys(published, 1)),
        *_compare("row of a dead letter", shown, published),
    ]


def _compare(what: str, found: Found, expected: Found) -> list[str]:
    return [
        f"{what} {key}: {found.get(key)}, expected {expected.get(key)}"
        for key in sorted(found.keys() | expected.keys(), key=repr)
        if found.get(key) != expected.get(key)
    ]


def _panes(world: World) -> Found:
    """By the pane's key, summed over the source partitions, money as the views show it; none that is all zeros."""
    panes: dict[Any, list[int]] = {}
    for row in world.clickhouse.tables[AFFILIATE_PANES.name].values():
        so_far = panes.get(row[1:5], [0] * len(MEASURES))
        panes[row[1:5]] = [a + b for a, b in zip(so_far, row[6:-1], strict=True)]
    return {
        key: {name: Decimal(n).scaleb(-4) if name in MONEY else n for name, n in zip(MEASURES, measures, strict=True)}
        for key, measures in panes.items()
        if any(measures)
    }


def _topics(world: World) -> Found:
    """By the key of the topic's pane, summed over the source partitions; none that is all zeros."""
    topics: dict[Any, list[int]] = {}
    for row in world.clickhouse.tables[TOPIC_PANES.name].values():
        so_far = topics.get(row[1:6], [0] * len(TOPIC_MEASURES))
        topics[row[1:6]] = [a + b for a, b in zip(so_far, row[7:-1], strict=True)]
    return {key: dict(zip(TOPIC_MEASURES, counts, strict=True)) for key, counts in topics.items() if any(counts)}


def _rows(world: World, table: Table, *key: str) -> Found:
    """A table's rows by key, without generation and version, money as the views show it."""
    shown = {}
    for row in world.clickhouse.tables[table.name].values():
        named = dict(zip(table.columns[1:-1], row[1:-1], strict=True))
        for name in ("amount", "commission", "refunded", "charged_back", "commission_reversed"):
            if name in named:
                named[name] = Decimal(named[name]).scaleb(-4)
        shown[tuple(named[name] for name in key)] = named
    return shown


def _changelog(world: World) -> Found:
    """The changelog's last values, without what depends on the cut into units."""
    return {
        (number, key): value
        for number, line in enumerate(world.law.lines)
        for key, value in line.state.items()
        if key[:1] not in (records.META, records.REFUSAL) and _says_something(key, value)
    }


def _calm_changelog(world: World, story: Story) -> Found:
    """The same of one unit a partition, over everything in the order in which it was published."""
    partitions = len(world.law.lines)
    batches: list[list[Entry]] = [[] for _ in range(partitions)]
    for event in story.events:
        topic, key = FEEDBACK if isinstance(event, Feedback) else SALES, record_key(event)
        number = partition_for(key, partitions)
        batches[number].append(Entry(topic, number, 0, key, encode(event), event.occurred_at))
    found: dict[Any, Any] = {}
    for number, batch in enumerate(batches):
        unit = world.law.maker(number).make(lambda keys: [None] * len(keys), 1, batch, 0)
        found |= {(number, key): value for key, value in unit.changed.items() if value and _says_something(key, value)}
    return found


def _says_something(key: bytes, value: bytes) -> bool:
    """A pane that came and went is there as zeros, a comment as empty; what never was is not there."""
    kind = key[:1]
    if kind == records.PANE:
        return any(records.unpack_measures(value))
    if kind == records.TOPIC:
        return any(records.unpack_topic(value))
    return kind != records.COMMENT or any(unpack_comment(value))


def _values(world: World) -> list[bytes | None]:
    """The values in the dead-letter topic."""
    logs = [log for (topic, _), log in world.way.kafka.logs.items() if topic == DEAD_LETTERS]
    return [entry.value for log in logs for entry in log.committed(0, log.end)]
