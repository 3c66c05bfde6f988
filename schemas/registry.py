"""Where writer schemas come from: every published version, shipped in schemas/avro/, by its CRC-64-AVRO fingerprint.

Owns the .avsc files and how they are read. Never asks a network. Invariant: a published file is never changed or
removed, so whatever was once written stays readable.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

SINGLE_OBJECT_MARKER: Final = b"\xc3\x01"  # Avro specification, "Single-object encoding": marker, then fingerprint
HEADER_BYTES: Final = 10  # the marker and 8 bytes of fingerprint, little-endian

# Full names of the schemas.
SALE_NAME: Final = "posventa.Sale"
REVERSAL_NAME: Final = "posventa.Reversal"
ATTRIBUTION_NAME: Final = "posventa.Attribution"
FEEDBACK_NAME: Final = "posventa.Feedback"

_AVRO = Path(__file__).parent / "avro"


@dataclass(frozen=True)
class PublishedSchema:
    """One version of one event, as a writer may have used it.

    `plain` reads and writes the same bytes as the file does, but bare: enums as their index, decimals as bytes, times
    as long. That is what makes decoding cheap, and lets the codec refuse an index that fastavro would take (-1).
    `symbols` names the enum indexes, by the field that holds them (fields of one name hold the same enum).
    """

    full_name: str
    version: int
    header: bytes
    plain: Any
    symbols: Mapping[str, tuple[str, ...]]


def header_of(schema: Any) -> bytes:
    """The first 10 bytes of every record that this schema writes in single-object encoding.

    fastavro gives the fingerprint as hex in the byte order of the wire.
    """
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return SINGLE_OBJECT_MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def _enums(node: Any) -> dict[str, tuple[str, ...]]:
    """The symbols of every enum by its name, with which it may be meant again."""
    if isinstance(node, list):
        return {name: symbols for item in node for name, symbols in _enums(item).items()}
    if not isinstance(node, dict):
        return {}
    if node["type"] == "enum":
        return {node["name"]: tuple(node["symbols"])}
    return _enums([field["type"] for field in node["fields"]] if "fields" in node else node.get("items", node["type"]))


def _plain(node: Any, enums: Mapping[str, tuple[str, ...]]) -> Any:
    if isinstance(node, list):
        return [_plain(item, enums) for item in node]
    if not isinstance(node, dict):
        return "int" if node in enums else node
    if node["type"] == "enum":
        return "int"
    bare = {"type": _plain(node["type"], enums)}
    bare |= {key: node[key] for key in ("name", "namespace", "default") if key in node}
    if "items" in node:
        bare["items"] = _plain(node["items"], enums)
    if "fields" in node:
        bare["fields"] = [_plain(field, enums) for field in node["fields"]]
    return bare


def _symbols(node: Any, enums: Mapping[str, tuple[str, ...]], field: str = "") -> dict[str, tuple[str, ...]]:
    if isinstance(node, list):
        return {name: symbols for item in node for name, symbols in _symbols(item, enums, field).items()}
    if not isinstance(node, dict):
        return {field: enums[node]} if node in enums else {}
    if node["type"] == "enum":
        return {field: enums[node["name"]]}
    if "fields" in node:
        return {n: s for item in node["fields"] for n, s in _symbols(item["type"], enums, item["name"]).items()}
    return _symbols(node.get("items", node["type"]), enums, field)


def _load(path: Path) -> PublishedSchema:
    schema = json.loads(path.read_text(encoding="utf-8"))
    enums = _enums(schema)
    return PublishedSchema(
        full_name=f"{schema['namespace']}.{schema['name']}",
        version=int(path.name.split(".")[1].removeprefix("v")),
        header=header_of(schema),
        plain=parse_schema(_plain(schema, enums)),
        symbols=_symbols(schema, enums),
    )


BY_HEADER: Final[Mapping[bytes, PublishedSchema]] = {s.header: s for s in map(_load, sorted(_AVRO.glob("*.avsc")))}


def versions(full_name: str) -> list[PublishedSchema]:
    """All versions of an event, the oldest first."""
    return sorted((s for s in BY_HEADER.values() if s.full_name == full_name), key=lambda s: s.version)


def newest(full_name: str) -> PublishedSchema:
    """The version that we read into."""
    return versions(full_name)[-1]
