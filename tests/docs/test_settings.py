"""The documentation lists every setting, with its default and meaning, and nothing that is none."""

import re

from pydantic import SecretStr

from streams.settings import Settings
from tests.support.places import ROOT

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
