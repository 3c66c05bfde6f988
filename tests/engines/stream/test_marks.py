"""Refusals on the real engines: nothing of a record stands in the table but marks, and `posventa mark` finds them."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from schemas.codec import encode
from schemas.events import partition_key
from sinks.client import connected
from streams.brokers.topics import DEAD_LETTERS, SALES
from tests.support.domain_strategies import A_SALE
from tests.support.engines import Engines, engines, producing, read_all
from tests.support.places import ROOT
from tests.support.processes import POSVENTA

PERSON = "juan.perez@example.com\n"  # no id has a control character


def told_mark(running: Engines, text: str) -> str:
    environment = os.environ | {"POSVENTA_KAFKA": running.kafka.bootstrap}
    command = [POSVENTA, "mark", text, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: str = json.loads(done.stdout)["mark"]
    return found


def in_page(page: str, pattern: str) -> str:
    """What a page tells people to run."""
    found = re.search(pattern, (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_a_customer_s_refusals_are_found_by_a_mark_and_by_nothing_else(tmp_path: Path) -> None:
    bad = A_SALE._replace(customer_id=PERSON, occurred_at=time.time_ns() // 1_000_000)
    key = partition_key(bad.brand_id, PERSON)
    with engines(tmp_path) as running:
        running.start_worker(0)
        with producing(running.kafka.bootstrap) as producer:
            for value in (encode(bad), encode(bad._replace(customer_id="c", currency=PERSON)), b"juan.perez"):
                producer.send(SALES, value, key=key)
        running.settle(3)
        assert "juan" not in str(running.query("SELECT * FROM dead_letters FINAL"))
        letters = read_all(running.kafka.bootstrap, DEAD_LETTERS)
        assert "juan" not in str([dict(letter.headers)["detail"] for letter in letters])
        assert {letter.key for letter in letters} == {key}  # the record itself is untouched

        by_mark = in_page("privacy.md", r"    (SELECT source_topic.*?> 0)\n")
        example = told_example(by_mark)
        assert len(running.query(by_mark.replace(example, told_mark(running, key.decode())))) == 3
        of_person = running.query(by_mark.replace(example, told_mark(running, PERSON)))
        assert sorted(row[4].partition(":")[0] for row in of_person) == ["currency", "customer_id"]
        assert running.query(by_mark.replace(example, told_mark(running, "acme:somebody else"))) == []
        blank_what_an_earlier_version_kept(running)


def told_example(statement: str) -> str:
    (example,) = set(re.findall("#[0-9a-f]{32}", statement))
    return str(example)


def blank_what_an_earlier_version_kept(running: Engines) -> None:
    old = f"(1, '{SALES}', 0, 1000000, 'invalid_value', 'customer_id: found juan', 'acme:juan', now(), 1)"
    before = running.query("SELECT * FROM dead_letters FINAL ORDER BY ALL")
    with connected(running.clickhouse.url) as client:
        client.command(f"INSERT INTO dead_letters VALUES {old}")
        statement = in_page("operating.md", r"`(ALTER TABLE posventa\.dead_letters UPDATE .*?)`")
        client.command(f"{statement} SETTINGS mutations_sync = 2")
    blanked = running.query("SELECT detail, record_key FROM dead_letters FINAL WHERE source_offset = 1000000")
    assert blanked == [("", "")]
    assert running.query("SELECT * FROM dead_letters FINAL WHERE source_offset < 1000000 ORDER BY ALL") == before
