"""Who is there and refuses is told at once with the cause; who is away is waited for by the caller, not here.

Only the sockets are looked at here: tests/engines/brokers/test_admission.py asks a real Kafka.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiokafka.errors
import kafka.errors
import pytest

from streams.brokers.admission import knock, refused_or
from streams.brokers.creation import ensure_topics
from streams.embedded.child import free_port
from streams.errors import NotAdmitted, Unavailable
from streams.settings import Settings


@contextmanager
def closing() -> Iterator[str]:
    """Something that listens and closes each connection after its first words."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_who_is_away_refuses_nothing() -> None:
    knock(Settings(kafka=f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"))


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ("PLAINTEXT", r"closes the connection.*KAFKA_SECURITY_PROTOCOL \(PLAINTEXT\)"),
        ("SSL", r"no TLS.*KAFKA_SECURITY_PROTOCOL \(SSL\)"),
    ],
)
def test_who_speaks_another_protocol_is_told_without_waiting(protocol: str, words: str) -> None:
    with closing() as address:
        settings = Settings(kafka=address, kafka_security_protocol=protocol)
        with pytest.raises(NotAdmitted, match=f"POSVENTA_KAFKA={address}: .*{words}"):
            ensure_topics(settings, wait_s=3600)
        knock(settings, closing_is_refusing=False)


@pytest.mark.parametrize(
    "error",
    [
        kafka.errors.TopicAuthorizationFailedError("t"), kafka.errors.GroupAuthorizationFailedError("g"),
        kafka.errors.ClusterAuthorizationFailedError(), kafka.errors.TransactionalIdAuthorizationFailedError(),
        kafka.errors.SaslAuthenticationFailedError("no"), kafka.errors.UnsupportedSaslMechanismError(),
        kafka.errors.IllegalSaslStateError(), aiokafka.errors.TopicAuthorizationFailedError("t"),
        aiokafka.errors.GroupAuthorizationFailedError("g"), aiokafka.errors.ClusterAuthorizationFailedError(),
        aiokafka.errors.TransactionalIdAuthorizationFailed(), aiokafka.errors.SaslAuthenticationFailed(),
    ],
)  # fmt: skip
def test_a_refusal_of_either_library_is_not_tried_again(error: Exception) -> None:
    away = Unavailable("away")
    told = refused_or(Settings(), error, away)
    assert isinstance(told, NotAdmitted)
    assert "POSVENTA_KAFKA=127.0.0.1:9092: " in str(told)


@pytest.mark.parametrize(
    "error",
    [
        None, OSError(29, "an operating system's 29"), kafka.errors.KafkaTimeoutError(),
        kafka.errors.NotControllerError(), aiokafka.errors.KafkaConnectionError(),
        aiokafka.errors.ProducerFenced(), ValueError("x"),
    ],
)  # fmt: skip
def test_whatever_else_goes_wrong_may_be_tried_again(error: Exception | None) -> None:
    away = Unavailable("away")
    assert refused_or(Settings(), error, away) is away
