"""Bytes <-> events, in Avro's single-object encoding: C3 01, 8 bytes of schema fingerprint, the record.

Owns the framing and the strictness: what is not exactly one valid event of the topic's kind raises Refused, whatever
the bytes are, and nothing else is ever raised. Never a Decimal or datetime on the way: this is the hot path.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from fastavro import schemaless_reader, schemaless_writer

from schemas.errors import InvalidValue, Undecodable, UnknownSchema
from schemas.events import Event, Feedback, Finding, Sale
from schemas.registry import (
    BY_HEADER,
    FEEDBACK_NAME,
    HEADER_BYTES,
    SALE_NAME,
    SINGLE_OBJECT_MARKER,
    PublishedSchema,
    newest,
)
from schemas.validation import validate_feedback, validate_sale
from schemas.wire import MONEY_BYTES_MAX, read_feedback, read_sale

_CONFLUENT_BYTES = 5  # Confluent's wire format: a zero byte, then the registry's schema id in 4 bytes

_SALE: Final = newest(SALE_NAME)
_FEEDBACK: Final = newest(FEEDBACK_NAME)

Symbols = Mapping[str, tuple[str, ...]]


def decode_sale(data: bytes) -> Sale:
    """One valid sale, or Refused: Undecodable, UnknownSchema or InvalidValue."""
    sale = read_sale(data)
    if sale is None:
        sale = read_any_sale(data)
    validate_sale(sale)
    return sale


def read_any_sale(data: bytes) -> Sale:
    """The sale in bytes of any published schema, in any encoding Avro allows; not validated. Raises Refused."""
    record, symbols = _read(data, _SALE)
    record["action"] = _symbol(symbols, "action", record["action"])
    record["offering"] = _symbol(symbols, "offering", record["offering"])
    record["amount"] = _money("amount", record["amount"])
    record["commission"] = _money("commission", record["commission"])
    return Sale(**record)


def decode_feedback(data: bytes) -> Feedback:
    """One valid feedback, or Refused: Undecodable, UnknownSchema or InvalidValue."""
    feedback = read_feedback(data)
    if feedback is None:
        feedback = read_any_feedback(data)
    validate_feedback(feedback)
    return feedback


def read_any_feedback(data: bytes) -> Feedback:
    """The feedback in bytes of any published schema, in any encoding Avro allows; not validated. Raises Refused."""
    record, symbols = _read(data, _FEEDBACK)
    record["action"] = _symbol(symbols, "action", record["action"])
    if record["metric"] is not None:
        record["metric"] = _symbol(symbols, "metric", record["metric"])
    findings = [Finding(_symbol(symbols, "verdict", f["verdict"]), f["topic"]) for f in record["findings"]]
    record["findings"] = tuple(findings)
    return Feedback(**record)


def encode(event: Event) -> bytes:
    """The bytes of a valid event, by the newest published schema. Values are not checked here: validation.py does."""
    schema = _SALE if isinstance(event, Sale) else _FEEDBACK
    record: dict[str, Any] = event._asdict()
    for field in ("action", "offering", "metric"):
        if record.get(field) is not None:
            record[field] = schema.symbols[field].index(record[field])
    if isinstance(event, Sale):
        record["amount"], record["commission"] = _two_s_complement(event.amount), _two_s_complement(event.commission)
    else:
        verdicts = schema.symbols["verdict"]
        record["findings"] = [{"verdict": verdicts.index(f.verdict), "topic": f.topic} for f in event.findings]
    out = BytesIO()
    out.write(schema.header)
    schemaless_writer(out, schema.plain, record)
    return out.getvalue()


def _read(data: bytes, reader: PublishedSchema) -> tuple[dict[str, Any], Symbols]:
    writer = BY_HEADER.get(data[:HEADER_BYTES])
    if writer is None or writer.full_name != reader.full_name:
        raise _unread(data, writer, reader)
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


def _unread(data: bytes, writer: PublishedSchema | None, reader: PublishedSchema) -> Undecodable | UnknownSchema:
    if writer is not None:
        return UnknownSchema(f"found a {writer.full_name}, expected a {reader.full_name}: is it on the wrong topic?")
    if data.startswith(SINGLE_OBJECT_MARKER) and len(data) >= HEADER_BYTES:
        found = data[2:HEADER_BYTES].hex()
        return UnknownSchema(f"fingerprint {found}: no published schema has it; {reader.full_name} is {_hex(reader)}")
    if data.startswith(b"\0") and len(data) >= _CONFLUENT_BYTES:
        schema_id = int.from_bytes(data[1:_CONFLUENT_BYTES], "big")
        return UnknownSchema(
            f"Confluent framing, schema id {schema_id}: a schema registry is not supported yet;"
            f" use Avro single-object encoding (c301, then fingerprint {_hex(reader)})"
        )
    return Undecodable(f"{len(data)} bytes begin with '{data[:2].hex()}', expected c301: Avro single-object encoding")


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
