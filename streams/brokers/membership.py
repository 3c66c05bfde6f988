"""Who is a member of the consumer group for good, and who is not any more.

Owns the removal of static members. Never joins the group. Invariant: a member that is not there is as good as removed, so a
removal may be made again.
"""

import time
from collections.abc import Collection
from typing import Any, Final

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import GroupIdNotFoundError, KafkaError, NoError, UnknownMemberIdError

from streams.brokers.admission import knock, unanswered
from streams.brokers.clients import client_settings
from streams.brokers.groups import our_groups
from streams.errors import Unavailable
from streams.settings import Settings

_BOOTSTRAP_MS: Final = 10_000
_WAIT_S: Final = 15.0  # a coordinator that moves, or has just started and reads its groups
_AGAIN_S: Final = 0.2
_WHY: Final = "posventa worker --leave"


def leave(settings: Settings, names: Collection[str]) -> list[str]:
    """Takes these static members out of the group, that of whatever generation, so that the others share their partitions at
    once instead of when the session ends. Returns those that were in it.

    Only for workers that have ended: one that still runs would join again. Raises Unavailable when Kafka does not answer,
    NotAdmitted when it refuses us.
    """
    if not names:
        return []
    knock(settings)
    try:
        admin = KafkaAdminClient(**client_settings(settings), bootstrap_timeout_ms=_BOOTSTRAP_MS)
        try:
            outcomes = [outcome for group in our_groups(admin) for outcome in _removed(admin, group, names).items()]
        finally:
            admin.close()
    except KafkaError as error:
        raise unanswered(settings, error) from error
    failed = [f"{name}: {error.__name__}" for name, error in outcomes if error not in (NoError, UnknownMemberIdError)]
    if failed:
        raise Unavailable(f"POSVENTA_KAFKA={settings.kafka}: the group keeps {', '.join(failed)}; say it again")
    return [name for name, error in outcomes if error is NoError]


def _removed(admin: KafkaAdminClient, group: str, names: Collection[str]) -> dict[str, Any]:
    """What became of each name, as the group's coordinator says."""
    members = [MemberToRemove(group_instance_id=name, reason=_WHY) for name in names]
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            return dict(admin.remove_group_members(group, members))
        except (GroupIdNotFoundError, UnknownMemberIdError):
            return {}
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_S)
