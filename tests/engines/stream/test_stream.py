"""The law on the real engines: whatever happens to the workers, ClickHouse equals the oracle."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from schemas.codec import encode
from schemas.events import Event, Feedback, partition_key, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.changelog.records import REFUSAL
from tests.support.domain_strategies import A_SALE
from tests.support.engines import PARTITIONS, Engines, engines, producing, read_all
from tests.support.tricky import tricky_events

CUSTOMERS = 1500
PAUSE_S = 9.0  # the workers' session ends after 6


def newest() -> int:
    return time.time_ns() // 1_000_000 - 3_600_000


def test_one_worker_shows_what_the_oracle_expects_also_when_all_comes_twice(tmp_path: Path) -> None:
    events = tricky_events(1, CUSTOMERS, newest())
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = running.publish(events)
        running.settle(published)
        assert running.differences(events) == []
        again = random.Random(2).sample(events, len(events))
        running.settle(published + running.publish(again))
        assert running.differences(events) == []


def test_two_workers_of_which_one_is_killed_and_one_paused_show_the_same(tmp_path: Path) -> None:
    events = tricky_events(3, CUSTOMERS, newest())
    with engines(tmp_path) as running:
        for number in range(2):
            running.start_worker(number)
        half = len(events) // 2
        published = running.publish(events[:half])
        running.wait_for(lambda: running.applied() > 0, "the first units")
        running.kill_worker(0)
        published += running.publish(events[half:])
        running.pause_worker(1, PAUSE_S)
        running.settle(published)
        assert running.differences(events) == []


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    events = tricky_events(4, CUSTOMERS, newest())
    with engines(tmp_path) as running:
        published = running.publish(events)
        running.start_worker(0)
        for share in (0.05, 0.3, 0.6):
            running.wait_for(lambda share=share: running.applied() > published * share, "progress")  # type: ignore[misc]
            running.kill_worker(0)
        running.settle(published)
        assert running.differences(events) == []


def bad_records(count: int) -> list[tuple[str, bytes, bytes, str]]:
    """(topic, key, value, reason) of every kind."""
    good = A_SALE._replace(occurred_at=newest())
    key = partition_key(good.brand_id, good.customer_id)
    value = encode(good)
    hour_ahead = time.time_ns() // 1_000_000 + 3_600_000
    kinds = [
        (SALES, b"\xff garbage", "undecodable"),
        (SALES, value[:-3], "undecodable"),
        (SALES, value + b"\x00", "undecodable"),
        (SALES, b"", "undecodable"),
        (SALES, b"\xc3\x01" + bytes(8) + value[10:], "unknown_schema"),
        (SALES, b"\x00\x00\x00\x00\x07" + value[10:], "unknown_schema"),
        (FEEDBACK, value, "unknown_schema"),
        (SALES, encode(good._replace(amount=-1)), "invalid_value"),
        (SALES, encode(good._replace(currency="eur")), "invalid_value"),
        (SALES, encode(good._replace(occurred_at=hour_ahead)), "from_the_future"),
    ]
    return [(topic, key, data, reason) for topic, data, reason in (kinds[n % len(kinds)] for n in range(count))]


def test_bad_records_become_dead_letters_and_good_ones_all_count(tmp_path: Path) -> None:
    events = tricky_events(5, 640, newest())[:10_000]
    bad = bad_records(1000)
    with engines(tmp_path) as running:
        running.start_worker(0)
        _publish_mixed(running, events, bad)
        running.settle(len(events) + len(bad))
        assert running.differences(events) == []
        expected = Counter(reason for *_, reason in bad)
        rows = running.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason")
        assert Counter(dict(rows)) == expected
        letters = read_all(running.kafka.bootstrap, DEAD_LETTERS)
        assert Counter(dict(letter.headers)["reason"].decode() for letter in letters) == expected
        assert Counter(letter.value for letter in letters) == Counter(value for _, _, value, _ in bad)
        assert {"detail", "source-topic", "source-partition", "source-offset", "refused-at"} <= set(
            dict(letters[0].headers)
        )


def test_records_that_fell_elsewhere_are_published_again_where_they_belong(tmp_path: Path) -> None:
    events = tricky_events(6, 50, newest())
    rng = random.Random(6)
    with engines(tmp_path) as running:
        running.start_worker(0)
        astray = 0
        with producing(running.kafka.bootstrap) as producer:
            for event in events:
                key = record_key(event)
                wrong_key = rng.choice([key, None, b"another"])
                partition = rng.randrange(PARTITIONS)
                topic = FEEDBACK if isinstance(event, Feedback) else SALES
                producer.send(topic, encode(event), key=wrong_key, partition=partition)
                astray += wrong_key != key or partition != partition_for(key, PARTITIONS)
        running.settle(len(events) + astray)
        assert running.differences(events) == []
        headers = [dict(r.headers) for topic in (SALES, FEEDBACK) for r in read_all(running.kafka.bootstrap, topic)]
        assert sum(h.get("posventa-rerouted") == b"1" for h in headers) == astray


@pytest.mark.parametrize("lost", ["local state", "ClickHouse"])
def test_what_is_lost_beside_kafka_is_built_again(tmp_path: Path, lost: str) -> None:
    events = tricky_events(7, 400, newest())
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = running.publish(events[:-500])
        running.settle(published)
        if lost == "ClickHouse":
            _truncate(running)
        else:
            running.workers[0].kill()
            running.workers[0].wait()
            running.start_worker(1)  # another state directory, an empty one
            del running.workers[0]
        published += running.publish(events[-500:])
        running.settle(published)
        running.wait_for(lambda: running.differences(events) == [], "equal numbers")


REFUSALS = "SELECT * EXCEPT version FROM dead_letters FINAL ORDER BY ALL"


def test_an_emptied_clickhouse_gets_the_rows_of_all_refusals_again(tmp_path: Path) -> None:
    bad = bad_records(600)
    with engines(tmp_path) as running:
        running.start_worker(0)
        _publish_mixed(running, [], bad)
        _publish_astray(running, bad[:40])
        running.settle(640)
        before = running.query(REFUSALS)
        assert len(before) == 640
        _let_the_changelog_forget(running)
        for times in (1, 2):
            running.query("DROP DATABASE posventa") if times == 1 else _truncate(running)
            if times == 1:
                running.kill_worker(0)  # a start makes the database
            running.publish(tricky_events(9, 40, newest())[:1])
            running.wait_for(lambda: _refusals(running) == before, "the rows of all refusals")


def _let_the_changelog_forget(running: Engines) -> None:
    """Until compaction has removed what later units gave up."""
    at_once = {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, STATE, at_once)])
    admin.close()
    events = tricky_events(9, 40, newest())

    def is_forgotten() -> bool:
        running.publish(events[:200])  # units, of which each also begins another segment
        return not any(r.value and r.key[:1] == REFUSAL for r in read_all(running.kafka.bootstrap, STATE))

    running.wait_for(is_forgotten, "the changelog to be compacted")


def _refusals(running: Engines) -> list[Any]:
    try:
        return running.query(REFUSALS)
    except clickhouse_connect.driver.exceptions.Error:
        return []  # not migrated yet


def _truncate(running: Engines) -> None:
    tables = "SELECT name FROM system.tables WHERE database = 'posventa' AND engine LIKE '%Tree'"
    for (table,) in running.query(tables):
        running.query(f"TRUNCATE TABLE {table}")


def _publish_astray(running: Engines, bad: list[tuple[str, bytes, bytes, str]]) -> None:
    """Under no key and on any partition: their letters lie there, or where another key falls."""
    rng = random.Random(9)
    with producing(running.kafka.bootstrap) as producer:
        for topic, _, value, _ in bad:
            producer.send(topic, value, key=rng.choice([None, b"another"]), partition=rng.randrange(PARTITIONS))


def _publish_mixed(running: Engines, events: list[Event], bad: list[tuple[str, bytes, bytes, str]]) -> None:
    rng = random.Random(8)
    records: list[tuple[str, bytes, bytes]] = [(topic, key, value) for topic, key, value, _ in bad]
    for event in events:
        key = record_key(event)
        records.append((FEEDBACK if isinstance(event, Feedback) else SALES, key, encode(event)))
    rng.shuffle(records)
    with producing(running.kafka.bootstrap) as producer:
        for topic, key, value in records:
            producer.send(topic, value, key=key, partition=partition_for(key, PARTITIONS))
