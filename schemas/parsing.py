"""Mappings -> events: what a brand platform says in its own types becomes one valid event, or is refused by field.

Owns the types that are taken: text as str, money as str, Decimal or int (never float: it is not exact), times as an
aware datetime, ISO 8601 with an offset, or epoch milliseconds. Fields and defaults are those of the newest schema.
Never guesses: no unknown field, no naive time.
"""

import re
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final, NamedTuple, TypeGuard

from schemas.errors import InvalidValue, shown
from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.measures import MONEY_SCALE
from schemas.registry import ATTRIBUTION_NAME, FEEDBACK_NAME, REVERSAL_NAME, SALE_NAME, PublishedSchema, newest
from schemas.validation import FINDINGS_MAX, METRICS, OTHER_PRODUCTS_MAX, validate

_MONEY_TEXT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?").fullmatch
_MONEY_EXPECTED = "a decimal with at most 4 places, such as '12.50'"
_MONEY_STEP = Decimal(1).scaleb(-MONEY_SCALE)
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])  # refuses instead of rounding
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_EXPECTED = "epoch milliseconds or ISO 8601 with an offset, such as '2026-01-31T12:00:00Z'"


def parse(fields: Mapping[str, object]) -> Event:
    """One valid event of the kind that its fields tell: `feedback_id` is a feedback's, `reversal_id` a reversal's, and what has
    nothing that only a sale must have is an attribution. Raises InvalidValue as the others do."""
    if "feedback_id" in fields:
        return parse_feedback(fields)
    if "reversal_id" in fields:
        return parse_reversal(fields)
    return parse_sale(fields) if _OF_SALES_ALONE.intersection(fields) else parse_attribution(fields)


def parse_sale(fields: Mapping[str, object]) -> Sale:
    """One valid sale. Raises InvalidValue naming the field, what was found and what is expected."""
    sale = Sale(**_parsed(fields, _SALE))
    validate(sale)
    return sale


def parse_reversal(fields: Mapping[str, object]) -> Reversal:
    """One valid reversal. Raises InvalidValue naming the field, what was found and what is expected."""
    reversal = Reversal(**_parsed(fields, _REVERSAL))
    validate(reversal)
    return reversal


def parse_attribution(fields: Mapping[str, object]) -> Attribution:
    """One valid attribution. Raises InvalidValue naming the field, what was found and what is expected."""
    attribution = Attribution(**_parsed(fields, _ATTRIBUTION))
    validate(attribution)
    return attribution


def parse_feedback(fields: Mapping[str, object]) -> Feedback:
    """One valid feedback. Raises InvalidValue naming the field, what was found and what is expected."""
    feedback = Feedback(**_parsed(fields, _FEEDBACK))
    validate(feedback)
    return feedback


Parser = Callable[[str, Any], Any]


def _parsed(fields: Mapping[str, object], shape: "_Shape") -> dict[str, Any]:
    for name in fields:
        if name not in shape.parsers:
            raise InvalidValue(shown(name).strip("'"), "an unknown field", f"only {', '.join(shape.parsers)}")
    values: dict[str, Any] = {}
    for name, parse in shape.parsers.items():
        if name in fields:
            values[name] = parse(name, fields[name])
        elif name in shape.defaults:
            values[name] = shape.defaults[name]
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


def _scores(field: str, value: object) -> tuple[Score, ...]:
    if not isinstance(value, list | tuple) or isinstance(value, Score):
        raise InvalidValue(field, _typed(value), "a list of {metric, score}")
    if len(value) > len(METRICS):
        raise InvalidValue(field, str(len(value)), f"at most {len(METRICS)}")
    return tuple(_score(item) for item in value)


def _score(value: object) -> Score:
    if isinstance(value, Score):
        value = value._asdict()
    if not isinstance(value, Mapping) or set(value) != {"metric", "score"}:
        raise InvalidValue("scores", _typed(value), "{metric, score} in each")
    return Score(_text("scores.metric", value["metric"]), _integer("scores.score", value["score"]))


def _ids(field: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidValue(field, _typed(value), "a list of strings")
    if len(value) > OTHER_PRODUCTS_MAX:
        raise InvalidValue(field, str(len(value)), f"at most {OTHER_PRODUCTS_MAX}")
    return tuple(_text(field, item) for item in value)


def _typed(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to print really long integers
        return f"an integer of {value.bit_length()} bits"
    return f"{type(value).__name__} {shown(value)}"


_BY_TYPE: Final[Mapping[str, Parser]] = {"string": _text, "int": _integer, "bytes": _money, "long": _time}
_ARRAYS: Final[Mapping[str, Parser]] = {"findings": _findings, "scores": _scores, "other_product_ids": _ids}


def _parser(field: Any, kind: Any, symbols: Container[str]) -> Parser:
    """How a field of the schema is said: an enum as text, bytes as money, a long as a time; null where Avro has it."""
    if isinstance(kind, list):
        return _optional(_parser(field, kind[1], symbols))
    if field["name"] in symbols:
        return _text
    return _ARRAYS[field["name"]] if _bare(kind) == "array" else _BY_TYPE[_bare(kind)]


def _default(field: Any) -> object:
    """What a field is when it is left out. Avro writes the bytes of a default as text."""
    if _bare(field["type"]) == "array":
        return ()  # as every default of an array is
    default = field["default"]
    return int.from_bytes(default.encode("latin-1"), "big", signed=True) if _bare(field["type"]) == "bytes" else default


def _bare(kind: Any) -> Any:
    return kind["type"] if isinstance(kind, dict) else kind


class _Shape(NamedTuple):
    """What may be said of an event, and what need not."""

    parsers: Mapping[str, Parser]
    defaults: Mapping[str, object]


def _shape(schema: PublishedSchema) -> _Shape:
    fields = schema.plain["fields"]
    return _Shape(
        {field["name"]: _parser(field, field["type"], schema.symbols) for field in fields},
        {field["name"]: _default(field) for field in fields if "default" in field},
    )


_SALE: Final = _shape(newest(SALE_NAME))
_REVERSAL: Final = _shape(newest(REVERSAL_NAME))
_ATTRIBUTION: Final = _shape(newest(ATTRIBUTION_NAME))
_FEEDBACK: Final = _shape(newest(FEEDBACK_NAME))
_OF_SALES_ALONE: Final = _SALE.parsers.keys() - _SALE.defaults.keys() - _ATTRIBUTION.parsers.keys()
