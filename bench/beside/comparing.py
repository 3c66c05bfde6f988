"""Two trees' figures beside each other, round by round: ratios, how sure their median is, whether it is within a limit.

Pure: figures in, figures and words out. Owns the rule of the limit. It takes rounds to be independent of each other, which
taking turns brings about as far as anything can.
"""

import statistics
from collections.abc import Iterator, Sequence
from itertools import accumulate, cycle
from math import comb
from typing import Final, NamedTuple

_SURE: Final = 0.95


class Interval(NamedTuple):
    """Where the median lies, with which probability."""

    low: float
    high: float
    probability: float


class Verdict(NamedTuple):
    """Whether the median is within the limit, and what to say of it."""

    within: bool
    words: str


def turns() -> Iterator[tuple[int, int]]:
    """Who is first and who second of two, time after time: 0 1, 1 0, 0 1 ...; so a machine that slows down slows both."""
    return cycle([(0, 1), (1, 0)])


def ratio(this: float, that: float) -> float | None:
    """This by that; None when one is nothing, or what is left of a difference and below nothing."""
    return this / that if this > 0 and that > 0 else None


def of_round(
    these: Sequence[dict[str, float]], those: Sequence[dict[str, float]], stage: str
) -> tuple[float, float, float | None]:
    """A stage of a round: the median unit of this, that of the other, and the median ratio of two units of one turn.

    Medians, since a unit during which somebody else used the machine may cost twice as much.
    """
    pairs = [(this[stage], that[stage]) for this, that in zip(these, those, strict=False)]
    ratios = [found for this, that in pairs if (found := ratio(this, that)) is not None]
    this_us, that_us = (statistics.median(column) for column in zip(*pairs, strict=True))
    return this_us, that_us, statistics.median(ratios) if ratios else None


def interval(values: Sequence[float]) -> Interval:
    """Of the median, from the values' order alone, whatever their distribution (David and Nagaraja, Order Statistics, 7.1).

    The narrowest pair of values, as far from the one end as from the other, that holds the median with at least 95 %; with
    fewer than six values the outermost pair, which holds it with less.
    """
    ordered, count = sorted(values), len(values)
    # By how many values lie outside at either end but one: each value is below the median with a chance of one half.
    held = [1 - 2 * tail / 2**count for tail in accumulate(comb(count, rank) for rank in range((count + 1) // 2))]
    outside = max((rank for rank, probability in enumerate(held) if probability >= _SURE), default=0)
    return Interval(ordered[outside], ordered[count - 1 - outside], held[outside])


def verdict(values: Sequence[float], limit_percent: float) -> Verdict:
    """Whether the median ratio is at most 1 and the limit; the interval says how sure that is, and does not decide."""
    median, (low, high, probability) = statistics.median(values), interval(values)
    limit = 1 + limit_percent / 100
    within = median <= limit
    sure = high <= limit if within else low > limit
    found = f"{_percent(median)} CPU per record, {_percent(low)} to {_percent(high)} with {probability:.0%}"
    said = f"within the limit of {limit_percent:g} %" if within else f"over the limit of {limit_percent:g} %"
    doubt = "" if sure else "; not certain, as the interval holds the limit: try more rounds, or a quieter machine"
    return Verdict(within, f"{found}: {said}{doubt}")


def _percent(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"
