"""Hypothesis's choice of tricky events for the laws of the domain: of one brand, dense at the edges of panes and of the window.

Why beside `tricky`: a law that breaks is shown its smallest example. And the two events that tests change by hand.
"""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

from schemas.events import Event, Feedback, Sale
from streams.domain.rules import Rules
from tests.support.tricky import MINUTE, Author

T0 = 1_700_000_100_000  # the start of a pane of 300 s
# Pane borders, parts of seconds, and both ends of the window of RULES and a millisecond past it.
INSTANTS = [T0, T0 + 1, T0 + 999, T0 + 5 * MINUTE - 1, T0 + 5 * MINUTE, T0 + 10 * MINUTE, T0 + 10 * MINUTE + 1]
RULES = Rules(attribution_window_ms=10 * MINUTE)

A_SALE = Sale("e1", "b", "c1", "s1", "PLACED", 0, "a1", "p1", "PHYSICAL", 100_0000, 10_0000, "EUR", None, None, T0)
AN_ANSWER = Feedback("e1", "b", "c1", "f1", "ANSWERED", 0, None, None, None, None, (), None, None, T0 + MINUTE)

T = TypeVar("T")


@st.composite
def _event(draw: st.DrawFn) -> Event:
    def choose(options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        if weights is not None:
            options = [option for option, weight in zip(options, weights, strict=True) for _ in range(weight)]
        return draw(st.sampled_from(options))

    customer = choose(["c1", "c2"], [5, 1])
    author = Author(choose, "b", customer, lambda: choose(["e1", "e2", "e3"]), lambda: choose(INSTANTS))
    return author.event()


def events() -> st.SearchStrategy[list[Event]]:
    """Events of two customers of one brand, in any order, some of them twice, some with an event_id used again."""
    return st.lists(_event(), min_size=2, max_size=16)
