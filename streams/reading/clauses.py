"""What a clause says of what: which cue goes with which topic, lists that share one, what was not told or thought of.

Owns the pairing. Compiled, pure. Invariant: in doubt nothing is said.
"""

from typing import Final, final

from streams.reading.kinds import CUE, FIXED, NO_TOPIC, Hit
from streams.reading.segments import Cue, Segment, is_generic, segments_of
from streams.reading.topics import DONE, IMPROVE, TOPIC_MEANINGS, UNMET, UNTOLD

_PLACES: Final = {slug: place for place, slug in enumerate(TOPIC_MEANINGS)}
_DESCRIPTION: Final = _PLACES["description"]
_DELIVERY: Final = _PLACES["delivery"]
_ORDER: Final = _PLACES["order"]
_SUPPORT: Final = _PLACES["support"]
_RETURNS: Final = _PLACES["returns"]
_DESIGN: Final = _PLACES["design"]
_PRICE: Final = _PLACES["price"]
_FEES: Final = _PLACES["fees"]
# Whose cues mean no other topic, however near it stands: a cheap gym is praised for its price.
_FIRM: Final = frozenset(_PLACES[slug] for slug in ("shop", "order", "staff", "size", "support", "returns", "queue"))
# In words, fillers not counted. Farther apart, two words have little to do with each other.
_PAIR: Final = 6  # between a cue and its topic, penalties included
_GENERIC_PAIR: Final = 2  # the same, when the topic is the product or the shop as such
_OWN_PAIR: Final = 1  # between a cue that has a topic of its own and another one that it means instead
_DOUBTFUL: Final = 2  # beyond that, a cue that the score contradicts is silenced
_TOLD_AFTER: Final = 12
_TOLD_BEFORE: Final = 8
_STATUS_REACH: Final = 10
_LIST_STEP: Final = 3


@final
class Said:
    """One thing said: a verdict on a topic, and the hits that led to it (the second may be the first again)."""

    def __init__(self, verdict: int, topic: int, because: Hit, of: Hit) -> None:
        self.verdict = verdict
        self.topic = topic
        self.because = because
        self.of = of


def said_in(hits: list[Hit], prior: int, fallback: int) -> list[Said]:
    """What the hits of a comment say. `prior` is -1, 0 or 1 as its score is low, unknown or high; `fallback` is the topic of
    what was not told when nothing names one, or NO_TOPIC."""
    segments, short = segments_of(hits)
    said = [Said(UNMET, _ORDER, hit, hit) for hit in short]
    for segment in segments:
        _read(segment, said, prior, fallback)
    return said


def _read(segment: Segment, said: list[Said], prior: int, fallback: int) -> None:
    """Adds what one clause says."""
    if segment.is_question:
        for cue in segment.fixed:
            if cue.verdict != DONE:
                said.append(Said(cue.verdict, cue.hit.effect.topic, cue.hit, cue.hit))
        return
    for hit in segment.untold:
        _not_told(segment, hit, said, fallback)
    for cue in segment.fixed:
        if cue.hit not in segment.consumed and not _is_overruled(cue, prior):
            said.append(Said(cue.verdict, cue.hit.effect.topic, cue.hit, cue.hit))
    if segment.cues or segment.fixed:
        paired: list[Cue | None] = [None] * len(segment.topics)
        _pair(segment, paired, said, prior)
        _share(segment, paired, said)
    elif not segment.untold:
        for hit in segment.topics[:1] if segment.is_regretted else segment.wished:
            said.append(Said(IMPROVE, hit.effect.topic, hit, hit))


def _is_overruled(cue: Cue, prior: int) -> bool:
    return cue.hit.effect.weak and _contradicts(cue, prior)


def _contradicts(cue: Cue, prior: int) -> bool:
    return prior < 0 if cue.verdict == DONE else prior > 0


def _not_told(segment: Segment, hit: Hit, said: list[Said], fallback: int) -> None:
    """What was not told, or not thought of: the topic that follows, else the one before. No news of the order is support's."""
    verdict, topic = hit.effect.verdict, hit.effect.topic
    of = _named_around(segment, hit)
    if verdict == UNTOLD and topic == NO_TOPIC:
        if not segment.has_sale and any(abs(at - hit.begin) <= _STATUS_REACH for at in segment.statuses):
            said.append(Said(IMPROVE, _SUPPORT, hit, hit))
            return
        if of is not None and _is_of_the_order(of.effect.topic, segment.has_sale):
            return
    if topic == NO_TOPIC and of is not None:
        topic = of.effect.topic
    elif topic == NO_TOPIC and verdict == UNTOLD and segment.has_sale:
        topic = fallback
    if of is not None and of.effect.topic == topic:
        segment.consumed.append(of)
    if topic != NO_TOPIC:
        said.append(Said(verdict, topic, hit, of if of is not None else hit))


def _is_of_the_order(topic: int, has_sale: bool) -> bool:
    """Whether what was not told is rather news of the order than something about what was sold."""
    return topic in (_SUPPORT, _RETURNS) or (topic in (_DELIVERY, _ORDER) and not has_sale)


def _named_around(segment: Segment, hit: Hit) -> Hit | None:
    """The first narrow topic named after a hit, else the last one before it."""
    before: Hit | None = None
    for anchor in segment.anchors:
        if is_generic(anchor.effect.topic) or anchor.effect.topic == _DESCRIPTION or anchor in segment.consumed:
            continue
        if anchor.begin >= hit.end:
            if anchor.begin - hit.end <= _TOLD_AFTER:
                return anchor
            break
        if hit.begin - anchor.end <= _TOLD_BEFORE:
            before = anchor
    return before


