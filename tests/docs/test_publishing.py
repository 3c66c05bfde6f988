"""docs/publishing.md names the fields that there are. tests/engines/publishing runs its Python and reads its dump."""

import re

from posventa import Feedback, Sale
from tests.support.places import ROOT

GUIDE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")


def test_the_guide_names_every_field_in_the_schema_s_order() -> None:
    names = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", GUIDE, flags=re.MULTILINE)
    fields = [field for row in names for field in re.findall(r"`(\w+)`", row)]
    assert tuple(fields[: len(Sale._fields)]) == Sale._fields
    assert tuple(fields[len(Sale._fields) :][: len(Feedback._fields)]) == Feedback._fields
