"""What stands where in a comment: the kinds of hits, what a pattern means, and a hit at its place.

Owns these three. Compiled, pure. Invariant: a hit lies within its comment and overlaps no other one.
"""

from typing import Final, final

# What packs say (pack_file.KINDS).
TOPIC: Final = 0
CUE: Final = 1
FIXED: Final = 2
TOLD: Final = 3
THOUGHT: Final = 4
NOT: Final = 5
WISH: Final = 6
MAYBE: Final = 7
BUT: Final = 8
AND: Final = 9
ORDER_STATUS: Final = 10
SALE: Final = 11
BOUGHT: Final = 12
RECEIVED: Final = 13
PASS: Final = 14
# Breaks.
COMMA: Final = 15
END: Final = 16
ASKING: Final = 17
# What packs say, again: contrast that complains.
REGRET: Final = 18

NO_TOPIC: Final = -1


@final
class Effect:
    """What a pattern means: kind, verdict of a cue or a fixed phrase, topic or NO_TOPIC, whether the score may overrule it."""

    def __init__(self, kind: int, verdict: int, topic: int, weak: bool, negates: bool, names: bool) -> None:
        self.kind = kind
        self.verdict = verdict
        self.topic = topic
        self.weak = weak
        self.negates = negates  # its words hold a negation already
        self.names = names  # its first word names its topic: `packaging was excellent`


@final
class Hit:
    """An effect at its place: `begin` up to `end` counted without fillers, `first` up to `last` with them; `value` is the
    number in its words, or -1."""

    def __init__(self, effect: Effect, begin: int, end: int, first: int, last: int, value: int) -> None:
        self.effect = effect
        self.begin = begin
        self.end = end
        self.first = first
        self.last = last
        self.value = value
