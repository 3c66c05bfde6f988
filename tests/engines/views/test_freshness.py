"""Freshness is told apart as the contract says, per partition and in total."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks import reading
from sinks.client import connect
from sinks.migrate import migrate
from sinks.tables import FRESHNESS
from sinks.writer import SinkPosition, Writer


@pytest.fixture(scope="module")
def url(clickhouse: str) -> str:
    migrate(clickhouse)
    return clickhouse


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    found = connect(url)
    found.command("TRUNCATE TABLE freshness")
    yield found
    found.close()


def report(partition: int, *, number: int = 1, ago_s: dict[str, float] | None = None, **values: Any) -> tuple[Any, ...]:
    """A healthy report made now, except for what is given; `ago_s` dates its times back."""
    now_ms = int(time.time() * 1000)
    times = {"complete_up_to": 1.0, "progress_at": 1.0, "busy_at": 1.0, "as_of": 0.0} | (ago_s or {})
    row: dict[str, Any] = dict.fromkeys(FRESHNESS.columns, 0)
    row |= {
        "generation": 1,
        "topic": "t",
        "source_partition": partition,
        "report": number,
        "worker": "w",
        "lag_seconds": 0.0,
        "ends_age_seconds": 0.0,
    }
    row |= {column: now_ms - int(ago * 1000) for column, ago in times.items()}
    return tuple((row | values)[column] for column in FRESHNESS.columns)


def statuses(client: Client) -> dict[int, str]:
    return {row["partition"]: row["status"] for row in reading.freshness(client)}


STATES: dict[str, Callable[[int], tuple[Any, ...]]] = {
    "ok": report,
    "idle": lambda p: report(p, ago_s={"busy_at": 65, "progress_at": 65}),
    "behind": lambda p: report(p, lag_records=5, lag_seconds=61.0),
    "stalled": lambda p: report(p, ago_s={"as_of": 20}),
}


@pytest.mark.parametrize("state", STATES)
def test_a_status_is_what_the_report_tells(client: Client, url: str, state: str) -> None:
    Writer(url).report([STATES[state](3)])
    assert statuses(client) == {-1: state, 3: state}


def test_waiting_input_without_progress_is_a_stall_and_waiting_for_input_is_none(client: Client, url: str) -> None:
    waiting = report(0, lag_records=1, ago_s={"progress_at": 35})
    quiet = report(1, ago_s={"progress_at": 35, "busy_at": 35})
    Writer(url).report([waiting, quiet])
    assert statuses(client) == {-1: "stalled", 0: "stalled", 1: "ok"}


def test_idle_is_no_word_for_a_log_whose_end_cannot_be_read(client: Client, url: str) -> None:
    quiet = {"busy_at": 65.0}
    frozen, slow = report(0, ends_age_seconds=15.1, ago_s=quiet), report(1, ends_age_seconds=14.9, ago_s=quiet)
    Writer(url).report([frozen, slow])
    assert statuses(client) == {-1: "stalled", 0: "stalled", 1: "idle"}


def test_who_repeats_a_position_tells_how_old_the_ends_are(client: Client, url: str) -> None:
    writer = Writer(url)
    for partition, age_s in ((0, 1.0), (1, 16.0)):
        writer.repeat(SinkPosition(partition, 0, 1, 1, 0), ["t"], "w", age_s)
    assert statuses(client) == {-1: "stalled", 0: "behind", 1: "stalled"}


@pytest.mark.parametrize(("states", "worst"), [
    (("ok", "idle"), "ok"), (("idle", "behind"), "behind"), (("behind", "stalled", "ok"), "stalled"),
])  # fmt: skip
def test_the_total_is_as_bad_as_the_worst(client: Client, url: str, states: tuple[str, ...], worst: str) -> None:
    Writer(url).report([STATES[state](partition) for partition, state in enumerate(states)])
    assert statuses(client)[-1] == worst


def test_the_total_sums_records_and_takes_the_oldest_times(client: Client, url: str) -> None:
    Writer(url).report([
        report(0, lag_records=2, lag_seconds=1.5, complete_up_to=1_700_000_000_001, as_of=1_700_000_000_005),
        report(1, lag_records=3, lag_seconds=0.5, complete_up_to=1_700_000_000_002, as_of=1_700_000_000_004),
    ])  # fmt: skip
    total = reading.freshness(client)[0]
    assert (total["topic"], total["partition"], total["lag_records"], total["lag_seconds"]) == ("", -1, 5, 1.5)
    assert total["complete_up_to"] == datetime(2023, 11, 14, 22, 13, 20, 1000, tzinfo=UTC)
    assert total["as_of"] == datetime(2023, 11, 14, 22, 13, 20, 4000, tzinfo=UTC)


def test_the_newest_report_counts_in_whatever_order_they_arrive(client: Client, url: str) -> None:
    Writer(url).report([report(0, number=7, lag_records=7)])
    Writer(url).report([report(0, number=6, lag_records=6)])
    assert [row["lag_records"] for row in reading.freshness(client)] == [7, 7]


def test_no_report_is_no_row(client: Client) -> None:
    assert reading.freshness(client) == []
