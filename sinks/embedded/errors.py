"""What the front answers with instead of a result, as ClickHouse has it: a code, a message, an HTTP status."""

import re
from typing import Final

# HTTP status by ClickHouse's error code, from its HTTPHandler; any other code is 500.
_STATUS: Final = {
    6: 400, 27: 400, 36: 400, 38: 400, 41: 400, 43: 400, 53: 400, 62: 400, 69: 400, 73: 400, 386: 400,  # bad request
    372: 404, 16: 404, 46: 404, 47: 404, 48: 501, 60: 404, 81: 404,  # unknown column, function, table, database
    164: 403, 497: 403, 516: 401, 159: 408, 373: 500, 307: 413,
}  # fmt: skip
_CODE: Final = re.compile(r"Code: (\d+)\b")

ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
INCORRECT_DATA: Final = 117
NOT_IMPLEMENTED: Final = 48
QUERY_WAS_CANCELLED: Final = 394
QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: Final = 216
READONLY: Final = 164
SESSION_IS_LOCKED: Final = 373
SYNTAX_ERROR: Final = 62
TOO_MANY_BYTES: Final = 307
TOO_MANY_SIMULTANEOUS_QUERIES: Final = 202
UNKNOWN_COMPRESSION: Final = 89
UNKNOWN_FORMAT: Final = 73
_UNKNOWN_EXCEPTION: Final = 1002


class QueryRefused(Exception):
    """A query that ends in an error. `str()` of it is the body of the answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message}")
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse's server would send."""
        return _STATUS.get(self.code, 500)


def from_engine(message: str) -> QueryRefused:
    """What the engine said. The code stands in its text alone."""
    match = _CODE.search(message)
    refused = QueryRefused(int(match[1]) if match else _UNKNOWN_EXCEPTION, "")
    refused.args = (message[match.start() :] if match else f"Code: {_UNKNOWN_EXCEPTION}. DB::Exception: {message}",)
    return refused
