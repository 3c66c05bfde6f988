"""The arithmetic of the benchmarks: what is made up, how old an event is, what counts in a ratio. No clock, no server."""

import subprocess
import sys
from typing import Any

import pytest

from bench.events import hot_customer, summed, totals, week_of_events
from bench.hot_path import PLACES, shares
from bench.results import page, ratios
from bench.steady import ages_at, percentile
from schemas.errors import CustomerFull
from schemas.events import Event, Feedback, Sale
from schemas.validation import validate
from streams.domain.fold import fold
from streams.domain.panes import COMMISSION, FEEDBACK, GROSS, REFUNDED, SALES, UNLINKED_FEEDBACK
from streams.domain.rules import Rules
from streams.domain.state import Customer, encode

NOW = 1_790_000_000_000
EVENTS = week_of_events(1, 3000, NOW, hours=48)


def test_totals_are_what_folding_every_customer_gives() -> None:
    """The expected totals of a run come from plain sums; the product's own code agrees."""
    sums = summed(EVENTS)
    placed = [event for event in EVENTS if isinstance(event, Sale) and event.action == "PLACED"]
    answers = [event for event in EVENTS if isinstance(event, Feedback)]
    assert totals(EVENTS) == (
        sums[SALES], sums[GROSS], sums[COMMISSION], sums[REFUNDED], sums[FEEDBACK] + sums[UNLINKED_FEEDBACK],
        len(placed), len(answers),
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 50, 2999])
def test_totals_hold_for_the_first_events_of_a_stream_too(count: int) -> None:
    """A stream may be stopped anywhere: no refund or answer stands before its sale."""
    seen: set[str] = set()
    for event in EVENTS[:count]:
        if isinstance(event, Sale) and event.action == "PLACED":
            seen.add(event.sale_id)
        elif event.sale_id:
            assert event.sale_id in seen


def test_made_up_events_are_valid_ordered_and_never_the_same() -> None:
    others = week_of_events(2, 3000, NOW)
    assert len({event.event_id for event in EVENTS + others}) == len(EVENTS) + len(others)
    for events in (EVENTS, others):
        assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)
        _validate_all(events)
    assert min(event.occurred_at for event in EVENTS) >= NOW - 48 * 3_600_000
    assert week_of_events(1, 3000, NOW, hours=48) == EVENTS


def test_the_hot_customer_is_valid_and_gets_full_and_then_corrections_find_room() -> None:
    events = list(hot_customer(2_400, NOW))
    _validate_all(list(events))
    assert len({event.event_id for event in events}) == len(events)
    customer, taken = Customer("hot", events[0].customer_id), []
    customer.packed_bytes = len(encode(customer))
    for event in events:
        try:
            taken.append(bool(fold(customer, event, Rules())))
        except CustomerFull:
            taken.append(False)
    assert 500 < sum(taken[:1_200]) < 1_200
    assert taken[1_200:] == taken[:1_200]


def _validate_all(events: list[Event]) -> None:
    for event in events:
        validate(event)


def test_an_event_is_as_old_as_the_first_look_that_shows_it() -> None:
    due = [10.0, 10.1, 10.2, 10.3]
    looks = [(10.15, 100), (10.25, 102), (10.35, 102), (10.5, 104)]
    assert ages_at(due, 100, looks, since=0.0) == pytest.approx([0.25, 0.15, 0.3, 0.2])


def test_a_stall_makes_everything_old_that_was_due_in_it() -> None:
    """Open load: events that come while the worker stands still count from when they were due."""
    due = [number / 100 for number in range(1000)]
    looks = [(moment / 10, round(moment * 10)) for moment in range(50)] + [(10.0, 1000)]
    ages = sorted(ages_at(due, 0, looks, since=0.0))
    assert len(ages) == 1000
    assert ages[489] == pytest.approx(0.1)
    assert percentile(ages, 0.99) == pytest.approx(5.0)  # due at 5.00, shown at 10.0
    assert ages[-1] == pytest.approx(5.1)


def test_only_what_is_due_after_the_warm_up_counts() -> None:
    assert ages_at([1.0, 2.0, 3.0], 0, [(4.0, 3)], since=2.0) == [2.0, 1.0]
    assert ages_at([1.0, 2.0, 3.0], 0, [(4.0, 3)], since=2.0, before=3.0) == [2.0]


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.25, 0.5, 0.99, 1.0)] == [
        1.0,
        1.0,
        2.0,
        4.0,
        4.0,
    ]


def test_a_ratio_is_within_a_round_in_which_both_did_the_job() -> None:
    rounds: list[dict[str, Any]] = [
        {"a": {"rate": 10.0}, "b": {"rate": 2.0}},
        {"a": {"rate": 30.0}, "b": {"wrong": "it ended"}},
        {"a": {"rate": 20.0}, "b": {"rate": 10.0}},
    ]
    assert ratios(rounds, "a", "b") == [5.0, 2.0]


def test_the_page_says_who_did_not_do_the_job() -> None:
    origin = {"date": "2026-01-01", "commit": "abc", "machine": "2 cores", "versions": {"CPython": "3.11"}}
    rounds = [
        {"stock Faust, tuned": {"wrong": "ClickHouse shows less\nthan expected"}, "bare aiokafka loop": {"rate": 4e5}}
    ]
    result = {"sizes": {"records": 100, "peer_records": 10}, "rounds": rounds}
    text = page({"throughput": {"origin": origin, "result": result}})
    assert "stock Faust, tuned did not do the job in a round, which does not count: ClickHouse shows less" in text
    assert "| stock Faust, tuned | - |" in text
    assert "**400,000**" in text


def test_a_look_belongs_to_the_innermost_place_that_has_a_name() -> None:
    loop = "_run_once (asyncio/base_events.py:1922)"
    lines = [
        f"{loop};Units._apply (streams/partition/units.py:190);sorted (x.py:1) 6",
        f"{loop};Units._apply (streams/partition/units.py:192);LocalCopy.get_many (streams/changelog/local_copy.py:90) 3",
        "run (threading.py:1) 1",
    ]
    assert shares(lines) == {
        PLACES["_apply (streams/partition/units.py"]: 0.6, PLACES["get_many (streams/changelog/local_copy.py"]: 0.3,
        "elsewhere": 0.1
    }  # fmt: skip


def test_the_job_of_the_peers_needs_no_kafka_client_of_ours() -> None:
    """They run in an environment of their own, where only theirs are installed."""
    without = "import sys; sys.modules.update(dict.fromkeys(('kafka', 'aiokafka', 'faust')))"
    subprocess.run([sys.executable, "-c", f"{without}; import bench.peers.job"], check=True)
