"""The text files of a pack, read and checked: what a linguist writes becomes entries.

Owns the format (docs/reading.md describes it). Reads text that it is given, never a file. Invariant: a file with a fault
gives no entries; all its faults are told at once, each by file and line. Where the alternatives of an entry come to words that
stand under another heading already, the earlier ones stand; an entry without alternatives that does is a fault.

    # a comment, to the end of the line
    [topic delivery]                  a heading: what the entries below it mean
    shipping, courier*, deliver~      entries, separated by commas, over as many lines as it takes
    (never/not) <arrive> .. (yet)?    words of one entry; (a/b c) either, (a)? or none, <class>, word* any ending, word~ an
                                      inflected one, .. up to three words between, <number> a number
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.reading.letters import tokens
from streams.reading.topics import TOPIC_MEANINGS

# Headings by what may follow them: a topic they must have, may have, or never have.
_WITH_TOPIC: Final = ("topic", "done", "improve", "unmet")
_MAY_HAVE_TOPIC: Final = ("praise", "blame", "disappoint", "untold", "unthought")
_ALONE: Final = ("not", "wish", "maybe", "but", "regret", "and", "status", "sale", "bought", "received", "pass")
KINDS: Final = (*_WITH_TOPIC, *_MAY_HAVE_TOPIC, *_ALONE)
_LISTS: Final = ("filler", "plain", "endings", "barrier")
_MAY_BE_WEAK: Final = ("praise", "blame", "disappoint", "done", "improve", "unmet")
_WORDS_MAX: Final = 10  # of one entry
_EXPANDED_MAX: Final = 3000  # what the alternatives of one entry may come to
_GAP: Final = ".."
_PART: Final = re.compile(r"\)\?|[()/]|[^\s()/]+")
_WORD: Final = re.compile(r"(?:[a-z']+|[0-9]+)[*~]?|<[a-z-]+>")


class PackFault(ValueError):
    """A pack that cannot be read; one line per fault, each `FILE:LINE: what was found, what was expected`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One pattern and what it means. `words` are folded; a stem ends in `*` or `~`, a class is `<name>`, a gap `..`."""

    kind: str
    topic: str  # '' for none
    weak: bool
    words: tuple[str, ...]
    place: str  # FILE:LINE


@dataclass(slots=True)
class Pack:
    """What one or several files say together; of two entries with the same words the later file's stands."""

    entries: dict[tuple[str, ...], Entry] = field(default_factory=dict)
    lists: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in _LISTS})
    classes: dict[str, set[str]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


def read_pack(files: Iterable[tuple[str, str]], topics: frozenset[str] = frozenset(TOPIC_MEANINGS)) -> Pack:
    """Reads (name, text) in their order; `topics` are those that the pack may name. Raises PackFault."""
    pack, faults = Pack(), list[str]()
    for name, text in files:
        _File(pack, name, topics, faults).read(text)
    for entry in pack.entries.values():
        for word in entry.words:
            if word[0] == "<" and word != "<number>" and word[1:-1] not in pack.classes:
                known = ", ".join(sorted(pack.classes)) or "none"
                faults.append(f"{entry.place}: {word}: no such class; there are {known}")
    if faults:
        raise PackFault("\n".join(faults))
    return pack


class _File:
    """One file on its way into a pack."""

    def __init__(self, pack: Pack, name: str, topics: frozenset[str], faults: list[str]) -> None:
        self._pack, self._name, self._topics, self._faults = pack, name, topics, faults
        self._own = dict[tuple[str, ...], Entry]()  # of this file
        self._add: Callable[[str, str], None] | None = None
        self._told = False  # that entries stand without a heading

    def read(self, text: str) -> None:
        for number, line in enumerate(text.splitlines(), start=1):
            place, said = f"{self._name}:{number}", line.partition("#")[0].strip()
            if said.startswith("["):
                self._add = self._heading(said, place)
            elif said and self._add is not None:
                for entry in said.split(","):
                    if entry.strip():
                        self._add(_folded(entry), place)
            elif said and not self._told:
                self._fault(place, f"{said!r} stands under no heading; expected one such as [topic delivery] before it")

    def _fault(self, place: str, what: str) -> None:
        self._faults.append(f"{place}: {what}")

    def _heading(self, said: str, place: str) -> Callable[[str, str], None] | None:
        """What becomes of the entries below a heading; None, and told, when it means nothing."""
        self._told = True
        parts = said[1:-1].split() if said.endswith("]") else []
        if not parts:
            return self._no(place, f"{said}: expected a heading such as [topic delivery]")
        kind, rest = parts[0], parts[1:]
        if kind in _LISTS and not rest:
            return self._to_list(self._pack.lists[kind])
        if kind == "class" and len(rest) == 1 and re.fullmatch("[a-z-]+", rest[0]) and rest[0] != "number":
            return self._to_list(self._pack.classes.setdefault(rest[0], set()))
        if kind == "number" and len(rest) == 1 and rest[0].isdecimal() and len(rest[0]) <= 4:
            return self._to_number(int(rest[0]))
        if kind in KINDS:
            return self._to_entries(kind, rest, place)
        expected = ", ".join((*KINDS, *_LISTS, "class NAME", "number N"))
        return self._no(place, f"{said}: expected one of {expected}")

    def _no(self, place: str, what: str) -> Callable[[str, str], None] | None:
        self._fault(place, what)
        return None

    def _to_list(self, words: set[str]) -> Callable[[str, str], None]:
        def add(entry: str, place: str) -> None:
            if _WORD.fullmatch(entry) is None or entry[0] == "<":
                self._fault(place, f"{entry!r}: expected a single word here")
            words.add(entry.replace("'", ""))

        return add

    def _to_number(self, value: int) -> Callable[[str, str], None]:
        def add(entry: str, place: str) -> None:
            if not entry.isalpha():
                self._fault(place, f"{entry!r}: expected a number as a word")
            self._pack.numbers[entry] = value

        return add

    def _to_entries(self, kind: str, rest: list[str], place: str) -> Callable[[str, str], None] | None:
        weak = rest[-1:] == ["weak"] and kind in _MAY_BE_WEAK
        topic = rest[: len(rest) - weak]
        if len(topic) > 1 or (kind in _ALONE and topic) or (kind in _WITH_TOPIC and not topic):
            needs = {True: "exactly one topic", False: "no topic"}[kind in _WITH_TOPIC]
            return self._no(place, f"[{' '.join([kind, *rest])}]: {kind} takes {needs}")
        if topic and topic[0] not in self._topics:
            return self._no(place, f"{topic[0]}: no topic of this pack; there are {', '.join(sorted(self._topics))}")
        slug = topic[0] if topic else ""

        def add(entry: str, place: str) -> None:
            for words, is_only in self._expanded(entry, place):
                entry_made = Entry(kind, slug, weak, words, place)
                before = self._own.setdefault(words, entry_made)
                if is_only and (before.kind, before.topic, before.weak) != (kind, slug, weak):
                    meant = f"[{' '.join(filter(None, [before.kind, before.topic]))}]"
                    self._fault(place, f"{' '.join(words)!r} stands under {meant} already, at {before.place}")
                self._pack.entries[words] = before

        return add

    def _expanded(self, entry: str, place: str) -> Iterator[tuple[tuple[str, ...], bool]]:
        """All ways to choose among an entry's alternatives, and whether it is the only one; a fault is told."""
        try:
            ways = _ways(entry)
        except PackFault as fault:
            self._fault(
                place,
                f"{entry!r}: {fault}; expected words, stem*, stem~, <class>, .., (a/b c) or (a)?, at most {_WORDS_MAX} words "
                f"and {_EXPANDED_MAX} ways",
            )
            return
        if any(not way or _GAP in (way[0], way[-1]) for way in ways):
            self._fault(place, f"{entry!r}: with some of its alternatives it is empty, or begins or ends with ..")
        for way in dict.fromkeys(ways):
            yield tuple(word.replace("'", "") for word in way), len(ways) == 1


def _ways(entry: str) -> list[tuple[str, ...]]:
    """An entry's alternatives, multiplied out. Raises PackFault."""
    parts = _PART.findall(entry)
    ways, rest = _sequence(parts, 0, 0)
    if rest < len(parts):
        raise PackFault(f"{parts[rest]} closes nothing")
    return ways


def _sequence(parts: list[str], at: int, depth: int) -> tuple[list[tuple[str, ...]], int]:
    """The ways of what stands from a part up to the end, `/` or `)`; and where that is."""
    ways: list[tuple[str, ...]] = [()]
    while at < len(parts) and parts[at][0] not in "/)":
        if parts[at] == "(":
            inner, at = _choice(parts, at + 1, depth + 1)
        elif parts[at] == _GAP or _WORD.fullmatch(parts[at]):
            inner, at = [(parts[at],)], at + 1
        else:
            raise PackFault(f"{parts[at]!r} is no word")
        ways = [(*way, *more) for way, more in itertools.islice(itertools.product(ways, inner), _EXPANDED_MAX + 1)]
        if len(ways) > _EXPANDED_MAX or max(map(len, ways)) > _WORDS_MAX or depth > _WORDS_MAX:
            raise PackFault("too much")
    return ways, at


def _choice(parts: list[str], at: int, depth: int) -> tuple[list[tuple[str, ...]], int]:
    """The ways of what stands in parentheses, and the place behind them."""
    found: list[tuple[str, ...]] = []
    while True:
        ways, at = _sequence(parts, at, depth)
        found += ways
        if at == len(parts):
            raise PackFault("a parenthesis is not closed")
        if parts[at] != "/":
            break
        at += 1
    return (found if parts[at] == ")" else [*found, ()]), at + 1


def _folded(entry: str) -> str:
    """An entry as comments are folded, its signs kept."""
    parts = re.split(r"([()/?*~<>\s-]+|\.\.)", entry.strip())
    return " ".join("".join(part if number % 2 else "".join(tokens(part)) for number, part in enumerate(parts)).split())
