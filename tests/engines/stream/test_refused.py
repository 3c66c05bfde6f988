"""A worker that Kafka refuses ends with the cause: it does not live on and do nothing."""

import os
import subprocess
from pathlib import Path

from kafka.admin import ACLOperation, ResourceType

from streams.brokers.creation import ensure_topics
from tests.support.brokers import allow, broker_with
from tests.support.processes import POSVENTA
from tests.support.secured_kafka import PASSWORD, secured_kafka

END_S = 90


def worker(directory: Path, clickhouse: str, **environment: str) -> tuple[int, str]:
    """Runs one until it ends. Returns its exit code and the last line that it said."""
    variables = os.environ | {"POSVENTA_CLICKHOUSE": clickhouse, "POSVENTA_STATE_DIR": str(directory / "state")}
    done = subprocess.run(
        [POSVENTA, "worker"], env=variables | environment, capture_output=True, text=True, timeout=END_S, check=False
    )
    return done.returncode, done.stderr.rstrip().splitlines()[-1]


def test_a_session_that_the_brokers_refuse_ends_it_with_what_to_change(tmp_path: Path, clickhouse: str) -> None:
    with broker_with(tmp_path / "kafka", {"group.max.session.timeout.ms": "9000"}) as broker:
        code, said = worker(tmp_path, clickhouse, POSVENTA_KAFKA=broker.bootstrap, POSVENTA_SESSION_TIMEOUT="10s")
    assert code == 2
    assert said.startswith("posventa: POSVENTA_SESSION_TIMEOUT=10s: the brokers refuse it"), said


def test_a_group_that_it_may_not_join_ends_it_with_the_right_to_give(tmp_path: Path, clickhouse: str) -> None:
    with secured_kafka(tmp_path) as broker:
        ensure_topics(broker.settings("PLAINTEXT"))
        allow(broker.doors["PLAINTEXT"], "eva", [
            (ResourceType.TOPIC, "*", ACLOperation.ALL), (ResourceType.TRANSACTIONAL_ID, "*", ACLOperation.ALL),
            (ResourceType.CLUSTER, "kafka-cluster", ACLOperation.ALL),
        ])  # fmt: skip
        code, said = worker(
            tmp_path, clickhouse, POSVENTA_KAFKA=broker.doors["SASL_PLAINTEXT"],
            POSVENTA_KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT", POSVENTA_KAFKA_SECURITY_SASL_MECHANISM="PLAIN",
            POSVENTA_KAFKA_SECURITY_USERNAME="eva", POSVENTA_KAFKA_SECURITY_PASSWORD=PASSWORD,
        )  # fmt: skip
    assert code == 1
    assert "may not join the group posventa" in said
    assert said.endswith("--add --allow-principal User:eva --operation Read --group posventa"), said
