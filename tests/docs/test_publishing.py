"""docs/publishing.md names the fields that there are. tests/engines/publishing runs its Python and reads its dump."""

import re

from posventa import Attribution, Feedback, Reversal, Sale
from tests.support.places import ROOT

GUIDE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")


def test_the_guide_names_every_field_in_the_schema_s_order() -> None:
    names = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", GUIDE, flags=re.MULTILINE)
    fields = [field for row in names for field in re.findall(r"`(\w+)`", row)]
    listed = tuple(fields)
    for event in (Sale, Reversal, Attribution, Feedback):
        assert listed[: len(event._fields)] == event._fields
        listed = listed[len(event._fields) :]
