"""Mappings -> events: what a brand platform says in its own types becomes one valid event, or is refused by field.

Owns the types that are taken: text as str, money as str, Decimal or int (never float: it is not exact), times as an
aware datetime, ISO 8601 with an offset, or epoch milliseconds. Never guesses: no unknown field, no naive time.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final, TypeGuard

from schemas.errors import InvalidValue, shown
from schemas.events import Feedback, Finding, Sale
from schemas.measures import MONEY_SCALE
from schemas.validation import FINDINGS_MAX, validate_feedback, validate_sale

_MONEY_TEXT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?").fullmatch
_MONEY_EXPECTED = "a decimal with at most 4 places, such as '12.50'"
_MONEY_STEP = Decimal(1).scaleb(-MONEY_SCALE)
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])  # refuses instead of rounding
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_EXPECTED = "epoch milliseconds or ISO 8601 with an offset, such as '2026-01-31T12:00:00Z'"


def parse_sale(fields: Mapping[str, object]) -> Sale:
    """One valid sale. Raises InvalidValue naming the field, what was found and what is expected."""
    sale = Sale(**_parsed(fields, _SALE_FIELDS, _SALE_DEFAULTS))
    validate_sale(sale)
    return sale


def parse_feedback(fields: Mapping[str, object]) -> Feedback:
    """One valid feedback. Raises InvalidValue naming the field, what was found and what is expected."""
    feedback = Feedback(**_parsed(fields, _FEEDBACK_FIELDS, _FEEDBACK_DEFAULTS))
    validate_feedback(feedback)
    return feedback


Parser = Callable[[str, Any], Any]


def _parsed(
    fields: Mapping[str, object], parsers: Mapping[str, Parser], defaults: Mapping[str, object]
) -> dict[str, Any]:
    for name in fields:
        if name not in parsers:
            raise InvalidValue(shown(name).strip("'"), "an unknown field", f"only {', '.join(parsers)}")
    values: dict[str, Any] = {}
    for name, parse in parsers.items():
        if name in fields:
            values[name] = parse(name, fields[name])
        elif name in defaults:
            values[name] = defaults[name]
        else:
            raise InvalidValue(name, "nothing", "a value: the field is required")
    return values


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(field, _typed(value), "a string")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidValue(field, shown(value), "Unicode text without lone surrogates")
    return value


def _is_long(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64  # what Avro can hold


def _integer(field: str, value: object) -> int:
    if not _is_long(value):
        raise InvalidValue(field, _typed(value), "an integer")
    return value


def _optional(parse: Parser) -> Parser:
    return lambda field, value: None if value is None else parse(field, value)


def _money(field: str, value: object) -> int:
    if isinstance(value, float):
        raise InvalidValue(field, _typed(value), f"{_MONEY_EXPECTED}, as a string: floats are not exact")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidValue(field, _typed(value), _MONEY_EXPECTED)
    if isinstance(value, str) and not _MONEY_TEXT(value):
        raise InvalidValue(field, shown(value), _MONEY_EXPECTED)
    try:
        return int(_EXACT.scaleb(_EXACT.quantize(Decimal(value), _MONEY_STEP), MONEY_SCALE))
    except (Inexact, InvalidOperation, ValueError):
        raise InvalidValue(field, _typed(value), _MONEY_EXPECTED) from None


def _time(field: str, value: object) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValue(field, shown(value), _TIME_EXPECTED) from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidValue(field, f"{value.isoformat()} without an offset", _TIME_EXPECTED)
        return (value - _EPOCH) // timedelta(milliseconds=1)
    if not _is_long(value):
        raise InvalidValue(field, _typed(value), _TIME_EXPECTED)
    return value


def _findings(field: str, value: object) -> tuple[Finding, ...]:
    if not isinstance(value, list | tuple) or isinstance(value, Finding):
        raise InvalidValue(field, _typed(value), "a list of {verdict, topic}")
    if len(value) > FINDINGS_MAX:
        raise InvalidValue(field, str(len(value)), f"at most {FINDINGS_MAX}")
    return tuple(_finding(item) for item in value)


def _finding(value: object) -> Finding:
    if isinstance(value, Finding):
        value = value._asdict()
    if not isinstance(value, Mapping) or set(value) != {"verdict", "topic"}:
        raise InvalidValue("findings", _typed(value), "{verdict, topic} in each")
    return Finding(_text("findings.verdict", value["verdict"]), _text("findings.topic", value["topic"]))


def _typed(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to print really long integers
        return f"an integer of {value.bit_length()} bits"
    return f"{type(value).__name__} {shown(value)}"


_TEXT_OR_NULL: Final = _optional(_text)

_SALE_FIELDS: Final[Mapping[str, Parser]] = {
    "event_id": _text,
    "brand_id": _text,
    "customer_id": _text,
    "sale_id": _text,
    "action": _text,
    "revision": _integer,
    "affiliate_id": _TEXT_OR_NULL,
    "product_id": _text,
    "offering": _text,
    "amount": _money,
    "commission": _money,
    "currency": _text,
    "campaign": _TEXT_OR_NULL,
    "referred_by": _TEXT_OR_NULL,
    "occurred_at": _time,
}
_SALE_DEFAULTS: Final[Mapping[str, object]] = {
    "revision": 0,
    "affiliate_id": None,
    "commission": 0,
    "campaign": None,
    "referred_by": None,
}
_FEEDBACK_FIELDS: Final[Mapping[str, Parser]] = {
    "event_id": _text,
    "brand_id": _text,
    "customer_id": _text,
    "feedback_id": _text,
    "action": _text,
    "revision": _integer,
    "sale_id": _TEXT_OR_NULL,
    "affiliate_id": _TEXT_OR_NULL,
    "metric": _TEXT_OR_NULL,
    "score": _optional(_integer),
    "findings": _findings,
    "comment": _TEXT_OR_NULL,
    "language": _TEXT_OR_NULL,
    "occurred_at": _time,
}
_FEEDBACK_DEFAULTS: Final[Mapping[str, object]] = {
    "revision": 0,
    "sale_id": None,
    "affiliate_id": None,
    "metric": None,
    "score": None,
    "findings": (),
    "comment": None,
    "language": None,
}
