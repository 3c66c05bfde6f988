"""Times as people type them on the command line."""

from datetime import UTC, datetime

from streams.errors import Misuse


def moment_of(option: str, text: str | None) -> datetime | None:
    """The aware time that an option says, in UTC unless it says otherwise. No event is older than 2000, and ClickHouse's times
    end in 2106. Raises Misuse."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 2000 <= moment.year <= 2105:
        raise Misuse(f"{option} {text}: not a time from 2000 to 2105; use for example {option} 2026-01-31T12:00:00Z")
    return moment
