"""A broker that is set as some deployment's is, and rights that an operator grants."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, ResourcePattern, ResourceType

from streams.embedded import kafka
from streams.embedded.kafka import EmbeddedKafka

Right = tuple[ResourceType, str, ACLOperation]


@contextmanager
def broker_with(directory: Path, more: dict[str, str]) -> Iterator[EmbeddedKafka]:
    """A running broker with more properties, or others."""
    standard = kafka.server_properties
    with patch.object(kafka, "server_properties", lambda *where: standard(*where) | more):
        broker = EmbeddedKafka(directory)
        broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def allow(bootstrap: str, user: str, rights: Iterable[Right]) -> None:
    """Grants rights: on what, of which name, to do what. `bootstrap` lets in who may."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_acls(
            [
                ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
                for kind, name, operation in rights
            ]
        )
    finally:
        admin.close()
