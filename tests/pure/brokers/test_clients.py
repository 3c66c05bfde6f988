"""What Kafka's clients are given, and what is said when nobody answers them."""

import pytest
from pydantic import SecretStr

from posventa import Unavailable
from streams.brokers.clients import client_settings
from streams.brokers.creation import ensure_topics
from streams.embedded.child import free_port
from streams.settings import Settings


def test_a_password_is_given_to_kafka_and_shown_to_nobody() -> None:
    secret = SecretStr("hush")
    settings = Settings(
        kafka_security_protocol="SASL_PLAINTEXT", kafka_security_username="u", kafka_security_password=secret
    )
    assert client_settings(settings)["sasl_plain_password"] == secret.get_secret_value()
    assert "hush" not in repr(settings)


def test_no_broker_is_told_with_the_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=f"POSVENTA_KAFKA={address}: no answer within 1 s"):
        ensure_topics(Settings(kafka=address), wait_s=1)
