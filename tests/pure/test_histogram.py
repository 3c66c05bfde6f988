"""A histogram counts every value once, in the bucket that Prometheus would put it in."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Theirs

from streams.histogram import Histogram

BOUNDS = (0.5, 1.0, 10.0)
VALUES = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 2), st.integers(1, 5)), max_size=20)


def filled(values: list[tuple[float, int]]) -> Histogram:
    found = Histogram(BOUNDS)
    for value, times in values:
        for _ in range(times):
            found.add(value)
    return found


@given(VALUES)
def test_it_counts_as_that_of_prometheus_client_does(values: list[tuple[float, int]]) -> None:
    registry = CollectorRegistry()
    theirs = Theirs("a", "b", buckets=BOUNDS, registry=registry)
    for value, times in values:
        for _ in range(times):
            theirs.observe(value)
    seen = filled(values).seen()
    shown = {bound: registry.get_sample_value("a_bucket", {"le": le}) for bound, le in zip(
        (*BOUNDS, float("inf")), ("0.5", "1.0", "10.0", "+Inf"), strict=True)}  # fmt: skip
    assert dict(seen.buckets) == shown
    assert seen.total == registry.get_sample_value("a_sum")


@given(VALUES)
def test_many_at_once_are_as_many_one_by_one(values: list[tuple[float, int]]) -> None:
    together = Histogram(BOUNDS)
    all_of_them = [value for value, times in values for _ in range(times)]
    together.add_many(len(all_of_them), sum(all_of_them), lambda bound: sum(value <= bound for value in all_of_them))
    assert together.seen() == filled(values).seen()
