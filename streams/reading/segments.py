"""A comment's hits part into clauses: which words can have to do with each other, and what negation and wishes make of them.

Owns where a clause ends, and how far `not`, `should` and `hopefully` reach. Compiled, pure. Invariant: a clause has a bounded
number of hits, so that whatever looks at pairs of them is linear in the length of the comment.
"""

from typing import Final, final

from streams.reading.kinds import (
    AND,
    ASKING,
    BOUGHT,
    BUT,
    COMMA,
    CUE,
    END,
    FIXED,
    MAYBE,
    NO_TOPIC,
    NOT,
    ORDER_STATUS,
    RECEIVED,
    REGRET,
    SALE,
    THOUGHT,
    TOLD,
    TOPIC,
    WISH,
    Hit,
)
from streams.reading.topics import DONE, IMPROVE, TOPIC_MEANINGS, UNMET

_PLACES: Final = {slug: place for place, slug in enumerate(TOPIC_MEANINGS)}
_PRODUCT: Final = _PLACES["product"]
_SHOP: Final = _PLACES["shop"]
# Whose complaint, denied, is praise: not late, not expensive. Elsewhere a denied complaint says little.
_DENIABLE: Final = frozenset(
    _PLACES[slug]
    for slug in (
        "delivery",
        "price",
        "fees",
        "queue",
        "ads",
        "performance",
        "app",
        "installation",
        "account",
        "booking",
    )
)
# In words, fillers not counted. Farther apart, two words have little to do with each other.
_SCOPE: Final = 4  # of a negation or a wish
_FIXED_SCOPE: Final = 1  # the same, of a phrase that says by itself what it means
_MAYBE_SCOPE: Final = 8
_FAR: Final = -1000
_MARKS_MAX: Final = 48  # of a clause, and then another begins


@final
class Cue:
    """Praise or blame in its clause, a negation and a wish already in its verdict."""

    def __init__(self, hit: Hit, verdict: int) -> None:
        self.hit = hit
        self.verdict = verdict


@final
class Segment:
    """One clause between full stops and contrasts: the hits that can have to do with each other."""

    def __init__(self) -> None:
        self.cues: list[Cue] = []
        self.fixed: list[Cue] = []
        self.topics: list[Hit] = []  # what cues may be about, in their order
        self.anchors: list[Hit] = []  # all that names a topic, in its order
        self.untold: list[Hit] = []
        self.wished: list[Hit] = []
        self.stops: list[int] = []  # commas
        self.ands: list[int] = []
        self.statuses: list[int] = []
        self.has_sale = False
        self.is_question = False
        self.is_regretted = False  # it began with `shame about`, `except`
        self.consumed: list[Hit] = []  # named by what was not told, and by nothing else


@final
class _Walk:
    """From one hit to the next."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.short: list[Hit] = []
        self._bought = -1
        self._count = 0
        self._segment = Segment()
        self._negated = self._wished = self._maybe = self._denied = _FAR

    def end(self) -> None:
        """The clause ends here."""
        if self._count > 0:
            self.segments.append(self._segment)
            self._count = 0
        self._segment = Segment()
        self._negated = self._wished = self._maybe = self._denied = _FAR

    def take(self, hit: Hit) -> None:
        """The next hit."""
        kind = hit.effect.kind
        if kind in (END, ASKING, BUT, REGRET):
            self._segment.is_question = kind == ASKING
            self.end()
            self._segment.is_regretted = kind == REGRET
            return
        if self._count == _MARKS_MAX:
            self.end()
        self._count += 1
        if kind == TOPIC:
            self._topic(hit)
        elif kind in (CUE, FIXED):
            self._cue(hit, kind == FIXED)
        elif kind in (TOLD, THOUGHT):
            self._segment.untold.append(hit)
            self._negated = _FAR
        elif kind <= AND or kind == COMMA:
            self._scope(hit, kind)
        else:
            self._notice(hit, kind)

    def _topic(self, hit: Hit) -> None:
        segment = self._segment
        segment.topics.append(hit)
        segment.anchors.append(hit)
        if hit.begin - self._wished <= _SCOPE and not is_generic(hit.effect.topic):
            segment.wished.append(hit)

    def _cue(self, hit: Hit, is_fixed: bool) -> None:
        at, effect = hit.begin, hit.effect
        verdict = effect.verdict
        if at - self._maybe <= _MAYBE_SCOPE:
            return
        if is_fixed and verdict == DONE and at - self._denied <= _FIXED_SCOPE:
            return  # `did not arrive as described` praises nothing
        if effect.negates:
            self._negated, self._denied = _FAR, hit.end
        elif at - self._negated <= (_FIXED_SCOPE if is_fixed else _SCOPE):
            verdict = _under_negation(verdict, hit)
            self._negated = _FAR
        elif verdict == DONE and at - self._wished <= _SCOPE:
            verdict = IMPROVE
        if verdict < 0:
            return
        segment = self._segment
        if is_fixed:
            segment.fixed.append(Cue(hit, verdict))
            segment.topics.append(hit)
        else:
            segment.cues.append(Cue(hit, verdict))
        if effect.topic >= 0:
            segment.anchors.append(hit)

    def _scope(self, hit: Hit, kind: int) -> None:
        if kind == NOT:
            self._negated = hit.end
        elif kind == WISH:
            self._wished = hit.end
        elif kind == MAYBE:
            self._maybe = hit.end
        elif kind == AND:
            self._segment.ands.append(hit.begin)
            self._negated = _FAR
        elif kind == COMMA:
            self._segment.stops.append(hit.begin)
            self._negated = self._wished = self._maybe = _FAR

    def _notice(self, hit: Hit, kind: int) -> None:
        if kind == ORDER_STATUS:
            self._segment.statuses.append(hit.begin)
        elif kind == SALE:
            self._segment.has_sale = True
        elif kind == BOUGHT:
            self._bought = max(self._bought, hit.value)
        elif kind == RECEIVED and 0 <= hit.value < self._bought:
            self.short.append(hit)


def segments_of(hits: list[Hit]) -> tuple[list[Segment], list[Hit]]:
    """The clauses of a comment; and the hits that tell of fewer pieces than were bought."""
    walk = _Walk()
    for hit in hits:
        walk.take(hit)
    walk.end()
    return walk.segments, walk.short


def named_in(hits: list[Hit]) -> list[Hit]:
    """The hits that name a topic worth an answer to a question that asked for topics, but for denied ones."""
    named: list[Hit] = []
    negated = _FAR
    for hit in hits:
        kind = hit.effect.kind
        if kind == NOT:
            negated = hit.end
        elif kind in (COMMA, END, BUT, REGRET):
            negated = _FAR
        elif kind in (TOPIC, CUE) and hit.effect.topic >= 0 and not is_generic(hit.effect.topic):
            if hit.begin - negated > 2 or kind == CUE:
                named.append(hit)
            negated = _FAR
    return named


def is_generic(topic: int) -> bool:
    """Whether it is the product or the shop as such, which many words name that mean something narrower."""
    return topic in (_PRODUCT, _SHOP)


def _under_negation(verdict: int, hit: Hit) -> int:
    """What a verdict becomes under a negation; -1: nothing worth saying."""
    topic = hit.effect.topic
    if verdict == DONE:
        return UNMET if hit.effect.kind == FIXED else IMPROVE
    return DONE if topic == NO_TOPIC or topic in _DENIABLE else -1
