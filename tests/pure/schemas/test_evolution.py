"""Published schemas never change, and a later version leaves every older byte readable as what it meant."""

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import pytest

from schemas.registry import BY_HEADER, header_of
from tests.support.evolution import faults
from tests.support.places import ROOT

FILES: Final = sorted((ROOT / "schemas" / "avro").glob("*.avsc"))
# Of every published file: the first ten bytes of its records, and what of it fingerprints do not see (logical types, precision,
# scale, defaults) as a digest of the file without its docs. Entered once, when a version is published.
PUBLISHED: Final = {
    "attribution.v1.avsc": ("c301bdadc58c46d188bf", "ba914528251f8ecc"),
    "feedback.v1.avsc": ("c301533e1aaecf893946", "da8a1eb8a43ed36e"),
    "feedback.v2.avsc": ("c3010bcd5ffd7fa17fe2", "e84e07f64a240f76"),
    "reversal.v1.avsc": ("c3014b25125efe0363e8", "78d221c7c2988304"),
    "sale.v1.avsc": ("c301beb5d0ec46513630", "d5b5698e4a00eb7d"),
    "sale.v2.avsc": ("c301a5a34d3e1fce4b96", "bb17d29563691b94"),
}


def schema(name: str) -> Any:
    return json.loads((ROOT / "schemas" / "avro" / name).read_text())


def _without_docs(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_docs(item) for item in node]
    return {key: _without_docs(part) for key, part in node.items() if key != "doc"} if isinstance(node, dict) else node


def digest(found: Any) -> str:
    return sha256(json.dumps(_without_docs(found), sort_keys=True).encode()).hexdigest()[:16]


def test_a_published_schema_never_changes_nor_goes() -> None:
    found = {file.name: (header_of(schema(file.name)).hex(), digest(schema(file.name))) for file in FILES}
    assert found == PUBLISHED, "published versions stay as they are; a new one is entered here"
    assert {header.hex() for header in BY_HEADER} == {header for header, _ in PUBLISHED.values()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_version_follows_the_one_before(file: Any) -> None:
    kind, version = file.name.split(".")[:2]
    before = f"{kind}.v{int(version[1:]) - 1}.avsc"
    if version != "v1":
        assert faults(schema(before), schema(file.name)) == []
    assert faults(schema(file.name), schema(file.name)) == []


def fields(found: Any) -> dict[str, Any]:
    return {field["name"]: field for field in found["fields"]}


FORBIDDEN: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "a field is removed": (
        "sale.v2.avsc", lambda s: s["fields"].remove(fields(s)["campaign"]),
        "campaign: was removed, or has another name",
    ),
    "a field is renamed": (
        "sale.v2.avsc", lambda s: fields(s)["campaign"].update(name="page"),
        "campaign: was removed, or has another name",
    ),
    "a field is renamed by alias": (
        "sale.v2.avsc", lambda s: fields(s)["campaign"].update(aliases=["page"]),
        "campaign: an alias would let a field mean another one",
    ),
    "a new field has no default": (
        "sale.v2.avsc", lambda s: s["fields"].append({"name": "weight", "type": "int"}),
        "weight: is new and has no default",
    ),
    "money gets another scale": (
        "sale.v2.avsc", lambda s: fields(s)["amount"]["type"].update(scale=2), "amount: scale was 4, is 2"
    ),
    "money gets another precision": (
        "reversal.v1.avsc", lambda s: fields(s)["amount"]["type"].update(precision=20),
        "amount: precision was 18, is 20",
    ),
    "money that may be absent gets another scale": (
        "attribution.v1.avsc", lambda s: fields(s)["commission"]["type"][1].update(scale=2),
        "commission: scale was 4, is 2",
    ),
    "money becomes bytes": (
        "sale.v2.avsc", lambda s: fields(s)["commission"].update(type="bytes"),
        "commission: logicalType was decimal, is None",
    ),
    "times get another unit": (
        "feedback.v2.avsc", lambda s: fields(s)["occurred_at"]["type"].update(logicalType="timestamp-micros"),
        "occurred_at: logicalType was timestamp-millis, is timestamp-micros",
    ),
    "a text becomes a number": (
        "sale.v2.avsc", lambda s: fields(s)["sale_id"].update(type="long"), "sale_id: was string, is long"
    ),
    "what may be absent must be there": (
        "sale.v2.avsc", lambda s: fields(s)["campaign"].update(type="string"), "campaign: another union"
    ),
    "a union has null last": (
        "sale.v2.avsc", lambda s: fields(s)["product_id"].update(type=["string", "null"]),
        "product_id: a union that is not of null and what it was",
    ),
    "a default changes": (
        "sale.v2.avsc", lambda s: fields(s)["revision"].update(default=1), "revision: another default"
    ),
    "a default goes": ("sale.v2.avsc", lambda s: fields(s)["revision"].pop("default"), "revision: another default"),
    "a symbol goes": (
        "sale.v2.avsc", lambda s: fields(s)["action"]["type"]["symbols"].pop(),
        "action: symbols were taken out or have other places",
    ),
    "symbols change places": (
        "reversal.v1.avsc", lambda s: fields(s)["kind"]["type"]["symbols"].reverse(),
        "kind: symbols were taken out or have other places",
    ),
    "a symbol that is meant by name goes": (
        "feedback.v2.avsc", lambda s: fields(s)["metric"]["type"][1]["symbols"].pop(),
        "scores.metric: symbols were taken out or have other places",
    ),
    "what an array holds changes": (
        "sale.v2.avsc", lambda s: fields(s)["other_product_ids"]["type"].update(items="long"),
        "other_product_ids: was string, is long",
    ),
    "what an array's records hold is removed": (
        "feedback.v2.avsc", lambda s: fields(s)["findings"]["type"]["items"]["fields"].pop(),
        "findings.topic: was removed, or has another name",
    ),
    "the record is renamed": ("sale.v2.avsc", lambda s: s.update(name="Order"), "the record: another name"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_change_that_avro_or_the_contract_forbids_is_refused(what: str) -> None:
    name, change, told = FORBIDDEN[what]
    changed = copy.deepcopy(schema(name))
    change(changed)
    assert told in faults(schema(name), changed)


def test_what_is_allowed_is_no_fault() -> None:
    after = copy.deepcopy(schema("sale.v2.avsc"))
    after["fields"].insert(3, {"name": "weight", "type": ["null", "int"], "default": None})
    fields(after)["product_id"].update(type=["null", "string"])
    fields(after)["action"]["type"]["symbols"].append("EXCHANGED")
    assert faults(schema("sale.v2.avsc"), after) == []


@pytest.mark.parametrize("change", [{"scale": 2}, {"precision": 20}, {"logicalType": "none"}])
def test_what_fingerprints_do_not_see_is_seen(change: dict[str, Any]) -> None:
    changed = schema("sale.v2.avsc")
    fields(changed)["amount"]["type"].update(change)
    assert header_of(changed) == header_of(schema("sale.v2.avsc"))
    assert digest(changed) != digest(schema("sale.v2.avsc"))
