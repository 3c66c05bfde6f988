"""Bytes <-> events, in Avro's single-object encoding: C3 01, 8 bytes of schema fingerprint, the record.

Owns the framing and the strictness: what is not exactly one valid event of a kind that the topic carries raises Refused,
whatever the bytes are, and nothing else is ever raised. Never a Decimal or datetime on the way: this is the hot path.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final

from fastavro import schemaless_reader, schemaless_writer

from schemas.errors import InvalidValue, Undecodable, UnknownSchema
from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.registry import (
    ATTRIBUTION_NAME,
    BY_HEADER,
    FEEDBACK_NAME,
    HEADER_BYTES,
    REVERSAL_NAME,
    SALE_NAME,
    SINGLE_OBJECT_MARKER,
    PublishedSchema,
    newest,
    versions,
)
from schemas.validation import validate, validate_feedback, validate_sale
from schemas.wire import MONEY_BYTES_MAX, read_attribution, read_feedback, read_reversal, read_sale

_CONFLUENT_BYTES = 5  # Confluent's wire format: a zero byte, then the registry's schema id in 4 bytes

# What the topics carry.
OF_SALES: Final = (SALE_NAME, REVERSAL_NAME, ATTRIBUTION_NAME)
OF_FEEDBACK: Final = (FEEDBACK_NAME,)
OF_BY_SALE: Final = (REVERSAL_NAME, ATTRIBUTION_NAME, FEEDBACK_NAME)

_NEWEST: Final = {name: newest(name) for name in (SALE_NAME, REVERSAL_NAME, ATTRIBUTION_NAME, FEEDBACK_NAME)}
_SALES: Final = versions(SALE_NAME)
_FEEDBACKS: Final = versions(FEEDBACK_NAME)
_SHORT_WAYS: Final[Mapping[str, Callable[[bytes], Event | None]]] = {
    SALE_NAME: read_sale,
    REVERSAL_NAME: read_reversal,
    ATTRIBUTION_NAME: read_attribution,
    FEEDBACK_NAME: read_feedback,
}

Symbols = Mapping[str, tuple[str, ...]]


def decode_of_sales(data: bytes) -> Event:
    """One valid event of the sales topic, or Refused: Undecodable, UnknownSchema or InvalidValue."""
    sale = read_sale(data)
    if sale is None:
        return decode_one_of(data, OF_SALES)
    validate_sale(sale)
    return sale


def decode_of_feedback(data: bytes) -> Event:
    """One valid event of the feedback topic, or Refused: Undecodable, UnknownSchema or InvalidValue."""
    feedback = read_feedback(data)
    if feedback is None:
        return decode_one_of(data, OF_FEEDBACK)
    validate_feedback(feedback)
    return feedback


def decode_one_of(data: bytes, kinds: tuple[str, ...]) -> Event:
    """One valid event of one of the kinds, each the full name of its schema, or Refused: Undecodable, UnknownSchema or
    InvalidValue."""
    schema = BY_HEADER.get(data[:HEADER_BYTES])
    if schema is None or schema.full_name not in kinds:
        raise _unread(data, schema, kinds)
    event = _SHORT_WAYS[schema.full_name](data)
    if event is None:
        event = read_any(data, kinds)
    validate(event)
    return event


def read_any(data: bytes, kinds: tuple[str, ...]) -> Event:
    """The event in bytes of any published schema of these kinds, in any encoding Avro allows; not validated. Raises Refused."""
    writer = BY_HEADER.get(data[:HEADER_BYTES])
    if writer is None or writer.full_name not in kinds:
        raise _unread(data, writer, kinds)
    record, symbols = _read(data, writer, _NEWEST[writer.full_name])
    for field in ("action", "offering", "kind", "metric", "asked"):
        if record.get(field) is not None:
            record[field] = _symbol(symbols, field, record[field])
    for field in ("amount", "commission"):
        if record.get(field) is not None:
            record[field] = _money(field, record[field])
    if writer.full_name == SALE_NAME:
        record["other_product_ids"] = tuple(record["other_product_ids"])
        return Sale(**record)
    if writer.full_name == REVERSAL_NAME:
        return Reversal(**record)
    if writer.full_name == ATTRIBUTION_NAME:
        return Attribution(**record)
    findings = [Finding(_symbol(symbols, "verdict", f["verdict"]), f["topic"]) for f in record["findings"]]
    record["findings"] = tuple(findings)
    scores = [Score(_symbol(symbols, "metric", s["metric"]), s["score"]) for s in record["scores"]]
    record["scores"] = tuple(scores)
    return Feedback(**record)


def encode(event: Event) -> bytes:
    """The bytes of a valid event, by the oldest published schema that holds it: who reads no newer one is not troubled without
    need. Values are not checked here: validation.py does."""
    schema = _writer(event)
    record: dict[str, Any] = event._asdict()
    for field in ("action", "offering", "kind", "metric", "asked"):
        if record.get(field) is not None and field in schema.symbols:
            record[field] = schema.symbols[field].index(record[field])
    for field in ("amount", "commission"):
        if record.get(field) is not None:
            record[field] = _two_s_complement(record[field])
    if isinstance(event, Feedback):
        verdicts, metrics = schema.symbols["verdict"], schema.symbols["metric"]
        record["findings"] = [{"verdict": verdicts.index(f.verdict), "topic": f.topic} for f in event.findings]
        record["scores"] = [{"metric": metrics.index(s.metric), "score": s.score} for s in event.scores]
    out = BytesIO()
    out.write(schema.header)
    schemaless_writer(out, schema.plain, record)
    return out.getvalue()


def _writer(event: Event) -> PublishedSchema:
    if isinstance(event, Sale):
        return _SALES[1 if event.subscription_id is not None or event.other_product_ids else 0]
    if isinstance(event, Feedback):
        is_v1 = event.customer_id is not None and event.product_id is None and event.asked is None and not event.scores
        return _FEEDBACKS[0 if is_v1 else 1]
    return _NEWEST[REVERSAL_NAME if isinstance(event, Reversal) else ATTRIBUTION_NAME]


def _read(data: bytes, writer: PublishedSchema, reader: PublishedSchema) -> tuple[dict[str, Any], Symbols]:
    source = BytesIO(data)
    source.seek(HEADER_BYTES)
    try:
        record: Any = schemaless_reader(source, writer.plain, None if writer is reader else reader.plain)
    except Exception as error:  # fastavro raises whatever nonsense leads it into: EOFError, IndexError, UnicodeError, …
        raise Undecodable(f"{reader.full_name}: {type(error).__name__} while reading {len(data)} bytes") from None
    if source.tell() != len(data):
        raise Undecodable(f"{reader.full_name}: {len(data) - source.tell()} bytes are left over after the record")
    # A field that the writer did not know has the reader's default, so the reader's symbols stand behind the writer's.
    return record, writer.symbols if writer is reader else {**reader.symbols, **writer.symbols}


def _unread(data: bytes, writer: PublishedSchema | None, kinds: tuple[str, ...]) -> Undecodable | UnknownSchema:
    if writer is not None:
        return UnknownSchema(f"found a {writer.full_name}, expected a {_listed(kinds)}: is it on the wrong topic?")
    known = ", ".join(f"{name} is {_hex(_NEWEST[name])}" for name in kinds)
    if data.startswith(SINGLE_OBJECT_MARKER) and len(data) >= HEADER_BYTES:
        found = data[2:HEADER_BYTES].hex()
        return UnknownSchema(f"fingerprint {found}: no published schema has it; {known}")
    if data.startswith(b"\0") and len(data) >= _CONFLUENT_BYTES:
        schema_id = int.from_bytes(data[1:_CONFLUENT_BYTES], "big")
        return UnknownSchema(
            f"Confluent framing, schema id {schema_id}: a schema registry is not supported yet;"
            f" use Avro single-object encoding (c301, then a fingerprint: {known})"
        )
    return Undecodable(f"{len(data)} bytes begin with '{data[:2].hex()}', expected c301: Avro single-object encoding")


def _listed(kinds: tuple[str, ...]) -> str:
    return kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def _hex(schema: PublishedSchema) -> str:
    return schema.header[2:].hex()


def _symbol(symbols: Symbols, field: str, index: int) -> str:
    names = symbols[field]
    if not 0 <= index < len(names):
        raise Undecodable(f"{field}: enum index {index}, expected 0 to {len(names) - 1}")
    return names[index]


def _money(field: str, raw: bytes) -> int:
    if not 0 < len(raw) <= MONEY_BYTES_MAX:
        raise InvalidValue(field, f"a decimal of {len(raw)} bytes", f"1 to {MONEY_BYTES_MAX} bytes")
    return int.from_bytes(raw, "big", signed=True)


def _two_s_complement(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
