"""The errors of the sink, one small tree.

SinkError
+-- SinkUnavailable   ClickHouse is away, busy or full: the same call may be made again later
+-- SinkRefused       ClickHouse will never take anything: a missing table or right, or a bug; it says what to do
+-- SchemaMissing     a SinkRefused: what is asked for is not there, or is another version's
+-- RowsRefused       ClickHouse will never take one of these rows; others it may

Which of them is decided by exception type and ClickHouse's numeric error code, never by a message's words.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import clickhouse_connect.driver.exceptions as clickhouse
import urllib3.exceptions


class SinkError(Exception):
    """Anything ClickHouse, or the way to it, says no with."""


class SinkUnavailable(SinkError):
    """Not now. Everything the sink writes is absolute, so trying again is always safe."""


class SinkRefused(SinkError):
    """Not ever, until somebody changes something."""


class SchemaMissing(SinkRefused):
    """Not before a migration."""


class RowsRefused(SinkError):
    """Not these rows, until somebody changes something."""


# ClickHouse's src/Common/ErrorCodes.cpp. A code that is not listed counts as "not now", since retrying is harmless and
# losing is not: busy (159 TIMEOUT_EXCEEDED, 202 TOO_MANY_SIMULTANEOUS_QUERIES, 209 SOCKET_TIMEOUT, 210 NETWORK_ERROR,
# 241 MEMORY_LIMIT_EXCEEDED, 252 TOO_MANY_PARTS), full (243 NOT_ENOUGH_SPACE), or waiting for its Keeper (225
# NO_ZOOKEEPER, 242 TABLE_IS_READ_ONLY, 319 UNKNOWN_STATUS_OF_INSERT, 999 KEEPER_EXCEPTION).
_MISSING_SCHEMA: Final = frozenset(
    {
        8,  # THERE_IS_NO_COLUMN
        10,  # NOT_FOUND_COLUMN_IN_BLOCK
        16,  # NO_SUCH_COLUMN_IN_TABLE
        20,  # NUMBER_OF_COLUMNS_DOESNT_MATCH
        47,  # UNKNOWN_IDENTIFIER
        53,  # TYPE_MISMATCH
        60,  # UNKNOWN_TABLE
        81,  # UNKNOWN_DATABASE
    }
)
_NO_RIGHT: Final = frozenset(
    {
        164,  # READONLY
        192,  # UNKNOWN_USER
        193,  # WRONG_PASSWORD
        194,  # REQUIRED_PASSWORD
        497,  # ACCESS_DENIED
        516,  # AUTHENTICATION_FAILED
    }
)
_BAD_VALUE: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        44,  # ILLEGAL_COLUMN
        69,  # ARGUMENT_OUT_OF_BOUND
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        407,  # DECIMAL_OVERFLOW
        469,  # VIOLATED_CONSTRAINT
    }
)
_BUG: Final = frozenset(
    {
        36,  # BAD_ARGUMENTS
        43,  # ILLEGAL_TYPE_OF_ARGUMENT
        46,  # UNKNOWN_FUNCTION
        62,  # SYNTAX_ERROR
        115,  # UNKNOWN_SETTING
        457,  # BAD_QUERY_PARAMETER
    }
)


@contextmanager
def sink_errors(doing: str) -> Iterator[None]:
    """Turns what clickhouse-connect raises into one of the tree; `doing` says what was tried."""
    try:
        yield
    except clickhouse.Error as error:
        raise _translated(doing, error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise SinkUnavailable(f"{doing}: ClickHouse does not answer ({error})") from error


def _translated(doing: str, error: clickhouse.Error) -> SinkError:
    if error.code in _MISSING_SCHEMA:
        return SchemaMissing(f"{doing}: the tables are not what this version expects; run: posventa migrate ({error})")
    if error.code in _NO_RIGHT:
        return SinkRefused(f"{doing}: user and password of POSVENTA_CLICKHOUSE are refused, or lack a right ({error})")
    if error.code in _BAD_VALUE:
        return RowsRefused(f"{doing}: a value is none that its column takes ({error})")
    if error.code in _BUG or (error.code is None and not _is_transport(error)):
        return SinkRefused(f"{doing}: ClickHouse cannot take this; please report it ({error})")
    return SinkUnavailable(f"{doing}: ClickHouse cannot take this now ({error})")


def _is_transport(error: clickhouse.Error) -> bool:
    """Without a code: a dead connection or a proxy's page, unless the client itself found the call wrong."""
    return not isinstance(error, clickhouse.ProgrammingError)
