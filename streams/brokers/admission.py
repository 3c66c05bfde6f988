"""Whether the brokers let us in: who refuses a certificate, a password or a right says so at once, and is not asked again.

Owns one connection, from TCP to the first answer, and the words for what it fails by. Never waits for a broker that is away:
the clients do that, but they take every refusal for one, and tell in the end that time is up. No message shows a secret.
"""

import socket
import ssl
import time
from typing import Any, Final, TypeVar

from kafka.errors import KafkaTimeoutError, RequestTimedOutError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from streams.brokers.clients import client_settings, ssl_context
from streams.errors import NotAdmitted
from streams.settings import Settings

_STEP_S: Final = 5.0
_AGAIN_S: Final = 0.5  # a broker that is about to end closes a connection too

# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
_NAME_MISMATCH: Final = frozenset({62, 64})
_OTHER_NAME: Final = "its certificate is for another name: {said}; name the broker as its certificate does"
_UNKNOWN_CA: Final = (
    "its certificate is not trusted: {said}; POSVENTA_KAFKA_SECURITY_CA_FILE={ca} must hold the CA that signed it"
)

_OTHER_PROTOCOL: Final = "set POSVENTA_KAFKA_SECURITY_PROTOCOL ({protocol}) to what that port speaks"
_NO_TLS: Final = f"no TLS connection comes about: {{said}}; {_OTHER_PROTOCOL}"
_CLOSED: Final = (
    f"it closes the connection: {{said}}; {_OTHER_PROTOCOL}, or give it the certificate that it may want "
    "(POSVENTA_KAFKA_SECURITY_CERT_FILE)"
)

# By Kafka's error codes (org.apache.kafka.common.protocol.Errors), which are the same in both libraries.
_NO_RIGHT: Final = "{user} has no right to do that: {said}; grant it with kafka-acls.sh"
_WORDS: Final = {
    29: _NO_RIGHT,  # to a topic
    30: _NO_RIGHT,  # to a group
    31: _NO_RIGHT,  # to the cluster
    53: _NO_RIGHT,  # to a transactional id
    33: "it does not take {mechanism}: {said}; set POSVENTA_KAFKA_SECURITY_SASL_MECHANISM to one that it does",
    34: f"that port takes no SASL: {{said}}; {_OTHER_PROTOCOL}",
    58: "POSVENTA_KAFKA_SECURITY_USERNAME and POSVENTA_KAFKA_SECURITY_PASSWORD are refused ({mechanism}): {said}",
}

_E = TypeVar("_E", bound=Exception)


def knock(settings: Settings, *, closing_is_refusing: bool = True) -> None:
    """Raises NotAdmitted when a broker answers and does not let us in, Misuse for a bad certificate file. Returns when one
    lets us in, or none answers: to wait for them is for the caller.

    A connection that is closed without a word means another protocol, unless the brokers were known to speak ours.
    """
    error = _refusal(settings)
    if error is not None and _code(error) is None and not isinstance(error, ssl.SSLCertVerificationError):
        time.sleep(_AGAIN_S)
        error = _refusal(settings) if closing_is_refusing else None
    if error is not None:
        raise NotAdmitted(f"POSVENTA_KAFKA={settings.kafka}: {_told(settings, error)}") from error


def refused_or(settings: Settings, error: BaseException | None, otherwise: _E) -> _E | NotAdmitted:
    """What to raise for an error of a Kafka library: NotAdmitted when trying again is of no use, else `otherwise`."""
    if error is None or _code(error) is None:
        return otherwise
    return NotAdmitted(f"POSVENTA_KAFKA={settings.kafka}: {_told(settings, error)}")


def _code(error: BaseException) -> int | None:
    """The code of an error that says no; None of any other."""
    code = getattr(error, "errno", None)
    return code if code in _WORDS and not isinstance(error, OSError) else None


def _refusal(settings: Settings) -> Exception | None:
    """What the first broker that answers refuses us by, if none lets us in."""
    arguments = client_settings(settings)
    selector = NetworkSelector()
    manager = KafkaConnectionManager(selector, **arguments, request_timeout_ms=_STEP_S * 1000)
    refusals: list[Exception] = []
    try:
        for broker in manager.cluster.bootstrap_brokers():
            try:
                if _listens(settings, broker.host, broker.port):
                    selector.run(_enter, manager, broker.node_id)
                    return None
            except (KafkaTimeoutError, RequestTimedOutError, TimeoutError):
                continue
            except Exception as error:  # of whichever library the step belongs to
                refusals.append(error)
    finally:
        manager.close()
        selector.close()
    return refusals[0] if refusals else None


def _listens(settings: Settings, host: str, port: int) -> bool:
    """Whether something does; and speaks TLS, where we do. Raises OSError, of which SSLError is one, when it does not."""
    try:
        plain = socket.create_connection((host, port), timeout=_STEP_S)
    except OSError:
        return False
    with plain:
        if settings.kafka_security_protocol.endswith("SSL"):
            ssl_context(settings).wrap_socket(plain, server_hostname=host).close()
    return True


async def _enter(manager: Any, node: Any) -> None:
    await manager.get_connection(node, timeout_ms=_STEP_S * 1000, pop_on_close=False, refresh_metadata_on_err=False)
    await manager.cluster.refresh_metadata(node)  # what a broker wants SASL for, unlike the question for its version


def _told(settings: Settings, error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _OTHER_NAME if error.verify_code in _NAME_MISMATCH else _UNKNOWN_CA
        said = error.verify_message
    else:
        words = _WORDS.get(_code(error) or 0, _NO_TLS if isinstance(error, OSError) else _CLOSED)
        said = str(error) or type(error).__name__
    return words.format(
        said=said,
        user=settings.kafka_security_username or "this client",
        protocol=settings.kafka_security_protocol,
        mechanism=settings.kafka_security_sasl_mechanism,
        ca=settings.kafka_security_ca_file,
    )
