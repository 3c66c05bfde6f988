"""Tables that a query brings along ("external data"): files of a multipart request, each told of by fields beside it.

`NAME_format` is a file's format (TabSeparated if not said), `NAME_structure` its columns (`id Int64, text String`), or
`NAME_types` their types alone, which then are `_1`, `_2` and so on. Pure. Source: ClickHouse's documentation of external
data. Invariant: what a request says of a table reaches SQL as a name or as a text, never as a piece of a statement.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sinks.embedded.errors import BAD_ARGUMENTS, QueryRefused

_SUFFIXES: Final = ("format", "structure", "types")
_PIECE: Final = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(),]|[^(),'`]+|.", re.DOTALL)


class ExternalTable(NamedTuple):
    """A table for one query."""

    name: str
    structure: str  # its columns as CREATE TABLE has them
    format: str
    data: bytes


def take_external(files: Mapping[str, bytes], fields: dict[str, str]) -> list[ExternalTable]:
    """The tables of a request. Takes the fields that tell of them out of `fields`. Raises QueryRefused."""
    return [_table(name, data, fields) for name, data in files.items()]


def _table(name: str, data: bytes, fields: dict[str, str]) -> ExternalTable:
    form, structure, types = (fields.pop(f"{name}_{suffix}", "") for suffix in _SUFFIXES)
    if not structure:
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(_listed(types), 1))
    if not structure:
        raise QueryRefused(
            BAD_ARGUMENTS,
            f"Neither structure nor types have not been provided for external table {name}. "
            f"Use fields {name}_structure or {name}_types to do so. (BAD_ARGUMENTS)",
        )
    return ExternalTable(name, structure, form or "TabSeparated", data)


def _listed(types: str) -> Iterator[str]:
    """The types of a list, in which types have lists of their own in brackets."""
    kind, depth = "", 0
    for piece in _PIECE.findall(types):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            yield kind.strip()
            kind = ""
        else:
            kind += piece
    if kind.strip():
        yield kind.strip()
