"""How every Kafka client of ours connects: addresses, TLS, SASL.

Owns the translation of Settings into each library's words. Never logs a secret.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.errors import Misuse
from streams.settings import Settings


def client_settings(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for kafka-python's clients."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": _addresses(settings),
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments["ssl_context"] = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.kafka_security_sasl_mechanism,
            "sasl_plain_username": settings.kafka_security_username,
            "sasl_plain_password": settings.kafka_security_password.get_secret_value(),
        }
    return arguments


def aiokafka_settings(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for aiokafka's clients."""
    return client_settings(settings)  # both libraries use the same words


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """TLS that verifies the brokers, with our client certificate when there is one. Raises Misuse for a bad file."""
    ca, cert, key = (
        settings.kafka_security_ca_file, settings.kafka_security_cert_file, settings.kafka_security_key_file,
    )  # fmt: skip
    with _misuse(f"POSVENTA_KAFKA_SECURITY_CA_FILE={ca}", "a PEM file of certificates"):
        context = ssl.create_default_context(cafile=ca or None)
    if cert:
        with _misuse(
            f"POSVENTA_KAFKA_SECURITY_CERT_FILE={cert} with POSVENTA_KAFKA_SECURITY_KEY_FILE={key}",
            "PEM files of a certificate and of its key, without a passphrase",
        ):
            context.load_cert_chain(cert, key or None, password="")  # which else would be asked for at the terminal
    return context


@contextmanager
def _misuse(found: str, expected: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # an SSLError is one
        raise Misuse(f"{found}: {error.strerror or error}; expected {expected}") from error


def _addresses(settings: Settings) -> list[str]:
    return [address.strip() for address in settings.kafka.split(",")]
