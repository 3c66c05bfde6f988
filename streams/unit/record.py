"""What is read of a consumed record, whoever brings it: aiokafka's ConsumerRecord, the simulation's, a test's.

Owns the type. Never copies a record: its dead letter and its re-routed twin carry its own bytes.
"""

from collections.abc import Sequence
from typing import Protocol


class Record(Protocol):
    """One record of a source topic."""

    @property
    def topic(self) -> str:
        """The source topic."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """The record's own offset."""

    @property
    def timestamp(self) -> int:
        """When the broker received it, epoch ms."""

    @property
    def key(self) -> bytes | None:
        """The customer's key, if the publisher was right."""

    @property
    def value(self) -> bytes | None:
        """The event; None in a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The publisher's headers."""


def why_unread(record: Record) -> str:
    """Why the record stands for a batch that was not unpacked (batches.Unread); '' for one that was read."""
    why: str = getattr(record.value, "why_unread", "")
    return why
