"""Where in a mapping a key stands: lines, for faults. tomllib tells values alone.

Owns the search. Pure. Invariant: a path that the text has is found at the line where its statement begins.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KeyPath = tuple[str | int, ...]


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line, from 1, of the key at `place`, or of the nearest above it. What parses up to a line holds all that stands
    before it: so the first line with which a key is there is its own."""
    lines = text.splitlines(keepends=True)
    wanted = tuple(place)
    first = 0  # where the statement begins
    known: set[KeyPath] = set()
    best, best_line = -1, 1
    for number in range(1, len(lines) + 1):
        try:
            here = set(_places(tomllib.loads("".join(lines[:number]))))
        except tomllib.TOMLDecodeError:
            continue
        for found in here - known:
            if found == wanted[: len(found)] and len(found) > best:
                best, best_line = len(found), _within(lines, first, number, wanted)
        known, first = here, number
    return best_line


def _within(lines: list[str], first: int, end: int, wanted: KeyPath) -> int:
    """The line of a statement of several that names the key; else that of its first word."""
    names = [str(part) for part in reversed(wanted) if isinstance(part, str)]
    for name in names[:1]:
        for number in range(first, end):
            if name in lines[number].partition("#")[0]:
                return number + 1
    for number in range(first, end):
        if lines[number].partition("#")[0].strip():
            return number + 1
    return end


def _places(value: Any, here: KeyPath = ()) -> Iterator[KeyPath]:
    yield here
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _places(inner, (*here, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places(inner, (*here, number))
