"""Waits double up to a limit, and begin anew when the trouble is another one."""

from streams.backoff import BackOff


def test_waits_double_up_to_the_longest_and_begin_anew() -> None:
    back_off = BackOff(0.5, 10.0)
    assert [back_off.wait_s() for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    back_off.begin_anew()
    assert [back_off.wait_s() for _ in range(2)] == [0.5, 1]
