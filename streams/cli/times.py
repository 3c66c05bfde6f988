"""Times as people type them on the command line."""

from datetime import UTC, datetime

from streams.errors import Misuse


def moment_of(option: str, text: str | None) -> datetime | None:
    """The aware time that an option says, in UTC unless it says otherwise. Raises Misuse."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Misuse(f"{option} {text}: expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z") from error
