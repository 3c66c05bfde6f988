"""One published reader: a comment and what is known about it in, findings out.

Owns what score, language, question and offering mean to reading. Compiled; pure but for bounded memos of single words, so an
object serves one thread at a time. Invariants: the same arguments give the same findings on every machine, Python and
hash seed; at most FINDINGS_MAX of them; time is linear in the length of the comment.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, final

from schemas.events import Finding
from schemas.validation import COMMENT_CHARACTERS_MAX, FINDINGS_MAX
from streams.reading.clauses import Said, said_in
from streams.reading.kinds import NO_TOPIC, Hit
from streams.reading.languages import Voter
from streams.reading.letters import tokens
from streams.reading.lexicon import Lexicon
from streams.reading.segments import named_in
from streams.reading.topics import DONE, IMPROVE, PACK_OF, TOPIC_MEANINGS, UNMET, UNTHOUGHT, UNTOLD, VERDICT_MEANINGS
from streams.reading.vocabulary import Word

_VERDICTS: Final = tuple(VERDICT_MEANINGS)
_SLUGS: Final = tuple(TOPIC_MEANINGS)
_FINDINGS: Final = [[Finding(verdict, slug) for slug in _SLUGS] for verdict in _VERDICTS]
# Of each verdict's topics, in one row: where `VERDICT:topic` stands in the alphabet.
_IN_ALPHABET: Final = sorted((verdict, slug) for verdict in _VERDICTS for slug in _SLUGS)
_RANKS: Final = [_IN_ALPHABET.index((verdict, slug)) for verdict in _VERDICTS for slug in _SLUGS]
_FALLBACK: Final = {"shop": _SLUGS.index("description"), "service": NO_TOPIC}
# Up to the first a score is low, from the second on it is high.
_LOW_AND_HIGH: Final = {"NPS": (6, 9), "CSAT": (2, 4), "CES": (3, 5)}


class Reason(NamedTuple):
    """A finding and the words that led to it, as the reader sees them: without accents and capitals."""

    finding: Finding
    words: tuple[str, ...]


class ExplainedFinding(NamedTuple):
    """What was read: the language it was read in ('' for none) and the findings with their reasons, in order."""

    language: str
    reasons: tuple[Reason, ...]


@final
class Reader:
    """Made by published.reader."""

    def __init__(self, reader_id: str, lexicons: dict[str, dict[str, Lexicon]], voter: Voter) -> None:
        self.reader_id = reader_id
        self._lexicons = lexicons  # by pack, then language
        self._voter = voter

    def read(
        self,
        comment: str,
        offering: str,
        language: str | None = None,
        scores: Sequence[tuple[str, int]] = (),
        asked: str | None = None,
    ) -> tuple[Finding, ...]:
        """The findings of a comment, alphabetical, each once.

        `offering` is PHYSICAL or SERVICE; `language` a BCP 47 tag or None; `scores` of the same answer, as (metric, score);
        `asked` the verdict that the question asked for. Empty for another offering, another language, and in doubt.
        """
        language_found, words = self._words(comment, offering, language)
        if not language_found:
            return ()
        settled = self._settled(words, PACK_OF[offering], language_found, scores, asked)
        return tuple([_FINDINGS[said.verdict][said.topic] for said in settled])

    def explain(
        self,
        comment: str,
        offering: str,
        language: str | None = None,
        scores: Sequence[tuple[str, int]] = (),
        asked: str | None = None,
    ) -> ExplainedFinding:
        """The same findings, with the language and the words that led to each."""
        found, words = self._words(comment, offering, language)
        if not found:
            return ExplainedFinding("", ())
        reasons = [
            Reason(_FINDINGS[said.verdict][said.topic], _texts(words, said))
            for said in self._settled(words, PACK_OF[offering], found, scores, asked)
        ]
        return ExplainedFinding(found, tuple(reasons))

    def _words(self, comment: str, offering: str, language: str | None) -> tuple[str, list[Word]]:
        """The language to read a comment in, '' for none, and its words in that language's lexicon."""
        pack = PACK_OF.get(offering)
        if pack is None:
            return "", []
        if len(comment) > COMMENT_CHARACTERS_MAX:
            comment = comment[:COMMENT_CHARACTERS_MAX]
        found = tokens(comment)
        in_language = self._voter.language_of(comment, found, language)
        return in_language, self._lexicons[pack][in_language].words(found) if in_language else []

    def _settled(
        self, words: list[Word], pack: str, language: str, scores: Sequence[tuple[str, int]], asked: str | None
    ) -> list[Said]:
        hits = self._lexicons[pack][language].hits(words)
        if not hits:
            return []
        said = said_in(hits, prior_of(scores), _FALLBACK[pack])
        if asked is not None:
            return _as_asked(said, hits, _VERDICTS.index(asked))
        return _settle(said) if said else said


def prior_of(scores: Iterable[tuple[str, int]]) -> int:
    """-1, 0 or 1: what the scores of an answer agree on. They never say what it is about: they silence what is doubtful."""
    low, high = False, False
    for metric, score in scores:
        bounds = _LOW_AND_HIGH.get(metric)
        if bounds is not None:
            low = low or score <= bounds[0]
            high = high or score >= bounds[1]
    return int(high) - int(low)


def _settle(said: list[Said]) -> list[Said]:
    """One of each, in order; of a topic's complaints the sharpest."""
    if len(said) == 1:
        return said
    first: dict[int, Said] = {}
    for one in said:
        first.setdefault(one.verdict * len(_SLUGS) + one.topic, one)
    count = len(_SLUGS)
    kept: list[Said] = []
    for one in first.values():
        untold = UNTOLD * count + one.topic in first or UNTHOUGHT * count + one.topic in first
        unmet = UNMET * count + one.topic in first
        if one.verdict in (DONE, IMPROVE, UNMET) and untold:
            continue
        if one.verdict == IMPROVE and unmet:
            continue
        kept.append(one)
    return _in_order(kept)


def _as_asked(said: list[Said], hits: list[Hit], verdict: int) -> list[Said]:
    """Every topic that was read, with the verdict that the question asked for; a topic just named is an answer too."""
    first: dict[int, Said] = {}
    for one in said:
        first.setdefault(one.topic, Said(verdict, one.topic, one.because, one.of))
    for hit in named_in(hits):
        first.setdefault(hit.effect.topic, Said(verdict, hit.effect.topic, hit, hit))
    return _in_order(list(first.values()))


def _in_order(said: list[Said]) -> list[Said]:
    said.sort(key=_place)
    return said[:FINDINGS_MAX]


def _place(said: Said) -> int:
    return _RANKS[said.verdict * len(_SLUGS) + said.topic]


def _texts(words: list[Word], said: Said) -> tuple[str, ...]:
    """The words of both hits, in their order in the comment."""
    places = {place for hit in (said.because, said.of) for place in range(hit.first, hit.last)}
    return tuple([words[place].text for place in sorted(places)])
