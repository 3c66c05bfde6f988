"""The queries of docs/bi.md run. tests/docs/test_bi.py compares its views with ours."""

import re

import pytest

from sinks.client import connect
from sinks.migrate import migrate
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


def test_the_document_has_queries() -> None:
    assert len(QUERIES) >= 5
