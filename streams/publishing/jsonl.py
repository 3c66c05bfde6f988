"""JSON Lines -> events, or what else stands one a line: a bad line refused by its number, the rest goes on.

Owns the reading of a line. Pure: takes lines, gives what they hold and refusals in their order.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from schemas.errors import InvalidValue, shown

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """Line `number`, from 1, is not taken because of `why`."""

    number: int
    why: str


def parse_lines(
    lines: Iterable[bytes], parse: Callable[[Mapping[str, object]], Parsed]
) -> Iterator[Parsed | RefusedLine]:
    """Reads lines of UTF-8 (a byte order mark before the first is fine); empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield parse(_mapping(line.decode("utf-8-sig" if number == 1 else "utf-8")))
            except InvalidValue as refused:
                yield RefusedLine(number, refused.detail)
            except UnicodeDecodeError as error:
                yield RefusedLine(number, f"not UTF-8: {error.reason} at byte {error.start + 1}")
            except (ValueError, RecursionError) as error:
                yield RefusedLine(number, f"not JSON: {error}")


def _mapping(text: str) -> Mapping[str, object]:
    value = json.loads(text, object_pairs_hook=_once)
    if not isinstance(value, dict):
        raise InvalidValue("line", f"a JSON {type(value).__name__}", "a JSON object")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object. JSON lets a key stand twice, and each reader take another of its values: money is not told like that."""
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidValue(shown(twice).strip("'"), "it more than once", "each key once in an object")
    return found
