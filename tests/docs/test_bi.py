"""docs/bi.md speaks of the views that there are. tests/engines/views/test_page.py runs its queries."""

from sinks.migrate import BI_ROLE
from sinks.views.catalogue import NAMES
from tests.support.places import ROOT

TEXT = (ROOT / "docs" / "bi.md").read_text()


def test_the_document_names_every_view_and_the_role() -> None:
    assert [name for name in (*NAMES, BI_ROLE) if f"`{name}" not in TEXT] == []
