"""docs/reference/api.md names what `posventa` exports, with the parameters and fields that there are."""

import inspect
import re
from typing import Final

import posventa
from tests.support.places import ROOT

PAGE: Final = (ROOT / "docs" / "reference" / "api.md").read_text()
ERRORS: Final = {name for name in posventa.__all__ if issubclass(getattr(posventa, name), Exception)}
TUPLES: Final = {name for name in posventa.__all__ if issubclass(getattr(posventa, name), tuple)}


def test_every_name_has_its_place() -> None:
    headings = {name for line in re.findall(r"^## (.+)$", PAGE, re.MULTILINE) for name in line.split(", ")}
    errors = PAGE.partition("## Errors")[2]
    assert headings | set(re.findall(r"^\| `(\w+)` \|", errors, re.MULTILINE)) == {*posventa.__all__, "Errors"}


def test_the_publisher_is_made_and_used_as_told() -> None:
    made = re.search(r"^`Publisher\((.*)\)`$", PAGE, re.MULTILINE)
    assert made
    parameters = [p for p in inspect.signature(posventa.Publisher.__init__).parameters.values() if p.name != "self"]
    assert re.findall(r"(\w+)=(\w+)", made[1]) == [(p.name, str(p.default)) for p in parameters]
    public = {name for name in vars(posventa.Publisher) if not name.startswith("_")}
    assert set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)) == public


def test_the_fields_are_listed_in_order() -> None:
    for name in TUPLES:
        row = re.search(rf"^\| `{name}` \| (.*) \|$", PAGE, re.MULTILINE)
        assert row, name
        assert tuple(re.findall(r"`(\w+)`", row[1])) == getattr(posventa, name)._fields


def test_an_error_is_one() -> None:
    assert issubclass(posventa.Unavailable, posventa.PosventaError)
    assert {"InvalidValue", "Unavailable", "PosventaError"} == ERRORS
    assert list(inspect.signature(posventa.InvalidValue.__init__).parameters)[1:] == ["field", "found", "expected"]
