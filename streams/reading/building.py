"""A pack becomes a lexicon: its entries as patterns, its stems and endings as symbols of words.

Owns what each heading of a pack means to the reading of clauses. Pure; a lexicon takes some tens of milliseconds.
"""

from typing import Final

from streams.reading import kinds
from streams.reading.kinds import NO_TOPIC, Effect
from streams.reading.lexicon import Lexicon
from streams.reading.pack_file import Entry, Pack
from streams.reading.topics import DONE, IMPROVE, TOPIC_MEANINGS, UNMET, UNTHOUGHT, UNTOLD
from streams.reading.vocabulary import Vocabulary

_MEANT: Final = {
    "topic": (kinds.TOPIC, DONE),
    "praise": (kinds.CUE, DONE),
    "blame": (kinds.CUE, IMPROVE),
    "disappoint": (kinds.CUE, UNMET),
    "done": (kinds.FIXED, DONE),
    "improve": (kinds.FIXED, IMPROVE),
    "unmet": (kinds.FIXED, UNMET),
    "untold": (kinds.TOLD, UNTOLD),
    "unthought": (kinds.THOUGHT, UNTHOUGHT),
    "not": (kinds.NOT, DONE),
    "wish": (kinds.WISH, DONE),
    "maybe": (kinds.MAYBE, DONE),
    "but": (kinds.BUT, DONE),
    "regret": (kinds.REGRET, DONE),
    "and": (kinds.AND, DONE),
    "status": (kinds.ORDER_STATUS, DONE),
    "sale": (kinds.SALE, DONE),
    "bought": (kinds.BOUGHT, DONE),
    "received": (kinds.RECEIVED, DONE),
    "pass": (kinds.PASS, DONE),
}
_PLACES: Final = {slug: place for place, slug in enumerate(TOPIC_MEANINGS)}


def lexicon_of(pack: Pack) -> Lexicon:
    """The lexicon that a pack describes."""
    words = Vocabulary()
    made = Lexicon(words)
    negators = {entry.words[0] for entry in pack.entries.values() if entry.kind == "not" and len(entry.words) == 1}
    negators |= {f"<{name}>" for name, words in pack.classes.items() if words <= negators}
    parting = ("but", "regret", "and")
    barriers = pack.lists["barrier"] | {
        entry.words[0] for entry in pack.entries.values() if entry.kind in parting and len(entry.words) == 1
    }
    words.lists(pack.lists["filler"], pack.lists["plain"], barriers, pack.numbers)
    naming = {(entry.words[0], entry.topic) for entry in pack.entries.values() if entry.kind == "topic"}
    endings = sorted(pack.lists["endings"])
    for entry in pack.entries.values():
        for word in entry.words:
            _enter(words, word, word, endings)
        made.pattern(entry.words, _effect(entry, negators, naming))
    for name, members in pack.classes.items():
        for word in sorted(members):
            _enter(words, word, f"<{name}>", endings)
    return made


def _enter(words: Vocabulary, word: str, symbol: str, endings: list[str]) -> None:
    if word[0] == "<" or word == "..":
        return
    if word[-1] == "*":
        words.stem(word[:-1], symbol)
    elif word[-1] == "~":
        for ending in ("", *endings):
            words.word(word[:-1] + ending, symbol)
    else:
        words.word(word, symbol)


def _effect(entry: Entry, negators: set[str], naming: set[tuple[str, str]]) -> Effect:
    kind, verdict = _MEANT[entry.kind]
    return Effect(
        kind,
        verdict,
        _PLACES[entry.topic] if entry.topic else NO_TOPIC,
        entry.weak,
        any(word in negators for word in entry.words),
        (entry.words[0], entry.topic) in naming,
    )
