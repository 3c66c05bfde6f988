"""What the front answers with instead of a result, as ClickHouse has it: a code, a message, an HTTP status."""

import re
from typing import Final

# The codes of each HTTP status, from exceptionCodeToHTTPStatus.cpp of ClickHouse; any other code is 500.
CODES_OF_STATUS: Final = {
    400: "CANNOT_PARSE_TEXT 6 THERE_IS_NO_COLUMN 8 DUPLICATE_COLUMN 15 CANNOT_PARSE_ESCAPE_SEQUENCE 25 "
    "CANNOT_PARSE_QUOTED_STRING 26 CANNOT_PARSE_INPUT_ASSERTION_FAILED 27 BAD_ARGUMENTS 36 UNKNOWN_ELEMENT_IN_AST 37 "
    "CANNOT_PARSE_DATE 38 CANNOT_PARSE_DATETIME 41 ILLEGAL_COLUMN 44 TYPE_MISMATCH 53 SYNTAX_ERROR 62 "
    "CANNOT_PARSE_NUMBER 72 INCORRECT_DATA 117 UNKNOWN_TYPE_OF_AST_NODE 123 TOO_DEEP_AST 167 TOO_BIG_AST 168 "
    "UNEXPECTED_AST_STRUCTURE 223 VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE 321 CANNOT_PARSE_UUID 376 "
    "CANNOT_COMPILE_REGEXP 427 CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING 441 CANNOT_PARSE_IPV4 675 CANNOT_PARSE_IPV6 676",
    401: "REQUIRED_PASSWORD 194",
    403: "UNKNOWN_USER 192 WRONG_PASSWORD 193 ACCESS_DENIED 497 SET_NON_GRANTED_ROLE 512 AUTHENTICATION_FAILED 516",
    404: "UNKNOWN_FUNCTION 46 UNKNOWN_IDENTIFIER 47 UNKNOWN_TYPE 50 UNKNOWN_STORAGE 56 UNKNOWN_TABLE 60 "
    "UNKNOWN_AGGREGATE_FUNCTION 63 UNKNOWN_FORMAT 73 UNKNOWN_TYPE_OF_QUERY 78 UNKNOWN_DATABASE 81 UNKNOWN_SETTING 115 "
    "UNKNOWN_DIRECTION_OF_SORTING 152 UNKNOWN_DATABASE_ENGINE 336 UNKNOWN_ROLE 511",
    408: "TIMEOUT_EXCEEDED 159",
    411: "HTTP_LENGTH_REQUIRED 381",
    413: "QUERY_IS_TOO_LARGE 229",
    415: "UNSUPPORTED_MEDIA_TYPE 779",
    501: "NOT_IMPLEMENTED 48",
    503: "CANNOT_OPEN_FILE 76 SOCKET_TIMEOUT 209 CANNOT_SCHEDULE_TASK 439",
}
_STATUS: Final = {int(code): status for status, codes in CODES_OF_STATUS.items() for code in codes.split()[1::2]}
_CODE: Final = re.compile(r"Code: (\d+)\b")
_CODE_AGAIN: Final = re.compile(r"^(Code: \d+\. DB::Exception: )\1+")
_NAME_AGAIN: Final = re.compile(r"(?: \((\w+)\) \(version [\w.]+(?: \([\w ]+\))?\)\.)+(?= \(\1\)$)")

ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
BAD_ARGUMENTS: Final = 36
CANNOT_DECOMPRESS: Final = 271
CANNOT_READ_ALL_DATA: Final = 33
CHECKSUM_DOESNT_MATCH: Final = 40
INCORRECT_DATA: Final = 117
NOT_IMPLEMENTED: Final = 48
QUERY_IS_TOO_LARGE: Final = 229
QUERY_WAS_CANCELLED: Final = 394
QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: Final = 216
READONLY: Final = 164
SESSION_IS_LOCKED: Final = 373
SESSION_NOT_FOUND: Final = 372
SYNTAX_ERROR: Final = 62
TOO_LARGE_SIZE_COMPRESSED: Final = 39
TOO_MANY_SIMULTANEOUS_QUERIES: Final = 202
UNKNOWN_CODEC: Final = 432
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
    """What the engine said, once where its parts said it one after the other. The code stands in its text alone."""
    match = _CODE.search(message)
    text = message[match.start() :] if match else f"Code: {_UNKNOWN_EXCEPTION}. DB::Exception: {message}"
    refused = QueryRefused(int(match[1]) if match else _UNKNOWN_EXCEPTION, "")
    refused.args = (_NAME_AGAIN.sub("", _CODE_AGAIN.sub(r"\1", text)),)
    return refused
