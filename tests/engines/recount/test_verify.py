"""posventa verify on the real engines: no difference while a stream goes on, and every row that somebody changed by hand."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from schemas.codec import encode
from schemas.events import Event, Feedback, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from tests.support.engines import PARTITIONS, Engines, engines, producing
from tests.support.tricky import tricky_events

POSVENTA: Final = str(Path(sys.executable).with_name("posventa"))
CUSTOMERS: Final = 600

# By hand, with ClickHouse's own words: the table, the column that must be named, and how it is hurt.
HURT: Final = (
    (
        "affiliate_panes",
        "sales",
        "ALTER TABLE affiliate_panes UPDATE sales = 9 WHERE affiliate_id = 'ana' AND sales = 2",
    ),
    (
        "affiliate_panes",
        "gross",
        "ALTER TABLE affiliate_panes DELETE WHERE affiliate_id = 'bo' AND gross = 999900",
    ),
    (
        "topic_panes",
        "answers",
        "ALTER TABLE topic_panes UPDATE answers = answers + 2 WHERE topic = 'price' AND answers = 2",
    ),
    ("journeys", "amount", "ALTER TABLE journeys UPDATE amount = amount + 1 WHERE customer_id = 'c7'"),
    ("journeys", "", "INSERT INTO journeys SELECT * REPLACE ('c-none' AS customer_id) FROM journeys LIMIT 1"),
    (
        "reversals",
        "status",
        "ALTER TABLE reversals UPDATE status = 'counted' WHERE status = 'without_sale' AND customer_id < 'c12'",
    ),
    ("answers", "score", "ALTER TABLE answers UPDATE score = 3 WHERE customer_id = 'c9' AND score != 3"),
    ("answers", "", "ALTER TABLE answers DELETE WHERE customer_id = 'c8'"),
    ("comments", "comment", "ALTER TABLE comments UPDATE comment = 'great' WHERE customer_id < 'c2' AND comment != ''"),
    ("dead_letters", "reason", "ALTER TABLE dead_letters UPDATE reason = 'customer_full' WHERE source_partition = 1"),
    ("dead_letters", "", "ALTER TABLE dead_letters DELETE WHERE source_partition = 2"),
)


def newest() -> int:
    return time.time_ns() // 1_000_000 - 3_600_000


def verdict(running: Engines, *options: str) -> tuple[int, dict[str, Any]]:
    """What the command says."""
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
    }
    command = [POSVENTA, "verify", "--json", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def publish_with_tricks(running: Engines, events: list[Event]) -> int:
    """Among the events: records that are refused, tombstones, and events on wrong partitions. Returns how many offsets that
    makes, with those of the events that are published again."""
    rng = random.Random(3)
    astray = 0
    with producing(running.kafka.bootstrap) as producer:
        for number, event in enumerate(events):
            topic, key = (
                FEEDBACK if isinstance(event, Feedback) else SALES,
                record_key(event),
            )
            home = partition_for(key, PARTITIONS)
            partition = rng.randrange(PARTITIONS) if number % 50 == 0 else home
            astray += partition != home
            producer.send(topic, encode(event), key=key, partition=partition)
            if number % 100 == 0:
                producer.send(topic, b"no event", key=key, partition=home)
                producer.send(topic, None, key=key, partition=home)
        bad = 2 * ((len(events) + 99) // 100)
    return len(events) + bad + astray


def test_nothing_differs_while_the_stream_goes_on_and_each_hurt_row_is_named(tmp_path: Path) -> None:
    events = tricky_events(11, CUSTOMERS, newest())
    with engines(tmp_path) as running:
        running.start_worker(0)
        offsets = publish_with_tricks(running, events)
        running.settle(offsets)
        code, calm = verdict(running)
        assert (code, calm["differences"], calm["differing"]) == (0, [], 0)
        assert calm["events"] == len(events)
        assert calm["keys"] > len(events) / 3

        more = tricky_events(12, CUSTOMERS, newest())  # of the same customers: their rows change while they are read
        publishing = threading.Thread(target=lambda: running.publish(more))
        publishing.start()
        code, live = verdict(running)
        publishing.join()
        assert (code, live["differences"]) == (0, [])
        assert live["events"] >= calm["events"]
        running.settle(offsets + len(more))

        for worker in running.workers.values():
            worker.terminate()
            worker.wait()
        known: set[tuple[str, ...]] = set()
        for table, column, sql in HURT:
            running.command(sql)
            code, hurt = verdict(running)
            found = {(d["table"], d["column"], json.dumps(d["key"])): d for d in hurt["differences"]}
            new = found.keys() - known
            assert code == 1
            assert {name for name, *_ in new} == {table}, sql
            assert column in {name for _, name, _ in new}, sql
            assert all(found[place]["expected"] != found[place]["found"] for place in new)
            known |= new
