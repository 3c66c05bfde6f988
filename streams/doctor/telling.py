"""What a check tells: what it found, and findings, each with what was expected and what to type.

Pure. Owns the two severities and their meaning.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

ERROR: Final = "error"  # numbers are wrong or late, or nothing goes on
WARNING: Final = "warning"  # it goes on, and something may be lost, or will not go on for long

_LISTED_MAX: Final = 10  # of a kind, in a sentence


class Trouble(NamedTuple):
    """Something that should be otherwise."""

    check: str
    severity: str
    found: str
    expected: str
    do: str


class Seen(NamedTuple):
    """What a check came to: what it saw, in a line, and what should be otherwise."""

    found: str
    findings: tuple[Trouble, ...] = ()


def error(found: str, expected: str, do: str) -> Trouble:
    """A finding of a check that is named later."""
    return Trouble("", ERROR, found, expected, do)


def warning(found: str, expected: str, do: str) -> Trouble:
    """A finding of a check that is named later."""
    return Trouble("", WARNING, found, expected, do)


def seen(found: str, findings: Iterable[Trouble] = ()) -> Seen:
    """What a check came to."""
    return Seen(found, tuple(findings))


def few_of(names: Iterable[object]) -> str:
    """The first few of some names, and how many more there are."""
    every = [str(name) for name in names]
    more = len(every) - _LISTED_MAX
    return ", ".join(every[:_LISTED_MAX]) + (f" and {more} more" if more > 0 else "")


def counted(counts: Mapping[str, int]) -> str:
    """Counts by name, the greatest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return few_of(f"{count:,} {name}" for name, count in ordered)
