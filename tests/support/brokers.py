"""A broker that is set as some deployment's is: with properties of its own, or with users and an authorizer.

Owns what differs from the embedded broker, which it is otherwise.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from pydantic import SecretStr

from streams.embedded import kafka
from streams.embedded.child import LOOPBACK, free_port
from streams.embedded.kafka import EmbeddedKafka
from streams.settings import Settings

PASSWORD: Final = "known-to-this-test-alone"  # noqa: S105 - of users that live as long as a test
Right = tuple[ResourceType, str, ACLOperation]


@contextmanager
def broker_with(directory: Path, more: Callable[[dict[str, str]], dict[str, str]]) -> Iterator[EmbeddedKafka]:
    """A running broker; `more` makes its further properties from the embedded broker's."""
    standard = kafka.server_properties

    def properties(directory: Path, port: int, controller_port: int) -> dict[str, str]:
        found = standard(directory, port, controller_port)
        return found | more(found)

    with patch.object(kafka, "server_properties", properties):
        broker = EmbeddedKafka(directory)
        broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class GuardedKafka:
    """A broker with an authorizer. Who comes without a name, as the tests do, may do everything; each of `users` only what it
    is allowed."""

    def __init__(self, broker: EmbeddedKafka, port: int) -> None:
        self.bootstrap = broker.bootstrap
        self.guarded = f"{LOOPBACK}:{port}"

    def settings(self, user: str, **more: object) -> Settings:
        """Those of that user."""
        return Settings(
            kafka=self.guarded, kafka_security_protocol="SASL_PLAINTEXT", kafka_security_sasl_mechanism="PLAIN",
            kafka_security_username=user, kafka_security_password=SecretStr(PASSWORD), **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def environment(self, user: str) -> dict[str, str]:
        """The same as variables."""
        return {
            "POSVENTA_KAFKA": self.guarded,
            "POSVENTA_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "POSVENTA_KAFKA_SECURITY_SASL_MECHANISM": "PLAIN",
            "POSVENTA_KAFKA_SECURITY_USERNAME": user,
            "POSVENTA_KAFKA_SECURITY_PASSWORD": PASSWORD,
        }

    def allow(self, user: str, rights: Iterable[Right]) -> None:
        """Grants rights: on what, of which name, to do what."""
        acls = [
            ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
            for kind, name, operation in rights
        ]
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_acls(acls)
        finally:
            admin.close()


@contextmanager
def guarded(directory: Path, *users: str) -> Iterator[GuardedKafka]:
    """A running broker with an authorizer and these users."""
    port = free_port()
    known = "".join(f' user_{user}="{PASSWORD}"' for user in users)
    listener = f"SASL_PLAINTEXT://{LOOPBACK}:{port}"

    def more(found: dict[str, str]) -> dict[str, str]:
        return {
            "listeners": f"{found['listeners']},{listener}",
            "advertised.listeners": f"{found['advertised.listeners']},{listener}",
            "listener.security.protocol.map": f"{found['listener.security.protocol.map']},SASL_PLAINTEXT:SASL_PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required{known};"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    with broker_with(directory, more) as broker:
        yield GuardedKafka(broker, port)
