"""How every Kafka client of ours connects: addresses, TLS, SASL.

Owns the translation of Settings into each library's words. Never logs a secret.
"""

import ssl
from typing import Any

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
    """TLS that verifies the brokers, with our client certificate when there is one."""
    context = ssl.create_default_context(cafile=settings.kafka_security_ca_file or None)
    if settings.kafka_security_cert_file:
        context.load_cert_chain(settings.kafka_security_cert_file, settings.kafka_security_key_file or None)
    return context


def _addresses(settings: Settings) -> list[str]:
    return [address.strip() for address in settings.kafka.split(",")]
