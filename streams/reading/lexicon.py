"""The words and patterns of one language and pack: tokens in, hits out.

Owns the matching: at each token the longest pattern, of equally long ones the one whose words are the most exact.
Compiled. Pure but for a bounded memo of single words. Invariant: the work per token is bounded, whatever the comment.
"""

from typing import Final, final

from streams.reading.kinds import Effect, Hit
from streams.reading.vocabulary import Node, Vocabulary, Word

_SKIP_MAX: Final = 3  # words that `..` passes over, fillers not counted
_FILLERS_MAX: Final = 4  # in a row, within a pattern
_SPAN_MAX: Final = 24  # words from the begin of a pattern to its last gap


@final
class Lexicon:
    """Made by building.lexicon_of; read-only afterwards. Used by one thread at a time."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._root = vocabulary.root
        # of the match that is looked for
        self._words: list[Word] = []
        self._latest = 0  # where its last gap may be
        self._best: Effect | None = None
        self._best_end = 0
        self._best_weight = 0

    def pattern(self, symbols: tuple[str, ...], effect: Effect) -> None:
        """The symbols in a row have the effect."""
        node = self._root
        for name in symbols:
            following = node.gap if name == ".." else node.next.get(name)
            if following is None:
                following = Node()
                if name == "..":
                    node.gap = following
                else:
                    node.next[name] = following
            node = following
        node.effect = effect

    def knows(self, token: str) -> bool:
        """Whether the token is a word that patterns or fillers of this lexicon name."""
        return self._vocabulary.word_of(token).is_known

    def words(self, tokens: list[str]) -> list[Word]:
        """The words and breaks of a comment's tokens."""
        found: list[Word] = []
        memo = self._vocabulary.memo
        for token in tokens:
            word = memo.get(token)
            if word is None:
                word = self._vocabulary.word_of(token)
            found.append(word)
        return found

    def hits(self, words: list[Word]) -> list[Hit]:
        """What stands where: at each word the longest pattern that begins there and is not within one before it."""
        found: list[Hit] = []
        self._words = words
        rank, place, count = 0, 0, len(words)
        while place < count:
            word = words[place]
            end = place + 1
            breaks = word.breaks
            if breaks is not None:
                found.append(Hit(breaks, rank, rank + 1, place, end, -1))
            elif word.firsts:
                self._look(word, place)
                best = self._best
                if best is not None:
                    end = self._best_end
                    after, value = rank, -1
                    for passed in range(place, end):
                        other = words[passed]
                        if not other.is_filler:
                            after += 1
                        if other.value >= 0:
                            value = other.value
                    found.append(Hit(best, rank, after, place, end, value))
                    rank, place = after, end
                    continue
            if not word.is_filler:
                rank += 1
            place = end
        return found

    def _look(self, word: Word, place: int) -> None:
        """The best match that begins at a place, left in `_best`."""
        self._best, self._best_end, self._best_weight = None, place + 1, -1
        self._latest = place + _SPAN_MAX
        for index, node in enumerate(word.firsts):
            self._follow(node, place + 1, word.first_weights[index])

    def _follow(self, node: Node, place: int, weight: int) -> None:
        """What begins as far as a node, and goes on at a place."""
        effect = node.effect
        if effect is not None and (place > self._best_end or (place == self._best_end and weight > self._best_weight)):
            self._best, self._best_end, self._best_weight = effect, place, weight
        if node.next:
            self._step(node, place, weight, _FILLERS_MAX)
        gap = node.gap
        if gap is not None:
            self._pass(gap, place, weight)

    def _step(self, node: Node, place: int, weight: int, fillers: int) -> None:
        """The word at a place as the next one of a pattern; a filler may also be passed over."""
        words = self._words
        while place < len(words):
            word = words[place]
            for index, symbol in enumerate(word.symbols):
                following = node.next.get(symbol)
                if following is not None:
                    self._follow(following, place + 1, weight + word.weights[index])
            if fillers == 0 or not word.is_filler:
                return
            place += 1
            fillers -= 1

    def _pass(self, node: Node, place: int, weight: int) -> None:
        """A pattern goes on behind a gap: at any of the next few words, before a barrier."""
        words = self._words
        skipped = 0
        while place < len(words) and place <= self._latest:
            word = words[place]
            self._step(node, place, weight - skipped, 0)
            if word.is_barrier:
                return
            if not word.is_filler:
                if skipped == _SKIP_MAX:
                    return
                skipped += 1
            place += 1
