"""When a unit is due: at once after a quiet time, else when the last is a while ago or enough waits. No clock, no loop."""

from hypothesis import given
from hypothesis import strategies as st

from streams.partition.pace import Pace

EVERY_S = 0.5
RECORDS_MAX = 80
ENOUGH = 10  # an eighth

NOW = st.floats(0, 1e6)
COUNTS = st.integers(0, 200)


def begun(at: float) -> Pace:
    """One whose last unit began then."""
    pace = Pace(EVERY_S)
    pace.unit_begins(at)
    return pace


@given(NOW)
def test_nothing_is_due_while_nothing_waits(now: float) -> None:
    assert Pace(EVERY_S).wait_s(None, RECORDS_MAX, now) is None


@given(COUNTS, NOW)
def test_the_first_unit_is_due_at_once(waiting: int, now: float) -> None:
    assert Pace(EVERY_S).wait_s(waiting, RECORDS_MAX, now) == 0


@given(NOW, st.floats(0, 10))
def test_a_little_waits_for_the_period_and_no_longer(at: float, later: float) -> None:
    wait_s = begun(at).wait_s(ENOUGH - 1, RECORDS_MAX, at + later)
    assert wait_s is not None
    assert wait_s == max(0, at + EVERY_S - (at + later))
    assert begun(at).wait_s(ENOUGH - 1, RECORDS_MAX, at + later + wait_s + 1e-9) == 0


@given(NOW, st.integers(ENOUGH, 200))
def test_enough_does_not_wait(at: float, waiting: int) -> None:
    assert begun(at).wait_s(waiting, RECORDS_MAX, at) == 0


@given(NOW)
def test_fewer_are_enough_for_a_smaller_unit(at: float) -> None:
    assert begun(at).wait_s(1, 8, at) == 0
    assert begun(at).wait_s(1, 9, at) != 0


@given(NOW)
def test_what_is_there_without_records_waits_like_a_little(at: float) -> None:
    assert begun(at).wait_s(0, RECORDS_MAX, at) == begun(at).wait_s(1, RECORDS_MAX, at) != 0