def _pair(segment: Segment, paired: list[Cue | None], said: list[Said], prior: int) -> None:
    """Each cue and the topic it is about."""
    topics = segment.topics
    for cue in segment.fixed:
        if cue.hit.effect.names and cue.hit not in segment.consumed:
            paired[topics.index(cue.hit)] = cue
    for number, cue in enumerate(segment.cues):
        if cue.hit in segment.consumed or _is_overruled(cue, prior):
            continue
        own = cue.hit.effect.topic
        place = _nearest(segment, cue.hit, own)
        if place < 0:
            if own != NO_TOPIC:
                said.append(Said(cue.verdict, own, cue.hit, cue.hit))
            continue
        gap = _gap(segment, topics[place], cue.hit)
        if own == NO_TOPIC and gap > _DOUBTFUL and _contradicts(cue, prior):
            continue
        if own == NO_TOPIC and _another_is_closer(segment, number, topics[place], gap):
            continue
        paired[place] = cue
        said.append(Said(cue.verdict, topics[place].effect.topic, cue.hit, topics[place]))


def _nearest(segment: Segment, cue: Hit, own: int) -> int:
    """The place of the topic that a cue is about; -1 when none is near enough."""
    best, best_gap = -1, (_PAIR if own == NO_TOPIC else _OWN_PAIR) + 1
    for place, topic in enumerate(segment.topics):
        if topic.end + _PAIR < cue.begin:
            continue
        if topic.begin > cue.end + _PAIR:
            break
        gap = _gap(segment, topic, cue)
        if gap < best_gap and _may_mean(own, topic.effect.topic, gap):
            best, best_gap = place, gap
    return best


def _may_mean(own: int, topic: int, gap: int) -> bool:
    """Whether a cue, with a topic of its own or none, can be about another one."""
    if is_generic(topic):
        return gap <= _GENERIC_PAIR and own in (NO_TOPIC, _DESIGN)  # `a pretty bag` praises the bag
    if own == _PRICE:
        return topic == _FEES
    return own not in _FIRM


def _another_is_closer(segment: Segment, number: int, topic: Hit, gap: int) -> bool:
    """Whether a cue beside this one, of another mind, is nearer to the topic."""
    cues = segment.cues
    for other in (number - 1, number + 1):
        if 0 <= other < len(cues):
            differs = (cues[other].verdict == DONE) != (cues[number].verdict == DONE)
            if differs and _gap(segment, topic, cues[other].hit) < gap:
                return True
    return False


def _gap(segment: Segment, topic: Hit, cue: Hit) -> int:
    """How far apart a topic and a cue are: words between them, and what stands against their belonging together."""
    if topic.end <= cue.begin:
        gap = cue.begin - topic.end
        first, last = topic.end, cue.begin
    else:
        gap = topic.begin - cue.end
        first, last = cue.end, topic.begin
        if gap > 1:
            gap += 2  # `great product`, but rather `the product was great`
    if _has_between(segment.stops, first, last):
        gap += 3
    if _has_between(segment.ands, first, last):
        gap += 2
    return gap + (1 if topic.effect.kind == FIXED else 0)


def _has_between(places: list[int], first: int, last: int) -> bool:
    """Whether one of the places is from `first` up to `last`."""
    for place in places:  # noqa: SIM110 - a generator would cost more than all else here
        if first <= place < last:
            return True
    return False


def _share(segment: Segment, paired: list[Cue | None], said: list[Said]) -> None:
    """`product, service and delivery were great`: from each topic that has a cue, on to its neighbours in the list."""
    count = len(segment.topics)
    for place in range(count):
        _hand_on(segment, paired, said, place, place + 1)
    for place in range(count - 1, 0, -1):
        _hand_on(segment, paired, said, place, place - 1)


def _hand_on(segment: Segment, paired: list[Cue | None], said: list[Said], place: int, there: int) -> None:
    """From one topic to its neighbour, if both stand in a list and the neighbour has no cue."""
    topics = segment.topics
    if there == len(topics):
        return
    cue = paired[place]
    if cue is None or paired[there] is not None or topics[there].effect.kind == FIXED:
        return
    is_fixed = cue.hit.effect.kind == FIXED
    if is_fixed and there > place:
        return  # `packaging was excellent, the seller ...`: what follows has not been spoken of yet
    if not is_fixed and cue.hit.effect.kind == CUE and cue.hit.effect.topic != NO_TOPIC:
        return
    left, right = (topics[place], topics[there]) if there > place else (topics[there], topics[place])
    if right.begin - left.end > _LIST_STEP or not _is_list(segment, left, right, is_fixed):
        return
    if _has_own_cue(segment, topics[there], left, right):
        return
    paired[there] = cue
    said.append(Said(cue.verdict, topics[there].effect.topic, cue.hit, topics[there]))


def _is_list(segment: Segment, left: Hit, right: Hit, needs_and: bool) -> bool:
    has_and = _has_between(segment.ands, left.end, right.begin)
    return has_and or (not needs_and and _has_between(segment.stops, left.end, right.begin))


def _has_own_cue(segment: Segment, topic: Hit, left: Hit, right: Hit) -> bool:
    """Whether a cue stands between the two, or right behind the one that has none."""
    for cue in segment.cues:
        if left.end <= cue.hit.begin < right.begin:
            return True
        if topic is right and 0 <= cue.hit.begin - topic.end <= 2:
            return True
    return False
