"""The format Native as a client of a later protocol revision reads it (`client_protocol_version` of the URL).

The engine's binding writes Native for revision 0 alone. From 54454 on, some bytes come before each block, and one byte
after each column's type. What is in the columns is copied as it is.

Clients of an earlier revision get revision 0: the only known one, clickhouse-connect, looks whether the bytes before a block
come and does without, and then reads types too whose end cannot be found here.

Pure. Source: ClickHouse's specification of the format Native, "Protocol revision". Inserts are of revision 0 always.
"""

from typing import Final

from sinks.embedded.column_layouts import UnknownLayout, layout_of, number_at
from sinks.embedded.errors import NOT_IMPLEMENTED, QueryRefused

REVISION_MIN: Final = 54454
_WITH_OUT_OF_ORDER_BUCKETS: Final = 54480
# Fields of a block by number: 1 says no overflow, 2 no bucket, 3 no bucket out of order; 0 ends them.
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff"
_OUT_OF_ORDER_BUCKETS: Final = b"\x03\x00"
_END_OF_INFO: Final = b"\x00"
_DEFAULT_SERIALIZATION: Final = b"\x00"


class NativeEncoder:
    """An Encoder: blocks of revision 0 become blocks of another revision."""

    def __init__(self, revision: int) -> None:
        """`revision` is at least REVISION_MIN."""
        with_buckets = revision >= _WITH_OUT_OF_ORDER_BUCKETS
        self._before_block = _BLOCK_INFO + (_OUT_OF_ORDER_BUCKETS if with_buckets else b"") + _END_OF_INFO
        self._waiting = b""

    def add(self, data: bytes) -> bytes:
        """The blocks that are complete. Raises QueryRefused for a column whose end cannot be found."""
        data = self._waiting + data
        pieces: list[bytes] = []
        start = 0
        while start < len(data):
            try:
                block, after = self._block(data, start)
            except IndexError:
                break  # it goes on in what comes next
            if after > len(data):
                break
            pieces += block
            start = after
        self._waiting = data[start:]
        return b"".join(pieces)

    def end(self) -> bytes:
        """Nothing: whoever writes Native writes whole blocks. Raises ValueError when a part of one is left."""
        if self._waiting:
            raise ValueError(f"the last {len(self._waiting)} bytes of Native are no block")
        return b""

    def _block(self, data: bytes, start: int) -> tuple[list[bytes], int]:
        """What the block that begins there becomes, and the place after it."""
        pieces = [self._before_block]
        copied = start
        columns, at = number_at(data, start)
        rows, at = number_at(data, at)
        for _ in range(columns):
            name, at = _text_at(data, at)
            type_name, at = _text_at(data, at)
            pieces += [data[copied:at], _DEFAULT_SERIALIZATION]
            copied = at
            if rows:
                at = _after_column(data, at, rows, name, type_name)
        pieces.append(data[copied:at])
        return pieces, at


def _text_at(data: bytes, at: int) -> tuple[str, int]:
    length, at = number_at(data, at)
    if at + length > len(data):
        raise IndexError
    return data[at : at + length].decode(errors="replace"), at + length


def _after_column(data: bytes, at: int, rows: int, name: str, type_name: str) -> int:
    try:
        layout = layout_of(type_name)
        return layout.data(data, layout.prefix(data, at), rows)
    except UnknownLayout as unknown:
        raise QueryRefused(
            NOT_IMPLEMENTED,
            f"Column {name} is of type {type_name}, and {unknown} is not written here in the format Native for a client "
            "that says a client_protocol_version: ask for it as a String, or in another format. (NOT_IMPLEMENTED)",
        ) from unknown
