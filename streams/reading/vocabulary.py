"""The words of one language and pack: a token in, all that patterns may call it out.

Owns exact words, stems and classes, and how a word may be misspelt. Compiled. Pure but for a bounded memo of single words.
"""

from typing import Final, final

from streams.reading.kinds import ASKING, COMMA, END, NO_TOPIC, Effect
from streams.reading.letters import word_forms

_FORMS_MAX: Final = 20_000  # words remembered
_LETTERS_MAX: Final = 40  # of a word; what is longer is none


@final
class Node:
    """Where patterns that begin alike part."""

    def __init__(self) -> None:
        self.next: dict[str, Node] = {}
        self.gap: Node | None = None
        self.effect: Effect | None = None


@final
class Word:
    """A token as the lexicon knows it: its symbols (itself, stems, classes), how exact each is, and where patterns begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.symbols: list[str] = []
        self.weights: list[int] = []
        self.firsts: list[Node] = []
        self.first_weights: list[int] = []
        self.is_known = False
        self.is_filler = False
        self.is_barrier = False
        self.value = -1
        self.breaks: Effect | None = None


_COMMA: Final = Effect(COMMA, 0, NO_TOPIC, False, False, False)
_END: Final = Effect(END, 0, NO_TOPIC, False, False, False)
_ASKING: Final = Effect(ASKING, 0, NO_TOPIC, False, False, False)


@final
class Vocabulary:
    """Made by building.lexicon_of; read-only afterwards. Used by one thread at a time."""

    def __init__(self) -> None:
        self.root = Node()  # where all patterns begin
        self.memo: dict[str, Word] = {}
        self._of_word: dict[str, list[str]] = {}  # symbols of an exact word
        self._of_stem: dict[str, list[str]] = {}
        self._shortest = _LETTERS_MAX
        self._longest = 0
        self._fillers: set[str] = set()
        self._plain: set[str] = set()
        self._barriers: set[str] = set()
        self._numbers: dict[str, int] = {}

    def lists(self, fillers: set[str], plain: set[str], barriers: set[str], numbers: dict[str, int]) -> None:
        """Words that are passed over; that no stem takes; that no gap passes over; numbers as words."""
        self._fillers, self._plain, self._barriers, self._numbers = fillers, plain, barriers, numbers

    def word(self, text: str, symbol: str) -> None:
        """An exact word has the symbol."""
        known = self._of_word.setdefault(text, [])
        if symbol not in known:
            known.append(symbol)

    def stem(self, text: str, symbol: str) -> None:
        """Whatever begins with the text has the symbol."""
        known = self._of_stem.setdefault(text, [])
        if symbol not in known:
            known.append(symbol)
        self._shortest, self._longest = min(self._shortest, len(text)), max(self._longest, len(text))

    def word_of(self, token: str) -> Word:
        """A token as it is known, remembered for the next time."""
        word = self.memo.get(token)
        if word is None:
            word = self._looked_up(token)
            if len(self.memo) >= _FORMS_MAX:
                self.memo.clear()
            self.memo[token] = word
        return word

    def _looked_up(self, token: str) -> Word:
        first = token[0]
        if first.isdecimal():
            word = self._formed(token)
            word.value = int(token) if len(token) <= 4 else -1
            return word
        if not "a" <= first <= "z":
            word = Word(token)
            word.breaks = _ASKING if token in ("?", "??") else _END if first in ".;!?\n" else _COMMA
            word.is_barrier = True
            return word
        for form in word_forms(token):
            word = self._formed(form)
            if word.is_known:
                return word
        return Word(token)

    def _formed(self, form: str) -> Word:
        word = Word(form)
        is_number = form in self._numbers or form[0].isdecimal()
        if len(form) <= _LETTERS_MAX:
            word.symbols.extend(self._of_word.get(form, []))
            if is_number:
                word.symbols.append("<number>")
            if form not in self._plain:
                for length in range(min(len(form), self._longest), self._shortest - 1, -1):
                    for symbol in self._of_stem.get(form[:length], []):
                        if symbol not in word.symbols:
                            word.symbols.append(symbol)
        word.is_filler = form in self._fillers
        word.is_barrier = form in self._barriers
        word.is_known = word.is_filler or len(word.symbols) > 0
        word.value = self._numbers.get(form, -1)
        for symbol in word.symbols:
            weight = _weight(symbol)
            word.weights.append(weight)
            node = self.root.next.get(symbol)
            if node is not None:
                word.firsts.append(node)
                word.first_weights.append(weight)
        return word


def _weight(symbol: str) -> int:
    """An exact word before a stem, a longer stem before a shorter, a class last."""
    if symbol[0] == "<":
        return 5
    return 10 + min(len(symbol), 20) if symbol[-1] in "*~" else 40
