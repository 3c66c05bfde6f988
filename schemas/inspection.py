"""What can be told of a record's bytes that are no event: framing, schema, and the fields up to where they broke.

Owns the reading for people. Never refuses: whatever the bytes are, an Inspection comes out.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

from fastavro import schemaless_reader

from schemas.registry import BY_HEADER, HEADER_BYTES, SINGLE_OBJECT_MARKER, PublishedSchema


class Inspection(NamedTuple):
    """What was found. `broke_at` is the byte where reading ended in error, None when it came to the end."""

    schema: str  # such as posventa.Sale v1; '' when no published schema is named
    fields: Mapping[str, Any]  # as far as they could be read; enums by name, money in ten-thousandths
    broke_at: int | None
    why: str  # '' when nothing broke


def inspect(data: bytes) -> Inspection:
    """Reads as far as it goes."""
    schema = BY_HEADER.get(data[:HEADER_BYTES])
    if schema is None:
        if data.startswith(SINGLE_OBJECT_MARKER) and len(data) >= HEADER_BYTES:
            return Inspection(
                "", {}, len(SINGLE_OBJECT_MARKER), f"no published schema has fingerprint {data[2:10].hex()}"
            )
        return Inspection("", {}, 0, f"begins with '{data[:4].hex()}', expected c301: Avro single-object encoding")
    return _fields(data, schema)


def _fields(data: bytes, schema: PublishedSchema) -> Inspection:
    name, found = f"{schema.full_name} v{schema.version}", {}
    source = BytesIO(data)
    source.seek(HEADER_BYTES)
    for field in schema.plain["fields"]:
        began = source.tell()
        try:
            value = schemaless_reader(source, field["type"], None)
            found[field["name"]] = _shown(schema, field["name"], value)
        except Exception as error:  # fastavro raises whatever nonsense leads it into
            return Inspection(name, found, began, f"{field['name']}: {type(error).__name__}")
    if source.tell() != len(data):
        return Inspection(
            name, found, source.tell(), f"{len(data) - source.tell()} bytes are left over after the record"
        )
    return Inspection(name, found, None, "")


def _shown(schema: PublishedSchema, field: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return int.from_bytes(value, "big", signed=True)
    if field in schema.symbols and value is not None:
        symbols = schema.symbols[field]
        if not 0 <= value < len(symbols):
            raise IndexError
        return symbols[value]
    if isinstance(value, list):
        return [_shown(schema, field, item) for item in value]
    if isinstance(value, dict):
        return {name: _shown(schema, name, part) for name, part in value.items()}
    return value
