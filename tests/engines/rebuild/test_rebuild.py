"""posventa rebuild on the real engines: what the views show before, during and after, while a stream goes on."""

import json
import os
import random
import subprocess
import threading
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from kafka.admin import KafkaAdminClient

from schemas.codec import encode
from schemas.events import Event, record_key
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, Names
from streams.domain.rules import Rules
from streams.partition.rerouting import HEADER
from streams.publishing.publisher import topic_of
from tests.engines.recount.test_verify import newest, publish_with_tricks, verdict
from tests.support.comparison import differences
from tests.support.engines import Engines, engines, producing, read_all
from tests.support.processes import POSVENTA, until
from tests.support.tricky import tricky_events

CUSTOMERS: Final = 150
OLD: Final = Names(1)

pytestmark = pytest.mark.timeout(1200)  # of many processes, on a machine that does other things


def rebuilding(running: Engines, *options: str) -> "subprocess.Popen[str]":
    """The command, started."""
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
        "POSVENTA_STATE_DIR": str(running.directory / "rebuilding"),
    }
    return subprocess.Popen(
        [POSVENTA, "rebuild", "--json", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(process: "subprocess.Popen[str]", code: int = 0) -> dict[str, Any]:
    """What it said in the end."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    found: dict[str, Any] = json.loads(out.splitlines()[-1]) if out else {"said": err}
    return found


def in_use(running: Engines) -> int:
    return int(running.query("SELECT greatest(1, max(generation)) FROM generations")[0][0])


def settle(running: Engines, offsets: int) -> None:
    """Waits until so much of the sources is in the generation in use."""
    sql = (
        "SELECT sum(applied_offset) FROM freshness FINAL WHERE generation = "
        "(SELECT greatest(1, max(generation)) FROM generations)"
    )
    running.wait_for(lambda: int(running.query(sql)[0][0]) >= offsets, f"{offsets} offsets to be applied")


def test_another_pane_while_the_stream_goes_on(tmp_path: Path) -> None:
    first, second = tricky_events(21, CUSTOMERS, newest()), tricky_events(22, CUSTOMERS, newest())
    with engines(tmp_path) as running:
        running.start_worker(0)
        running.start_worker(1)
        offsets = publish_with_tricks(running, first)
        running.settle(offsets)
        letters = len(read_all(running.kafka.bootstrap, DEAD_LETTERS))

        plan = done(rebuilding(running, "--pane", "15m", "--attribution-window", "30d", "--dry-run"))
        assert (plan["generation"], plan["after"]["pane_s"], plan["records"]) == (2, 900, offsets)
        process = rebuilding(running, "--pane", "15m", "--attribution-window", "30d")
        publishing = threading.Thread(target=lambda: running.publish(second))
        publishing.start()
        seen: set[int] = set()
        while process.poll() is None:
            generation = in_use(running)
            seen.add(generation)
            if generation == 1:  # what it shows until then is what its workers count
                assert running.query("SELECT count() FROM generations") == [(0,)]
            time.sleep(0.1)
        publishing.join()
        assert seen == {1, 2}
        assert done(process)["verified_events"] >= len(first)

        settle(running, offsets + len(second))
        rules = Rules(pane_s=900, attribution_window_ms=30 * 86_400_000)
        assert differences(running.clickhouse.url, [*first, *second], rules) == []
        code, live = verdict(running)
        assert (code, live["differences"]) == (0, [])
        assert len(read_all(running.kafka.bootstrap, DEAD_LETTERS)) == letters
        assert follows(running, 0)
        nothing_is_left_of(running, OLD)


def test_twice_the_partitions_while_the_stream_goes_on(tmp_path: Path) -> None:
    first, second, third = (tricky_events(seed, CUSTOMERS, newest()) for seed in (31, 32, 33))
    with engines(tmp_path) as running:
        running.start_worker(0)
        offsets = publish_with_tricks(running, first)
        running.settle(offsets)
        bootstrap = running.kafka.bootstrap
        letters, rerouted = len(read_all(bootstrap, DEAD_LETTERS)), astray(bootstrap)

        process = rebuilding(running, "--partitions", "16")
        publishing = threading.Thread(target=lambda: publish_as_kafka_says(bootstrap, second))
        publishing.start()
        publishing.join()
        assert done(process)["verified_events"] >= len(first)
        # What lay there before was published once, and is read where it lies.
        assert (len(read_all(bootstrap, DEAD_LETTERS)), astray(bootstrap)) == (letters, rerouted)

        publish_as_kafka_says(bootstrap, third)
        stale = running.publish(third)  # a publisher who still knows of 8 partitions
        settle(running, running.offsets())
        assert astray(bootstrap) > rerouted + stale // 4
        settle(running, running.offsets())
        assert differences(running.clickhouse.url, [*first, *second, *third], Rules()) == []
        code, after = verdict(running)
        assert (code, after["differences"]) == (0, [])
        assert after["events"] >= len(first) + len(second) + 2 * len(third)

        # A state of 16 partitions is made anew from logs of which half once held what belongs to the others.
        assert done(rebuilding(running, "--pane", "60m"))["verified_events"] == after["events"]
        assert differences(running.clickhouse.url, [*first, *second, *third], Rules(pane_s=3600)) == []
        nothing_is_left_of(running, Names(2))


KILLED_AT: Final = ("building", "built", "cutting", "cut", "in use")


def test_killed_at_each_step_it_goes_on_and_the_numbers_in_use_are_never_wrong(tmp_path: Path) -> None:
    events = tricky_events(41, CUSTOMERS // 2, newest())
    rng = random.Random(41)
    # A kill may come when all is done: then the next command makes one more generation like it.
    rules = defaultdict(lambda: Rules(pane_s=1800), {1: Rules()})
    with engines(tmp_path) as running:
        running.start_worker(0)
        offsets = publish_with_tricks(running, events)
        running.settle(offsets)
        for moment in KILLED_AT:
            process = rebuilding(running, "--pane", "30m")
            wait_until(running, moment, process)
            time.sleep(rng.uniform(0, 1))  # not a wait for something: so much later
            children = children_of(process.pid)
            process.kill()
            process.communicate()
            running.wait_for(partial(all_gone, children), "builders to end with it")
            assert differences(running.clickhouse.url, events, rules[in_use(running)]) == [], moment
        done(rebuilding(running))  # whatever is left to do
        last = in_use(running)
        assert last > 1
        settle(running, offsets)
        more = tricky_events(42, 20, newest())
        settle(running, offsets + running.publish(more))
        assert differences(running.clickhouse.url, [*events, *more], rules[last]) == []
        code, after = verdict(running)
        assert (code, after["differences"]) == (0, [])
        for generation in range(1, last):
            nothing_is_left_of(running, Names(generation))


def test_given_up_the_workers_go_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    events, more = tricky_events(51, CUSTOMERS // 2, newest()), tricky_events(52, 20, newest())
    with engines(tmp_path) as running:
        running.start_worker(0)
        running.settle(running.publish(events))
        process = rebuilding(running, "--pane", "30m")
        wait_until(running, "cut", process)
        process.kill()
        process.communicate()
        if in_use(running) == 1:  # else it was too quick for us
            assert done(rebuilding(running, "--give-up")) == {"given_up": 2}
            assert done(rebuilding(running, "--give-up")) == {"given_up": None}
            settle(running, len(events) + running.publish(more))
            assert differences(running.clickhouse.url, [*events, *more], Rules()) == []
            assert running.query("SELECT count() FROM affiliate_panes WHERE generation = 2") == [(0,)]


def wait_until(running: Engines, moment: str, process: "subprocess.Popen[str]") -> None:
    """Until the register has the step, or builders have begun, or the views show the new generation."""
    sql = {
        "built": "SELECT count() FROM freshness WHERE generation = 2",
        "in use": "SELECT count() FROM generations",
    }.get(moment, f"SELECT count() FROM generation_steps WHERE generation = 2 AND step = '{moment}'")
    until(lambda: process.poll() is not None or running.query(sql) != [(0,)], 400)
    assert process.poll() is None, process.communicate()


def children_of(pid: int) -> list[int]:
    """Its processes, as Linux tells."""
    children = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for found in children for child in found.split()]


def all_gone(pids: list[int]) -> bool:
    return not any(map(alive, pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def publish_as_kafka_says(bootstrap: str, events: list[Event]) -> None:
    """By Kafka's default partitioner, over as many partitions as it knows of."""
    with producing(bootstrap) as producer:
        for event in events:
            producer.send(topic_of(event), encode(event), key=record_key(event))


def astray(bootstrap: str) -> int:
    """How many records were published again where they belong."""
    found = [record for topic in (SALES, FEEDBACK) for record in read_all(bootstrap, topic)]
    return sum(any(name == HEADER for name, _ in record.headers) for record in found)


def follows(running: Engines, number: int) -> bool:
    """Whether a worker said that it goes on with another generation."""
    return "is over: this worker lets go, and follows" in (running.directory / f"worker-{number}.log").read_text()


def nothing_is_left_of(running: Engines, names: Names) -> None:
    """Neither rows nor changelog nor group nor local copies."""
    tables = [
        name
        for (name,) in running.query(
            "SELECT name FROM system.tables WHERE database = 'posventa' AND engine LIKE 'Repl%'"
        )
    ]
    for table in tables:
        assert running.query(f"SELECT count() FROM {table} WHERE generation <= {names.generation}") == [(0,)], table
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    try:
        assert names.changelog not in admin.list_topics()
        assert names.group not in [group["group_id"] for group in admin.list_groups()]
    finally:
        admin.close()
    assert [path for number in running.workers for path in (running.directory / f"state-{number}").glob("[0-9]*")] == []
    assert not (running.directory / "rebuilding" / "rebuild").exists()
