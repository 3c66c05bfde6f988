"""Why a worker ended, in words for people.

Pure. Never hides anything: what has no words of its own is told as it is.
"""

from aiokafka.errors import GroupAuthorizationFailedError, InvalidSessionTimeoutError, KafkaError

from streams.brokers.admission import refused_or
from streams.errors import Misuse, NotAdmitted, Unavailable
from streams.settings import Settings


def told(reason: BaseException, settings: Settings, group: str) -> BaseException:
    """What to raise for that which ended a worker of a group: itself, if it is in our words."""
    if isinstance(reason, InvalidSessionTimeoutError):
        return Misuse(
            f"POSVENTA_SESSION_TIMEOUT={settings.session_timeout}s: the brokers refuse it; choose one between their "
            "group.min.session.timeout.ms and group.max.session.timeout.ms"
        )
    if isinstance(reason, GroupAuthorizationFailedError):
        user = settings.kafka_security_username or "NAME"
        return NotAdmitted(
            f"POSVENTA_KAFKA={settings.kafka}: this user may not join the group {group}; allow it: kafka-acls.sh "
            f"--bootstrap-server {settings.kafka} --add --allow-principal User:{user} --operation Read --group {group}"
        )
    if isinstance(reason, KafkaError):
        away = Unavailable(f"POSVENTA_KAFKA={settings.kafka}: this worker can't go on: {reason!r}")
        return refused_or(settings, reason, away)
    return reason
