"""posventa doctor on the real engines: nothing on a sound one, each thing that was hurt, and no trace of itself anywhere."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

from schemas.codec import encode
from schemas.events import Feedback, partition_key
from streams.brokers.creation import ensure_topics
from streams.brokers.membership import leave
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES, STATE
from streams.embedded.child import free_port
from tests.engines.brokers.test_admission import environment
from tests.support.commands_page import example_of, fits
from tests.support.domain_strategies import A_SALE
from tests.support.engines import PARTITIONS, Engines, producing
from tests.support.processes import POSVENTA
from tests.support.secured_kafka import secured_kafka

ENOUGH_S: Final = 100  # twice 25 s, and a busy machine

pytestmark = pytest.mark.timeout(900)


def examined(directory: Path, kafka: str, clickhouse: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What the command says."""
    variables = os.environ | {
        "POSVENTA_KAFKA": kafka, "POSVENTA_CLICKHOUSE": clickhouse, "POSVENTA_STATE_DIR": str(directory / "state-0")
    }  # fmt: skip
    command = [POSVENTA, "doctor", *options]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=ENOUGH_S, check=False)


def found(running: Engines) -> tuple[int, dict[str, Any]]:
    """Its exit code and its JSON."""
    done = examined(running.directory, running.kafka.bootstrap, running.clickhouse.url, "--json")
    assert done.stdout.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def everything(running: Engines) -> dict[str, Any]:
    """All that somebody who looks could leave behind: topics, where they end, their configuration, groups, transactions,
    tables, rows."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    consumer = KafkaConsumer(bootstrap_servers=running.kafka.bootstrap)
    try:
        topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        places = [TopicPartition(name, number) for name, count in topics.items() for number in range(count)]
        groups = admin.list_groups()
        transactions = admin.list_transactions()
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
        configs = str(admin.describe_configs(resources)) if resources else ""
        ends = consumer.end_offsets(places) if places else {}
    finally:
        consumer.close()
        admin.close()
    tables = running.query(
        "SELECT database, name, total_rows FROM system.tables WHERE database != 'system' ORDER BY ALL"
    )
    parts = running.query("SELECT table, name FROM system.parts WHERE active AND database != 'system' ORDER BY ALL")
    return {
        "topics": topics, "ends": ends, "groups": groups, "transactions": transactions, "configs": configs,
        "tables": tables, "parts": parts,
    }  # fmt: skip


def test_before_the_first_start_nothing_is_found_and_nothing_comes_into_being(tmp_path: Path) -> None:
    running = Engines(tmp_path)
    try:
        running.kafka.start()
        running.clickhouse.start()
        admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
        code, told = found(running)
        assert (code, told["findings"], told["generation"]) == (0, [], None)
        assert (admin.list_topics(), admin.list_groups()) == ([], [])
        admin.close()
        skipped = {check["check"] for check in told["checks"] if check["found"] is None}
        assert {"keys", "rights", "guests", "progress", "leftovers"} <= skipped
    finally:
        running.stop()


def test_a_sound_one_is_fine_and_each_thing_that_is_hurt_is_found(tmp_path: Path) -> None:
    running = Engines(tmp_path)
    try:
        running.start()
        running.start_worker(0)
        now = time.time_ns() // 1_000_000 - 3_600_000
        published = running.publish(A_SALE._replace(occurred_at=now, customer_id=f"c{n}") for n in range(30))
        running.settle(published)
        code, told = found(running)
        assert (code, told["findings"]) == (0, [])
        assert told["generation"] == 1
        assert [check for check in told["checks"] if check["found"] is None] == []

        published += hurt_events(running, now)
        running.settle(published)
        worker = running.workers.pop(0)
        worker.terminate()
        worker.wait()
        leave(running.settings(), [(tmp_path / "state-0" / "worker").read_text()])  # else the group changes meanwhile
        hurt_servers(running)
        running.wait_for(lambda: total_status(running) == "stalled", "its silence to be told")
        before = everything(running)
        code, told = found(running)
        assert code == 1
        assert fits(told, example_of("doctor"))
        by_check: dict[str, str] = {}
        for finding in told["findings"]:
            by_check[finding["check"]] = by_check.get(finding["check"], "") + json.dumps(finding)
        for check, words in {
            "migrations": "99",
            "configuration": "retention.ms is 604800000",
            "keys": "without a key",
            "schemas": "without Avro's framing",
            "guests": "everybody of b with 201",
            "unknown-sales": "25 of the newest 25",
            "dead-letters": "1 undecodable",
            "group": "no members",
            "progress": "stalled: ",
            "leftovers": f"5 rows in journeys, the topic {STATE}.g7",
        }.items():
            assert words in by_check.pop(check), (check, told)
        assert by_check == {}
        shown = examined(tmp_path, running.kafka.bootstrap, running.clickhouse.url)
        assert shown.returncode == 1
        assert "everybody of b with 201" in shown.stdout
        assert everything(running) == before
    finally:
        running.stop()


def total_status(running: Engines) -> str:
    """What freshness_now says of all together."""
    return str(running.query("SELECT status FROM freshness_now WHERE partition = -1")[0][0])


def hurt_events(running: Engines, now: int) -> int:
    """What publishers do wrong. Returns how many offsets that makes."""
    guests = [
        A_SALE._replace(event_id=f"g{n}", sale_id=f"g{n}", customer_id="everybody", occurred_at=now) for n in range(201)
    ]
    answers = [
        Feedback(f"a{n}", "b", "c1", f"f{n}", "ANSWERED", 0, f"nowhere-{n}", None, "NPS", 9, (), None, None, now)
        for n in range(25)
    ]
    published = running.publish([*guests, *answers])
    home = partition_for(partition_key("b", "astray"), PARTITIONS)
    with producing(running.kafka.bootstrap) as producer:
        producer.send(SALES, encode(A_SALE._replace(customer_id="astray", occurred_at=now)), partition=home)
        producer.send(FEEDBACK, b"no event", key=b"b:x", partition=0)
    return published + 3  # the one without a key is published again


def hurt_servers(running: Engines) -> None:
    """What operators do wrong."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka.bootstrap)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, FEEDBACK, configs={"retention.ms": "604800000"})])
        admin.create_topics([NewTopic(f"{STATE}.g7", PARTITIONS, 1)])
    finally:
        admin.close()
    running.command("INSERT INTO journeys SELECT * REPLACE (7 AS generation) FROM journeys LIMIT 5")
    running.command("INSERT INTO schema_versions SELECT * REPLACE (99 AS version) FROM schema_versions LIMIT 1")


