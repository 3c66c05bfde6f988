"""Why a record is refused. Every refusal becomes one dead letter; none stops the stream.

Refused
+-- Undecodable       the bytes are no Avro record: cut short, left over, or nonsense
+-- UnknownSchema     bytes of a schema that is not published, or of another event than the topic's
+-- InvalidValue      a field breaks a rule of the contract; names the field, what was found, what was expected
+-- InvalidText       an InvalidValue that is text: it may name a person
+-- FromTheFuture     it claims to happen later than its Kafka timestamp allows
+-- CustomerFull      the customer has as many events as one customer may have
"""

from collections.abc import Callable
from typing import ClassVar, Final

_SHOWN_CHARACTERS = 60


class Refused(Exception):
    """One record is not accepted. `reason` is the dead letter's, `detail` is for people."""

    reason: ClassVar[str] = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def kept(self, mark: Callable[[bytes], str]) -> str:
        """The detail as it may be kept where the event is not: for a text of the event stands its mark."""
        return self.detail


class Undecodable(Refused):
    """The bytes cannot be read as the record they claim to be."""

    reason = "undecodable"


class UnknownSchema(Refused):
    """The schema of the bytes is not one that this topic is read with."""

    reason = "unknown_schema"


class InvalidValue(Refused):
    """A field holds what the contract does not allow."""

    reason = "invalid_value"

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(f"{field}: found {found}, expected {expected}")
        self.field, self.found, self.expected = field, found, expected


class InvalidText(InvalidValue):
    """What was found is text: an id, or whatever else of a person a publisher put there."""

    def __init__(self, field: str, text: str, expected: str) -> None:
        super().__init__(field, shown(text), expected)
        self._text = text

    def kept(self, mark: Callable[[bytes], str]) -> str:
        """As Refused has it."""
        return f"{self.field}: found {mark(self._text.encode())}, expected {self.expected}"


class FromTheFuture(Refused):
    """The event time is too long after the record's Kafka timestamp."""

    reason = "from_the_future"


class CustomerFull(Refused):
    """The customer's state may not grow further."""

    reason = "customer_full"


REASONS: Final = tuple(
    kind.reason for kind in (Undecodable, UnknownSchema, InvalidValue, FromTheFuture, CustomerFull)
)  # all that a dead letter may have


def shown(value: object) -> str:
    """A value as a message may hold it: on one line, control characters escaped, at most 60 characters of it."""
    text = ascii(value[:200]) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
