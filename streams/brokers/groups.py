"""The consumer groups of our generations that there are.

Owns the question. Never joins one.
"""

from typing import Any

from streams.brokers.topics import GROUP, is_ours


def our_groups(admin: Any) -> list[str]:
    """In no order; the first generation's where there is none yet. `admin` is kafka-python's client. Raises KafkaError."""
    return [group["group_id"] for group in admin.list_groups() if is_ours(group["group_id"])] or [GROUP]
