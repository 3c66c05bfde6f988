"""Which language a comment is in: English, Spanish, Portuguese, or none of them.

Owns the vote. Each word that a language knows votes for it, the more the fewer languages know it; words that other languages
are made of vote against all. Compiled; pure but for a bounded memo. Invariant: in doubt there is no language.
"""

import re
from typing import Final, final

from streams.reading.letters import word_forms
from streams.reading.lexicon import Lexicon

READ_LANGUAGES: Final = ("en", "es", "pt")
OTHER: Final = "other"
_WEIGHT: Final = 6  # of a word, shared among the languages that know it
_LETTER: Final = 9  # of a letter that one language alone has
_LEAD_TENTHS: Final = 12  # of the best over the second, in tenths of it
_ENOUGH: Final = 6  # one word that only this language knows
_KNOWN_HALVES: Final = 3  # per token, on average, in halves of a vote: a quarter of them
_MEMO_MAX: Final = 20_000
# The votes of a word, and of a comment, for each of READ_LANGUAGES and OTHER in one integer.
_BITS: Final = 15  # 5,000 words of a comment vote 30,000 at most
_MASK: Final = (1 << _BITS) - 1


@final
class Voter:
    """Made once per reader; `words` by language (OTHER too), `letters` by language, lexicons that know words as well."""

    def __init__(
        self, words: dict[str, frozenset[str]], letters: dict[str, frozenset[str]], lexicons: dict[str, list[Lexicon]]
    ) -> None:
        self._words = [words.get(language, frozenset()) for language in (*READ_LANGUAGES, OTHER)]
        self._letters = [
            re.compile(f"[{''.join(sorted(letters[language]))}]") if letters.get(language) else None
            for language in (*READ_LANGUAGES, OTHER)
        ]
        self._lexicons = [lexicons.get(language, []) for language in READ_LANGUAGES]
        self._memo: dict[str, int] = {}

    def language_of(self, text: str, tokens: list[str], claimed: str | None) -> str:
        """One of READ_LANGUAGES, or ''. `claimed` is a BCP 47 tag: it decides unless the words say otherwise."""
        tag = "" if claimed is None else claimed.replace("_", "-").partition("-")[0].lower()
        if tag and tag not in READ_LANGUAGES:
            return ""
        votes = self._count(text, tokens)
        if tag:
            own = votes[READ_LANGUAGES.index(tag)]
            doubtful = len(tokens) > 4 and own < len(tokens)
            return "" if doubtful or 10 * max(votes) > _LEAD_TENTHS * own + 10 * _WEIGHT else tag
        best = max(votes[:3])
        place = votes.index(best)
        second = max(votes[:place] + votes[place + 1 :])
        if best < _ENOUGH or 10 * best < _LEAD_TENTHS * second or 2 * best < _KNOWN_HALVES * len(tokens):
            return ""
        return READ_LANGUAGES[place]

    def _count(self, text: str, tokens: list[str]) -> list[int]:
        total = 0
        memo = self._memo
        for token in tokens:
            votes = memo.get(token, -1)
            if votes < 0:
                votes = self._votes_of(token)
                if len(memo) >= _MEMO_MAX:
                    memo.clear()
                memo[token] = votes
            total += votes
        result = [(total >> (place * _BITS)) & _MASK for place in range(4)]
        if not text.isascii():
            self._count_letters(text, result)
        return result

    def _count_letters(self, text: str, result: list[int]) -> None:
        for place in range(4):
            own = self._letters[place]
            if own is not None and own.search(text) is not None:
                result[place] += _LETTER

    def _votes_of(self, token: str) -> int:
        if not "a" <= token[0] <= "z":
            return 0
        forms = word_forms(token)
        knowing = [any(form in words for form in forms) for words in self._words]
        if any(knowing[:3]):
            knowing[3] = False  # what others share with ours says nothing
        if not any(knowing):
            knowing[:3] = [any(lexicon.knows(token) for lexicon in lexicons) for lexicons in self._lexicons]
        count = sum(knowing)
        if count == 0:
            return 0
        share = _WEIGHT // count
        return sum(share << (place * _BITS) for place in range(4) if knowing[place])
