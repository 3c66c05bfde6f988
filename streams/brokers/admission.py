"""Whether the brokers let us in: who refuses a certificate, a password or a right says so at once, and is not asked again.

Owns one connection, from TCP to the first answer, and the words for what it fails by. Never waits for a broker that is away:
the clients do that, but they take every refusal for one, and tell in the end that time is up. No message shows a secret.
"""

import socket
import ssl
import time
from typing import Any, Final, NamedTuple, TypeVar

from kafka.errors import KafkaError, for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from streams.brokers.clients import client_settings, ssl_context
from streams.errors import NotAdmitted, Unavailable
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


class _Refusal(NamedTuple):
    """`words` have gaps for what a message names. Who only closes the connection may also be about to end."""

    words: str
    said: str
    is_certain: bool


def knock(settings: Settings, *, closing_is_refusing: bool = True) -> None:
    """Raises NotAdmitted when a broker answers and does not let us in, Misuse for a bad certificate file. Returns when one
    lets us in, or none answers: to wait for them is for the caller.

    A connection that is closed without a word means another protocol, unless the brokers were known to speak ours.
    """
    refusal = _refusal(settings)
    if refusal is not None and not refusal.is_certain:
        time.sleep(_AGAIN_S)
        refusal = _refusal(settings) if closing_is_refusing else None
    if refusal is not None:
        raise _not_admitted(settings, refusal.words, refusal.said)


def refused_or(settings: Settings, error: BaseException | None, otherwise: _E) -> _E | NotAdmitted:
    """What to raise for an error of a Kafka library: NotAdmitted when trying again is of no use, else `otherwise`."""
    words = None if isinstance(error, OSError) else _WORDS.get(getattr(error, "errno", 0))
    return otherwise if words is None else _not_admitted(settings, words, str(error) or type(error).__name__)


def unanswered(settings: Settings, error: BaseException) -> Unavailable:
    """What to raise when a Kafka library gave up: NotAdmitted when trying again is of no use, else Unavailable."""
    away = Unavailable(f"POSVENTA_KAFKA={settings.kafka}: no answer ({error}); is the broker running there?")
    return refused_or(settings, error, away)


def _not_admitted(settings: Settings, words: str, said: str) -> NotAdmitted:
    told = words.format(
        said=said,
        user=settings.kafka_security_username or "this client",
        protocol=settings.kafka_security_protocol,
        mechanism=settings.kafka_security_sasl_mechanism,
        ca=settings.kafka_security_ca_file,
    )
    return NotAdmitted(f"POSVENTA_KAFKA={settings.kafka}: {told}")


def _refusal(settings: Settings) -> _Refusal | None:
    """What the first broker that answers refuses us by; None if one lets us in, or none answers."""
    arguments = client_settings(settings)
    refusals = []
    for address in arguments["bootstrap_servers"]:
        host, _, port = address.rpartition(":")
        try:
            plain = socket.create_connection((host.strip("[]"), int(port)), timeout=_STEP_S)
        except OSError:
            continue
        with plain:
            refusal = _refusal_of(plain, host.strip("[]"), settings, arguments)
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[0] if refusals else None


def _refusal_of(plain: socket.socket, host: str, settings: Settings, arguments: dict[str, Any]) -> _Refusal | None:
    connection, words = plain, _NO_TLS
    try:
        if settings.kafka_security_protocol.endswith("SSL"):
            connection = ssl_context(settings).wrap_socket(plain, server_hostname=host)
        with connection:
            words = _CLOSED
            line = _Line(connection)
            if settings.kafka_security_protocol.startswith("SASL"):
                _authenticate(line, host, arguments)
            line.ask(MetadataRequest(topics=[], version=1))  # a port that wants SASL lets nobody ask this without
    except TimeoutError:
        return None
    except ssl.SSLCertVerificationError as error:
        is_name = error.verify_code in _NAME_MISMATCH
        return _Refusal(_OTHER_NAME if is_name else _UNKNOWN_CA, error.verify_message, is_certain=True)
    except (OSError, KafkaError) as error:
        told = _WORDS.get(getattr(error, "errno", 0)) if isinstance(error, KafkaError) else None
        return _Refusal(told or words, str(error), is_certain=told is not None)
    return None


class _Line:
    """A connection on which one answer follows one request. (kafka-python's own loses an answer that comes with the end of
    the connection, as a refusal does.)"""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._protocol = KafkaProtocol(client_id="posventa")

    def ask(self, request: Any) -> Any:
        """Raises OSError when the connection ends, KafkaError for what is no answer."""
        self._protocol.send_request(request)
        self._connection.sendall(self._protocol.send_bytes())
        while True:
            read = self._connection.recv(1 << 16)
            if not read:
                raise ConnectionResetError("no answer")
            for _, answer in self._protocol.receive_bytes(read):
                return answer


def _authenticate(line: _Line, host: str, arguments: dict[str, Any]) -> None:
    """Raises the KafkaError of the broker's refusal."""
    mechanism: str = arguments["sasl_mechanism"]
    answer = line.ask(SaslHandshakeRequest(mechanism=mechanism, version=1))
    if answer.error_code:
        raise for_code(answer.error_code)(f"it takes {', '.join(answer.mechanisms) or 'none'}")
    exchange = get_sasl_mechanism(mechanism)(host=host, **arguments)
    while not exchange.is_done():
        answer = line.ask(SaslAuthenticateRequest(exchange.auth_bytes(), version=1))
        if answer.error_code:
            raise for_code(answer.error_code)(answer.error_message)
        exchange.receive(answer.auth_bytes)
