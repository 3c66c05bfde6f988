"""The documentation lists every setting, with its default and meaning, and nothing that is none."""

import re
from typing import Final

import pytest
from pydantic import SecretStr, ValidationError

from streams.settings import Settings
from tests.support.places import ROOT

NUMBERS: Final = [name for name, field in Settings.model_fields.items() if field.annotation is int and name != "pane"]
DOCUMENT = ROOT / "docs" / "reference" / "settings.md"


def rows() -> list[str]:
    """The table as it must stand in the document."""
    found = []
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = f"`{default}`" if default != "" else ""
        found.append(f"| `POSVENTA_{name.upper()}` | {shown} | {field.description} |")
    return found


def test_the_document_lists_every_setting_and_nothing_else() -> None:
    listed = [line for line in DOCUMENT.read_text().splitlines() if re.match(r"\| `POSVENTA_", line)]
    assert listed == rows()


def with_setting(name: str, value: str) -> Settings:
    return Settings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_bounds_and_its_meaning_tells_them(name: str) -> None:
    told = re.search(r"; (\d+)([smhd]?) to (\d+)([smhd]?)$", Settings.model_fields[name].description or "")
    assert told, f"end the description of {name} with its bounds, such as: 1 to 9, or 6s to 5m"
    lowest, low_unit, highest, high_unit = told.groups()
    for allowed in (f"{lowest}{low_unit}", f"{highest}{high_unit}"):
        with_setting(name, allowed)
    for refused in (f"{int(lowest) - 1}{low_unit}", f"{int(highest) + 1}{high_unit}"):
        with pytest.raises(ValidationError):
            with_setting(name, refused)
