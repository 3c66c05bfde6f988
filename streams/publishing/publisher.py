"""The Publisher: validates, keys, encodes and sends events, for brand platforms to import.

Owns one idempotent Kafka producer (acks=all). Never drops silently: what was not delivered makes flush() and close()
raise. Invariant: at most IN_FLIGHT_MAX events wait for an acknowledgement; publish() blocks until there is room.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.codec import encode
from schemas.events import Attribution, Event, Feedback, Reversal, Sale, record_key
from schemas.parsing import parse, parse_attribution, parse_feedback, parse_reversal, parse_sale
from schemas.validation import validate
from streams.addresses import brokers
from streams.brokers.admission import knock, refused_or
from streams.brokers.clients import client_settings
from streams.brokers.topics import BY_SALE, FEEDBACK, SALES
from streams.errors import Misuse, PosventaError, Unavailable
from streams.settings import Settings, load_settings

IN_FLIGHT_MAX: Final = 50_000  # a typical event is under 200 bytes: about 10 MB
_LINGER_MS: Final = 20  # fuller batches are worth more than 20 ms
_BATCH_BYTES: Final = 64 * 1024

_E = TypeVar("_E", bound=Event)


def topic_of(event: Event) -> str:
    """Where an event is published: beside all else of its customer, or, if its publisher knows no customer, by its sale."""
    if event.customer_id is None:
        return BY_SALE
    return FEEDBACK if isinstance(event, Feedback) else SALES


class Publisher:
    """Publishes sales, reversals, attributions and feedback. Safe to use from several threads; use as a context manager or
    close() it.

    Configured by POSVENTA_* variables, by `settings`, or by `bootstrap_servers` on top of either. An event that is not
    acknowledged within `delivery_s` seconds, retries included, counts as not delivered.
    Raises Misuse for bad settings or a bad address, Unavailable when no broker answers, NotAdmitted, which is one, when one
    refuses us.
    """

    def __init__(
        self, settings: Settings | None = None, *, bootstrap_servers: str | None = None, delivery_s: int = 120
    ) -> None:
        settings = settings or load_settings()
        if bootstrap_servers:
            try:
                settings = settings.model_copy(update={"kafka": brokers(bootstrap_servers)})
            except ValueError as error:
                raise Misuse(f"bootstrap_servers: {error}") from None
        self._settings, self._delivery_s = settings, delivery_s
        self._room = threading.BoundedSemaphore(IN_FLIGHT_MAX)
        self._lock = threading.Lock()
        self._undelivered = 0
        self._why = ""
        knock(settings)
        try:
            self._producer = KafkaProducer(
                **client_settings(settings),
                enable_idempotence=True,
                acks="all",
                linger_ms=_LINGER_MS,
                batch_size=_BATCH_BYTES,
                delivery_timeout_ms=delivery_s * 1000,
                request_timeout_ms=min(30, delivery_s) * 1000
                - _LINGER_MS,  # kafka-python wants both within the delivery
                allow_auto_create_topics=False,
            )
        except KafkaError as error:
            raise self._unavailable("no broker answers", error) from error

    def sale(self, **fields: object) -> Sale:
        """Publishes one sale from the fields of a Sale. Raises InvalidValue, and sends nothing, when one is bad."""
        return self._send(parse_sale(fields))

    def reversal(self, **fields: object) -> Reversal:
        """Publishes one reversal from the fields of a Reversal. Raises InvalidValue as sale() does."""
        return self._send(parse_reversal(fields))

    def attribution(self, **fields: object) -> Attribution:
        """Publishes one attribution from the fields of an Attribution. Raises InvalidValue as sale() does."""
        return self._send(parse_attribution(fields))

    def feedback(self, **fields: object) -> Feedback:
        """Publishes one feedback from the fields of a Feedback. Raises InvalidValue as sale() does."""
        return self._send(parse_feedback(fields))

    def publish(self, event: Event | Mapping[str, object]) -> Event:
        """Publishes an event as it is, or a mapping of its fields: `feedback_id` tells a feedback, `reversal_id` a reversal;
        what has neither action, product_id, offering nor amount is an attribution.

        Returns the event as it was sent. Raises InvalidValue, and sends nothing, when it is not valid.
        """
        if not isinstance(event, tuple):
            return self._send(parse(event))
        validate(event)
        return self._send(event)

    def flush(self) -> None:
        """Waits until everything is acknowledged. Raises Unavailable with how many events were not delivered."""
        try:
            self._producer.flush()
        except KafkaError as error:
            raise self._unavailable("not everything was acknowledged", error) from error
        with self._lock:
            undelivered, self._undelivered = self._undelivered, 0
        if undelivered:
            raise Unavailable(
                f"{undelivered} events were not delivered to POSVENTA_KAFKA={self._settings.kafka}: {self._why}; "
                "publish them again: an event_id that arrives twice counts once"
            )

    def close(self) -> None:
        """Flushes and lets go of the connection, also when the flush raises."""
        try:
            self.flush()
        finally:
            self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return self.close()
        try:
            self.close()
        except Unavailable as unavailable:  # the first error is the one to raise, but no loss is silent
            error.add_note(str(unavailable))

    def _send(self, event: _E) -> _E:
        if not self._room.acquire(timeout=2 * self._delivery_s):
            raise self._unavailable("nothing is acknowledged any more")
        try:
            future = self._producer.send(topic_of(event), encode(event), key=record_key(event))
        except KafkaError as error:
            self._room.release()
            raise self._unavailable("the event was not sent", error) from error
        future.add_callback(self._delivered)
        future.add_errback(self._failed)
        return event

    def _delivered(self, _: Any) -> None:
        self._room.release()

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            self._undelivered += 1
            self._why = f"{type(error).__name__}: {error}"
        self._room.release()

    def _unavailable(self, what: str, error: KafkaError | None = None) -> PosventaError:
        why = f" ({type(error).__name__})" if error else ""
        away = Unavailable(
            f"POSVENTA_KAFKA={self._settings.kafka}: {what}{why}; is the broker running, and is this its address?"
        )
        return refused_or(self._settings, error, away)
