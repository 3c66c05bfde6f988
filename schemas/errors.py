"""Why a record is refused. Every refusal becomes one dead letter; none stops the stream.

Refused
+-- Undecodable       the bytes are no Avro record: cut short, left over, or nonsense
+-- UnknownSchema     bytes of a schema that is not published, or of another event than the topic's
+-- InvalidValue      a field breaks a rule of the contract; names the field, what was found, what was expected
+-- FromTheFuture     it claims to happen later than its Kafka timestamp allows
+-- CustomerFull      the customer has as many events as one customer may have
"""

from typing import ClassVar

_SHOWN_CHARACTERS = 60


class Refused(Exception):
    """One record is not accepted. `reason` is the dead letter's, `detail` is for people."""

    reason: ClassVar[str] = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


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


class FromTheFuture(Refused):
    """The event time is too long after the record's Kafka timestamp."""

    reason = "from_the_future"


class CustomerFull(Refused):
    """The customer's state may not grow further."""

    reason = "customer_full"


def shown(value: object) -> str:
    """A value as a message may hold it: on one line, control characters escaped, at most 60 characters of it."""
    text = ascii(value[:200]) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
