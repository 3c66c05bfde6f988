"""docs/bi.md speaks of the views that there are, and its queries run."""

import re

import pytest

from sinks.client import connect
from sinks.migrate import BI_ROLE, migrate
from sinks.views.catalogue import NAMES
from tests.support.places import ROOT

TEXT = (ROOT / "docs" / "bi.md").read_text()
QUERIES = re.findall(r"```sql\n(.+?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def url(clickhouse: str) -> str:
    migrate(clickhouse)
    return clickhouse


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_document_runs(url: str, query: str) -> None:
    assert connect(url).query(query).result_rows == []


def test_the_document_names_every_view_and_the_role() -> None:
    assert len(QUERIES) >= 5
    assert [name for name in (*NAMES, BI_ROLE) if f"`{name}" not in TEXT] == []
