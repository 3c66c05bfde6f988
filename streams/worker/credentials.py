"""How Faust's own Kafka clients connect: TLS and SASL in its words. Never logs a secret."""

from typing import Any

import faust

from streams.brokers.clients import ssl_context
from streams.settings import Settings


def faust_credentials(settings: Settings) -> Any:
    """Faust's credentials, None for a plain connection."""
    protocol = settings.kafka_security_protocol
    context = ssl_context(settings) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            mechanism=settings.kafka_security_sasl_mechanism,
            username=settings.kafka_security_username,
            password=settings.kafka_security_password.get_secret_value(),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
