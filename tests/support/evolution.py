"""What a new version of a schema may change: Avro's rules for readers of older bytes, and what the contract asks beyond them.

Why not a library's check: fingerprints and Avro's resolution both pass over logical types, precision, scale and defaults, and
with these money would change its value unseen.
"""

from collections.abc import Iterator
from typing import Any, Final

_NOT_SEEN_BY_AVRO: Final = ("logicalType", "precision", "scale")


def faults(older: Any, newer: Any) -> list[str]:
    """What is wrong with `newer`, a record schema as JSON, as the version after `older`; empty when nothing is."""
    names: dict[str, Any] = {}
    return list(_of_records("", _resolved(older, names), _resolved(newer, {})))


def _resolved(node: Any, names: dict[str, Any]) -> Any:
    """The schema with every named type in the place of its name."""
    if isinstance(node, list):
        return [_resolved(item, names) for item in node]
    if isinstance(node, str):
        return names.get(node, node)
    found = dict(node)
    if "fields" in found:
        found["fields"] = [field | {"type": _resolved(field["type"], names)} for field in found["fields"]]
    if "items" in found:
        found["items"] = _resolved(found["items"], names)
    if found["type"] in ("enum", "record"):
        names[found["name"]] = found
    return found


def _of_records(where: str, older: Any, newer: Any) -> Iterator[str]:
    if [older.get(key) for key in ("name", "namespace")] != [newer.get(key) for key in ("name", "namespace")]:
        yield f"{where or 'the record'}: another name"
    before = {field["name"]: field for field in older["fields"]}
    after = {field["name"]: field for field in newer["fields"]}
    for name, field in before.items():
        place = f"{where}{name}"
        if name not in after:
            yield f"{place}: was removed, or has another name"
            continue
        if "default" in field and ("default" not in after[name] or after[name]["default"] != field["default"]):
            yield f"{place}: another default"
        yield from _of_types(place, field["type"], after[name]["type"])
    for name, field in after.items():
        if name not in before and "default" not in field:
            yield f"{where}{name}: is new and has no default"
        if "aliases" in field:
            yield f"{where}{name}: an alias would let a field mean another one"


def _of_types(place: str, older: Any, newer: Any) -> Iterator[str]:
    if isinstance(newer, list) and not isinstance(older, list):
        if len(newer) != 2 or newer[0] != "null":
            yield f"{place}: a union that is not of null and what it was"
            return
        newer = newer[1]  # what had to be there may be absent now
    if isinstance(older, list) or isinstance(newer, list):
        yield from _of_unions(place, older, newer)
        return
    older, newer = (node if isinstance(node, dict) else {"type": node} for node in (older, newer))
    if older["type"] != newer["type"]:
        yield f"{place}: was {older['type']}, is {newer['type']}"
        return
    for key in _NOT_SEEN_BY_AVRO:
        if older.get(key) != newer.get(key):
            yield f"{place}: {key} was {older.get(key)}, is {newer.get(key)}"
    yield from _WITHIN.get(older["type"], _nothing)(place, older, newer)


def _of_unions(place: str, older: Any, newer: Any) -> Iterator[str]:
    if not isinstance(newer, list) or len(newer) != len(older):
        yield f"{place}: another union"
        return
    for one, other in zip(older, newer, strict=True):
        yield from _of_types(place, one, other)


def _of_enums(place: str, older: Any, newer: Any) -> Iterator[str]:
    if older["name"] != newer["name"]:
        yield f"{place}: another name"
    if newer["symbols"][: len(older["symbols"])] != older["symbols"]:
        yield f"{place}: symbols were taken out or have other places"


def _of_arrays(place: str, older: Any, newer: Any) -> Iterator[str]:
    yield from _of_types(place, older["items"], newer["items"])


def _of_records_within(place: str, older: Any, newer: Any) -> Iterator[str]:
    yield from _of_records(f"{place}.", older, newer)


def _nothing(_place: str, _older: Any, _newer: Any) -> Iterator[str]:
    yield from ()


_WITHIN: Final = {"enum": _of_enums, "array": _of_arrays, "record": _of_records_within}
