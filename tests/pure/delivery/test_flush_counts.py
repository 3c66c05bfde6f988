"""What flushes came to: each record's age counted once, in its bucket, and only where ClickHouse has what became of it."""

from hypothesis import given
from hypothesis import strategies as st

from sinks.errors import RowsRefused, SinkUnavailable
from streams.delivery.flush import FlushResult
from streams.delivery.flush_counts import FlushCounts

NOW = 1_800_000_000_000
AGES_MS = st.lists(st.sampled_from([-5, 0, 1, 50, 51, 100, 999, 1000, 1001, 60_000, 90_000_000]), max_size=9)


@given(AGES_MS)
def test_ages_taken_together_are_those_of_each(ages_ms: list[int]) -> None:
    together, alone = FlushCounts(), FlushCounts()
    together.queryable([(3, sorted(NOW - max(0, age) for age in ages_ms))], (), NOW)
    for age in ages_ms:
        alone.queryable_after_s.add(max(0, age) / 1000)
    ours, theirs = together.queryable_after_s.seen(), alone.queryable_after_s.seen()
    assert ours.buckets == theirs.buckets
    assert round(ours.total, 6) == round(theirs.total, 6)


def test_a_record_of_a_clock_that_is_ahead_is_no_younger_than_now() -> None:
    counts = FlushCounts()
    counts.queryable([(3, [NOW, NOW + 5000])], (), NOW)
    assert counts.queryable_after_s.seen().total == 5.0


def test_what_clickhouse_lacks_is_not_queryable() -> None:
    counts = FlushCounts()
    counts.queryable([(3, [NOW]), (4, [NOW, NOW]), (5, [])], {3}, NOW)
    assert counts.queryable_after_s.seen().buckets[-1][1] == 2


def test_each_attempt_has_one_outcome_and_what_was_acknowledged_before_it_failed_counts() -> None:
    counts = FlushCounts()
    counts.attempted(FlushResult(acknowledged={"answers": 3}), 0.1)
    counts.attempted(FlushResult(refused={3: RowsRefused("no")}, acknowledged={"answers": 2}), 0.1)
    counts.attempted(FlushResult(failure=SinkUnavailable("away"), acknowledged={"answers": 1}), 0.1)
    assert {outcome: seconds.seen().buckets[-1][1] for outcome, seconds in counts.seconds.items()} == {
        "taken": 1, "refused": 1, "away": 1,
    }  # fmt: skip
    assert counts.rows == {"answers": 6}
