"""Which names belong to which generation of the state, and what a name says of its generation.

Pure. Invariant: generation 1 has the plain names.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from streams.brokers.topics import GROUP, STATE, Names

_TOPIC: Final = re.compile(rf"{re.escape(STATE)}(?:\.g([0-9]{{1,9}}))?")
_GROUP: Final = re.compile(rf"{re.escape(GROUP)}(?:-g([0-9]{{1,9}}))?")


def changelog_of(generation: int) -> str:
    """The changelog's topic."""
    return Names(generation).changelog


def group_of(generation: int) -> str:
    """The consumer group."""
    return Names(generation).group


def changelogs_in(topics: Iterable[str]) -> dict[int, str]:
    """The changelogs among these topics, by generation."""
    return dict(_found(_TOPIC, topics))


def groups_in(groups: Iterable[str]) -> dict[int, str]:
    """Those of ours among these consumer groups, by generation."""
    return dict(_found(_GROUP, groups))


def _found(pattern: re.Pattern[str], names: Iterable[str]) -> Iterator[tuple[int, str]]:
    for name in names:
        if match := pattern.fullmatch(name):
            yield int(match[1] or 1), name
