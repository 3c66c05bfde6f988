"""What ClickHouse says no with is told apart by its code: not now, not these rows, or not at all."""

import clickhouse_connect.driver.exceptions as clickhouse
import pytest
import urllib3.exceptions

from sinks.errors import RowsRefused, SchemaMissing, SinkError, SinkRefused, SinkUnavailable, sink_errors

NOT_NOW = (None, 159, 202, 209, 210, 225, 241, 242, 243, 252, 319, 425, 999, 123_456)
NOT_THESE_ROWS = (6, 27, 44, 69, 117, 131, 321, 349, 407, 469)
NOT_BEFORE_A_MIGRATION = (8, 10, 16, 20, 47, 53, 60, 81)
NOT_AT_ALL = (36, 62, 115, 164, 192, 194, 497, 516)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *((code, SinkUnavailable) for code in NOT_NOW),
        *((code, RowsRefused) for code in NOT_THESE_ROWS),
        *((code, SchemaMissing) for code in NOT_BEFORE_A_MIGRATION),
        *((code, SinkRefused) for code in NOT_AT_ALL),
    ],
)
def test_a_code_decides(code: int | None, expected: type[SinkError]) -> None:
    error = clickhouse.DatabaseError("on purpose")
    error.code = code
    with pytest.raises(SinkError, match="on purpose") as found, sink_errors("trying"):
        raise error
    assert type(found.value) is expected


@pytest.mark.parametrize("error", [urllib3.exceptions.ProtocolError("cut off"), ConnectionResetError("reset")])
def test_a_broken_connection_is_not_now(error: Exception) -> None:
    with pytest.raises(SinkUnavailable), sink_errors("trying"):
        raise error


def test_a_wrong_call_is_a_bug() -> None:
    with pytest.raises(SinkRefused), sink_errors("trying"):
        raise clickhouse.ProgrammingError("on purpose")
