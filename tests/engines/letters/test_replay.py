"""Refused records are listed and shown as they are, and count once when they are replayed after the cause is mended."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from schemas.codec import encode
from schemas.events import Sale, partition_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import SALES
from tests.support.commands_page import example_of, fits
from tests.support.domain_strategies import A_SALE
from tests.support.engines import PARTITIONS, Engines, engines, producing

POSVENTA: Final = str(Path(sys.executable).with_name("posventa"))
MAY_HAVE: Final = 20  # sales of one customer, at first
HAS: Final = 60


def run(running: Engines, *command: str) -> tuple[int, Any]:
    """What a part of the command says."""
    environment = os.environ | {
        "POSVENTA_KAFKA": running.kafka.bootstrap,
        "POSVENTA_CLICKHOUSE": running.clickhouse.url,
    }
    command = (POSVENTA, "dead-letters", *command, "--json")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def sales() -> list[Sale]:
    """More sales of one customer than the workers take at first."""
    now = time.time_ns() // 1_000_000
    return [A_SALE._replace(event_id=f"e{n}", sale_id=f"s{n}", occurred_at=now - n * 1000) for n in range(HAS)]


def test_what_was_refused_is_shown_and_counts_once_when_it_is_replayed_though_killed(tmp_path: Path) -> None:
    events = sales()
    key = partition_key(events[0].brand_id, events[0].customer_id)
    home = partition_for(key, PARTITIONS)
    cut_short = encode(events[0])[:-3]
    with engines(tmp_path, POSVENTA_CUSTOMER_EVENTS_MAX=str(MAY_HAVE)) as running:
        running.start_worker(0)
        published = running.publish(events)
        with producing(running.kafka.bootstrap) as producer:
            producer.send(SALES, cut_short, key=key, partition=home)
        running.settle(published + 1)

        code, letters = run(running, "list")
        assert code == 0
        bad = [letter for letter in letters if letter["reason"] == "undecodable"]
        assert [letter["reason"] for letter in letters if letter not in bad] == ["customer_full"] * (HAS - MAY_HAVE)
        assert run(running, "list", "--reason", "undecodable", "--brand", events[0].brand_id) == (0, bad)
        assert run(running, "list", "--topic", "feedback") == (0, [])
        code, shown = run(running, "show", f"{bad[0]['partition']}:{bad[0]['offset']}")
        assert (code, shown["schema"], shown["bytes"]) == (0, "posventa.Sale v1", len(cut_short))
        assert shown["fields"]["sale_id"] == events[0].sale_id
        assert fits(letters, example_of("dead-letters list"))
        assert shown.keys() == example_of("dead-letters show").keys()
        assert 10 < shown["broke_at"] < len(cut_short)

        code, again = run(running, "replay", "--reason", "customer_full")  # nothing is mended yet
        refused = HAS - MAY_HAVE
        assert again.keys() == example_of("dead-letters replay").keys()
        assert (code, again["accepted"], again["refused"]) == (1, 0, {"customer_full": refused})
        assert len(run(running, "list")[1]) == len(letters)  # each stands once, by its last refusal

    with engines(tmp_path) as running:  # the limit is raised
        running.start_worker(0)
        command = [POSVENTA, "dead-letters", "replay", "--all"]
        environment = os.environ | {"POSVENTA_KAFKA": running.kafka.bootstrap}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as killed:
            try:
                killed.wait(2)
            except subprocess.TimeoutExpired:
                killed.send_signal(signal.SIGKILL)
        code, last = run(running, "replay", "--all")
        assert (code, last["accepted"], last["refused"]) == (1, refused, {"undecodable": 1})
        running.wait_for(lambda: running.differences(list(events)) == [], "equal numbers")
