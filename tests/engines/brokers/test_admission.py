"""A real Kafka with TLS, SASL and rights: who is let in works, and who is not is told the cause at once."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from posventa import Publisher, Unavailable
from streams.brokers.admission import knock
from streams.brokers.creation import ensure_topics
from streams.brokers.lag import read_lag
from streams.errors import NotAdmitted
from streams.settings import Settings, variable
from tests.pure.schemas.test_codec import A_SALE
from tests.support.processes import POSVENTA
from tests.support.secured_kafka import PASSWORD, SecuredKafka, secured_kafka
from tests.support.strategies import mapping

FOR_EVER_S = 3600  # longer than the test may take: whoever waits fails it


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as found:
        ensure_topics(found.settings("PLAINTEXT"))
        yield found


def environment(settings: Settings, directory: Path) -> dict[str, str]:
    """The variables that make these settings."""
    chosen = {name: getattr(settings, name) for name in settings.model_fields_set}
    shown = {
        variable(name): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in chosen.items()
    }
    return os.environ | shown | {"POSVENTA_STATE_DIR": str(directory / "state")}


@pytest.mark.parametrize(
    ("door", "changes"),
    [
        ("PLAINTEXT", {}),
        ("SSL", {}),
        ("SASL_PLAINTEXT", {}),
        ("SASL_SSL", {}),
        ("SASL_SSL", {"kafka_security_sasl_mechanism": "PLAIN"}),
    ],
)
def test_who_has_the_key_publishes_and_sees_the_lag(broker: SecuredKafka, door: str, changes: dict[str, Any]) -> None:
    settings = broker.settings(door, **changes)
    ensure_topics(settings, FOR_EVER_S)
    before = sum(lag.lag_records for lag in read_lag(settings, 0))
    with Publisher(settings) as publisher:
        publisher.publish(A_SALE)
    assert sum(lag.lag_records for lag in read_lag(settings, 0)) == before + 1


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("SASL_SSL", {"kafka_security_password": "wrong"}, "PASSWORD are refused (SCRAM-SHA-512)"),
    (
        "SASL_PLAINTEXT",
        {"kafka_security_sasl_mechanism": "PLAIN", "kafka_security_password": "wrong"},
        "refused (PLAIN)",
    ),
    ("SASL_PLAINTEXT", {"kafka_security_sasl_mechanism": "SCRAM-SHA-256"}, "does not take SCRAM-SHA-256"),
    ("SSL", {"kafka_security_ca_file": ""}, "certificate is not trusted"),
    ("SASL_SSL", {"kafka_security_ca_file": ""}, "certificate is not trusted"),
    ("MISNAMED", {}, "certificate is for another name"),
    ("MUTUAL", {}, "POSVENTA_KAFKA_SECURITY_CERT_FILE"),
    ("PLAINTEXT", {"kafka_security_protocol": "SSL"}, "KAFKA_SECURITY_PROTOCOL (SSL) to what that port speaks"),
    (
        "SSL",
        {"kafka_security_protocol": "PLAINTEXT", "kafka_security_ca_file": ""},
        "KAFKA_SECURITY_PROTOCOL (PLAINTEXT)",
    ),
    (
        "SASL_PLAINTEXT",
        {"kafka_security_protocol": "PLAINTEXT", "kafka_security_username": "", "kafka_security_password": ""},
        "KAFKA_SECURITY_PROTOCOL (PLAINTEXT)",
    ),
    (
        "PLAINTEXT",
        {
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_security_username": "ana",
            "kafka_security_password": PASSWORD,
        },
        "that port takes no SASL",
    ),
]


@pytest.mark.parametrize(("door", "changes", "words"), REFUSED)
def test_who_is_not_let_in_is_told_why_without_waiting(
    broker: SecuredKafka, door: str, changes: dict[str, Any], words: str
) -> None:
    settings = broker.settings(door, **changes)
    for ask in (
        lambda: ensure_topics(settings, FOR_EVER_S),
        lambda: read_lag(settings, 0),
        lambda: Publisher(settings),
    ):
        with pytest.raises(NotAdmitted) as refused:
            ask()
        assert words in str(refused.value)
        assert f"POSVENTA_KAFKA={broker.doors[door]}: " in str(refused.value)
        assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("command", [["publish", "--topic", "sales", "-"], ["lag"], ["worker"]])
@pytest.mark.parametrize(("door", "changes", "words"), [REFUSED[0], REFUSED[3], REFUSED[5]])
def test_the_commands_end_with_the_cause(
    broker: SecuredKafka, tmp_path: Path, command: list[str], door: str, changes: dict[str, Any], words: str
) -> None:
    done = subprocess.run(
        [POSVENTA, *command], env=environment(broker.settings(door, **changes), tmp_path), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "broker running" not in done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr


def test_one_door_of_several_that_lets_in_is_enough(broker: SecuredKafka) -> None:
    settings = broker.settings("SSL", kafka=f"127.0.0.1:1,{broker.doors['SASL_PLAINTEXT']},{broker.doors['SSL']}")
    knock(settings)


@pytest.mark.parametrize("command", [["publish", "--topic", "sales", "-"], ["lag"], ["worker"]])
def test_who_has_no_right_is_told_so_without_waiting(
    broker: SecuredKafka, clickhouse: str, tmp_path: Path, command: list[str]
) -> None:
    settings = broker.settings(
        "SASL_PLAINTEXT", kafka_security_sasl_mechanism="PLAIN", kafka_security_username="eva", clickhouse=clickhouse
    )
    done = subprocess.run(
        [POSVENTA, *command], env=environment(settings, tmp_path), input=json.dumps(mapping(A_SALE)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "eva has no right to do that" in done.stderr or "none that this user may see" in done.stderr
    assert "broker running" not in done.stderr


def test_a_publisher_without_the_right_to_write_is_told_at_the_first_event(broker: SecuredKafka) -> None:
    settings = broker.settings("SASL_PLAINTEXT", kafka_security_sasl_mechanism="PLAIN", kafka_security_username="eva")
    with (
        pytest.raises(Unavailable, match=r"1 events were not delivered .*TopicAuthorizationFailedError"),
        Publisher(settings) as publisher,
    ):
        publisher.publish(A_SALE)
