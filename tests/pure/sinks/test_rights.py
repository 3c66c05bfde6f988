"""Who may do what in the embedded engine, as it is written for the engine to hold to."""

from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from sinks.embedded.rights import (
    BRINGER,
    READERS_AT_ONCE,
    Role,
    limits_of,
    memory_of_this_machine,
    readable_views,
    write_rights,
)
from sinks.tables import AFFILIATE_PANES, DATABASE, FRESHNESS


@given(st.integers(min_value=1 << 30, max_value=1 << 44))
def test_readers_together_leave_half_to_writers_and_the_engine_half_to_the_machine(memory_bytes: int) -> None:
    limits = limits_of(memory_bytes)
    assert limits.server_memory <= memory_bytes / 2
    assert READERS_AT_ONCE * limits.reader_memory <= limits.server_memory / 2


def test_a_reader_is_granted_views_and_nothing_else(tmp_path: Path) -> None:
    directory = tmp_path / "a&b <c> +ü"
    directory.mkdir()
    write_rights(directory, limits_of(memory_of_this_machine()))
    users = ElementTree.parse(directory / "users.xml")  # noqa: S314 - our own
    ElementTree.parse(directory / "config.xml")  # noqa: S314
    granted = [query.text for query in users.findall(f"roles/{Role.READER}/grants/query")]
    views = [f"GRANT SELECT ON {DATABASE}.{view}" for view in readable_views()]
    assert granted == [*views, "GRANT SELECT ON information_schema.*", "GRANT SELECT ON INFORMATION_SCHEMA.*"]
    bringer = [query.text for query in users.findall(f"roles/{BRINGER}/grants/query")]
    assert bringer == ["GRANT CREATE TEMPORARY TABLE ON *.*"]
    assert not {AFFILIATE_PANES.name, FRESHNESS.name, "comments", "comment"} & set(readable_views())
