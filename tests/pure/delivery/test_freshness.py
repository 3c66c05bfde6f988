"""Freshness promises no more than is true, never takes a promise back, and tells waiting from idle."""

from hypothesis import given
from hypothesis import strategies as st

from streams.changelog.meta import Applied
from streams.delivery.freshness import Gauge, LogEnd

START = 1_000_000


def test_all_applied_means_complete_up_to_the_moment_the_end_was_asked_for() -> None:
    _, fresh = Gauge(START).read(Applied(5, START - 9), LogEnd(5, 5, START + 7), START + 8)
    assert (fresh.complete_up_to, fresh.lag_records, fresh.lag_seconds) == (START + 7, 0, 0.0)


def test_with_records_waiting_it_is_complete_up_to_the_last_applied_one() -> None:
    _, fresh = Gauge(START).read(Applied(5, START + 1), LogEnd(8, 8, START + 7), START + 2001)
    assert (fresh.complete_up_to, fresh.lag_records, fresh.lag_seconds) == (START + 1, 3, 2.0)


def test_an_open_transaction_of_a_publisher_holds_the_promise_back_but_is_no_lag() -> None:
    _, fresh = Gauge(START).read(Applied(5, START - 9), LogEnd(5, 6, START + 7), START + 8)
    assert (fresh.complete_up_to, fresh.lag_records) == (START - 9, 0)


def test_the_age_of_what_waits_counts_from_when_all_had_been_read() -> None:
    gauge, _ = Gauge(START).read(Applied(5, START - 3_600_000), LogEnd(5, 5, START + 50_000), START + 50_000)
    _, fresh = gauge.read(Applied(5, START - 3_600_000), LogEnd(6, 6, START + 51_000), START + 52_000)
    assert fresh.lag_seconds == 2.0
    assert fresh.progress_at == START + 50_000


def test_progress_and_work_are_told_apart() -> None:
    gauge, _ = Gauge(START).read(Applied(5), LogEnd(9, 9, START), START + 1)
    gauge, stuck = gauge.read(Applied(5), LogEnd(9, 9, START), START + 40_000)
    assert (stuck.progress_at, stuck.busy_at) == (START + 1, START + 40_000)
    gauge, idle = gauge.read(Applied(9), LogEnd(9, 9, START), START + 50_000)
    _, later = gauge.read(Applied(9), LogEnd(9, 9, START), START + 120_000)
    assert (idle.busy_at, later.busy_at, later.progress_at) == (START + 50_000, START + 50_000, START + 120_000)


def test_the_age_of_the_ends_grows_from_the_last_look_or_from_when_the_owner_began() -> None:
    ends = LogEnd(5, 5, START + 1000)
    gauge, seen = Gauge(START).read(Applied(5), ends, START + 3500)
    _, frozen = gauge.read(Applied(5), ends, START + 70_000)
    assert (seen.ends_age_seconds, frozen.ends_age_seconds) == (2.5, 69.0)
    assert Gauge(START).ends_age_s(None, START + 4000) == 4.0
    assert Gauge(START).ends_age_s(LogEnd(5, 5, START - 60_000), START + 4000) == 4.0  # an earlier owner's look


looks = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(0, 9_000)), max_size=30)


@given(looks)
def test_a_promise_is_never_taken_back_and_never_ahead_of_what_was_seen(steps: list[tuple[int, int, int, int]]) -> None:
    gauge, now, applied, end, before = Gauge(START), START, 0, 0, 0
    for read, came, uncommitted, passed in steps:
        now += passed
        end += came
        applied = min(end, applied + read)
        high = end + uncommitted
        gauge, fresh = gauge.read(Applied(applied, now - 1), LogEnd(end, high, now), now)
        assert before <= fresh.complete_up_to <= now
        assert fresh.complete_up_to < now or (applied >= high or passed == 0)
        assert fresh.lag_records == end - applied
        assert (fresh.lag_seconds == 0) if not fresh.lag_records else fresh.lag_seconds >= 0
        before = fresh.complete_up_to
