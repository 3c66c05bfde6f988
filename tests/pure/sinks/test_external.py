"""Tables that a query brings along: what is told of them, and what is left of the other fields."""

import pytest

from sinks.embedded.errors import QueryRefused
from sinks.embedded.external import ExternalTable, take_external


def test_a_table_takes_what_is_told_of_it_and_leaves_the_rest() -> None:
    fields = {
        "ids_format": "CSV",
        "ids_structure": "id Int64",
        "date_time_input_format": "best_effort",  # a setting, whatever its end
        "more_types": "Int8",
        "query": "SELECT 1",
    }
    assert take_external({"ids": b"1\n", "more": b"2\n"}, fields) == [
        ExternalTable("ids", "id Int64", "CSV", b"1\n"),
        ExternalTable("more", "_1 Int8", "TabSeparated", b"2\n"),
    ]
    assert fields == {"date_time_input_format": "best_effort", "query": "SELECT 1"}


@pytest.mark.parametrize(
    ("types", "structure"),
    [
        ("Int64,String", "_1 Int64, _2 String"),
        (" Decimal(38, 4) , Map(String, Array(Int8))", "_1 Decimal(38, 4), _2 Map(String, Array(Int8))"),
        ("Enum8('a,(' = 1, 'b\\',' = 2), Date", "_1 Enum8('a,(' = 1, 'b\\',' = 2), _2 Date"),
        ("Tuple(`a, b` Int8)", "_1 Tuple(`a, b` Int8)"),
        ("Nullable(String", "_1 Nullable(String"),  # for the engine to refuse
        ("Enum8('a", "_1 Enum8('a"),
    ],
)
def test_columns_without_names_are_numbered(types: str, structure: str) -> None:
    assert take_external({"t": b""}, {"t_types": types})[0].structure == structure


def test_a_table_without_columns_is_refused_in_a_servers_words() -> None:
    with pytest.raises(QueryRefused, match="Use fields t_structure or t_types") as refused:
        take_external({"t": b""}, {"t_format": "CSV"})
    assert (refused.value.code, refused.value.status) == (36, 400)
