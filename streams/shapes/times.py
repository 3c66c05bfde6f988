"""Times as sources write them -> epoch milliseconds: patterns, zones, doubled hours, units, days without a time.

Owns these rules. Never asks a clock and never guesses a zone. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from schemas.errors import InvalidValue
from streams.shapes.telling import as_found

EPOCH_2000_S: Final = (
    946_684_800  # revisions are whole seconds since then: seconds since 1970 would fill an int by 2038
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT_NS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_LONG: Final = Context(prec=80)  # more digits than a number here can have
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?").fullmatch
_WITH_HOUR: Final = ("%H", "%I", "%c", "%X")


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a source writes times. No pattern is ISO 8601; `unit` is of numbers since 1970."""

    patterns: Sequence[str] = ()
    unit: Literal["", "s", "ms", "us", "ns"] = ""
    zone: ZoneInfo | None = None
    doubled: Literal["first", "second"] = "first"
    day_at: time = time(12)

    def milliseconds(self, field: str, value: object) -> int:
        """Epoch milliseconds. Raises InvalidValue."""
        if self.unit:
            return self._of_number(field, value)
        if not isinstance(value, str):
            raise InvalidValue(field, as_found(value), "a time as text; numbers need a `unit`")
        return self._absolute(field, value, self._read(field, value.strip()))

    def _of_number(self, field: str, value: object) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or not _NUMBER(text):
            raise InvalidValue(field, as_found(value), f"a number of {self.unit} since 1970")
        return int(_LONG.divide_int(_LONG.multiply(Decimal(text), _UNIT_NS[self.unit]), _UNIT_NS["ms"]))

    def _read(self, field: str, text: str) -> datetime:
        for pattern in self.patterns:
            try:
                found = datetime.strptime(text, pattern)
            except ValueError:
                continue
            is_day = not any(part in pattern for part in _WITH_HOUR)
            return datetime.combine(found.date(), self.day_at, found.tzinfo) if is_day else found
        try:
            if not self.patterns:
                found = datetime.fromisoformat(text)
                return datetime.combine(found.date(), self.day_at) if _DAY(text) else found
        except ValueError:
            pass
        raise InvalidValue(field, as_found(text), f"a time such as {' or '.join(self.patterns) or 'ISO 8601'}")

    def _absolute(self, field: str, text: str, found: datetime) -> int:
        try:
            if found.tzinfo is None:
                found = self._in_zone(field, text, found)
            return (found - _EPOCH) // timedelta(milliseconds=1)
        except OverflowError:
            raise InvalidValue(field, as_found(text), "a time between the years 1 and 9999") from None

    def _in_zone(self, field: str, text: str, found: datetime) -> datetime:
        if self.zone is None:
            raise InvalidValue(field, f"{as_found(text)} without an offset", "one, or a `zone` in the mapping")
        local = found.replace(tzinfo=self.zone, fold=1 if self.doubled == "second" else 0)
        if local.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != found:
            raise InvalidValue(
                field, as_found(text), f"a time that there is in {self.zone.key}: clocks were set forward"
            )
        return local