def test_servers_that_are_away_are_findings_and_nothing_else_is_said(tmp_path: Path) -> None:
    begun = time.monotonic()
    done = examined(tmp_path, f"127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}", "--json")
    assert time.monotonic() - begun < ENOUGH_S
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert [finding["check"] for finding in told["findings"]] == ["kafka", "clickhouse"]
    assert told["generation"] is None


def test_one_that_is_away_hides_nothing_of_the_other(tmp_path: Path, kafka: str) -> None:
    running = Engines(tmp_path)
    running.kafka.port = int(kafka.rpartition(":")[2])
    ensure_topics(running.settings())
    done = examined(tmp_path, kafka, f"http://127.0.0.1:{free_port()}", "--json")
    told = json.loads(done.stdout)
    checks = [finding["check"] for finding in told["findings"]]
    assert checks[0] == "clickhouse"
    assert {check["check"]: check["found"] for check in told["checks"]}["configuration"]
    assert "Traceback" not in done.stderr


def test_who_is_refused_or_lacks_rights_is_told_so_and_sees_nothing_else(tmp_path: Path) -> None:
    with secured_kafka(tmp_path) as broker:
        for changes, check, words in (
            ({"kafka_security_password": "wrong"}, "kafka", "PASSWORD are refused"),
            ({"kafka_security_username": "eva"}, "topics", f"this user may not DESCRIBE the topic {SALES}"),
        ):
            settings = broker.settings("SASL_PLAINTEXT", kafka_security_sasl_mechanism="PLAIN", **changes)
            command = [POSVENTA, "doctor", "--json"]
            done = subprocess.run(
                command,
                env=environment(settings, tmp_path),
                capture_output=True,
                text=True,
                timeout=ENOUGH_S,
                check=False,
            )
            assert done.returncode == 1
            assert "Traceback" not in done.stderr
            told = [finding for finding in json.loads(done.stdout)["findings"] if finding["check"] == check]
            assert any(words in finding["found"] for finding in told), told
            assert check == "kafka" or all("kafka-acls.sh" in finding["do"] for finding in told)
