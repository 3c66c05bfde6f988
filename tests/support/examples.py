"""How many examples a law is tried with. Owns Hypothesis's profiles; tests/README.md says how to choose one.

A law that needs more examples than most, or fewer, says so by `@examples(count)`: the profile's share of that.
"""

from typing import Final

from hypothesis import settings

_FULL: Final = 100  # examples of a law that says nothing
# Examples are new in every run, so that runs add up; what fails is shown with what repeats it. Only `quick` tries the same ones
# each time: whoever asks it twice in a minute wants to know of the last change, not of luck.
_ALWAYS: Final = settings(deadline=None, print_blob=True)  # a slow machine is no failure
PROFILES: Final = {
    "quick": settings(_ALWAYS, max_examples=_FULL // 5, derandomize=True, database=None),
    "full": settings(_ALWAYS, max_examples=_FULL),
    "night": settings(_ALWAYS, max_examples=20 * _FULL),
}


def share(count: int) -> int:
    """Of what is tried `count` times in the profile `full`: how often in this one."""
    return count * settings().max_examples // _FULL


def examples(count: int) -> settings:
    """So many in the profile `full`, and in the others in proportion."""
    return settings(max_examples=share(count))
