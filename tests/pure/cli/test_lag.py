"""What posventa lag says of a partition, and of all."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.brokers.lag import Lag
from streams.cli import lag
from streams.cli.lag import is_finding, named, total_of
from streams.monitoring.status import STATUSES, status_of

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def reported(status: str, ago_s: float = 1) -> dict[tuple[str, int], dict[str, Any]]:
    return {("t", 0): {"status": status, "as_of": NOW - timedelta(seconds=ago_s)}}


@pytest.mark.parametrize(
    ("found", "reports", "expected"),
    [
        (Lag("t", 0, 0, 0.0), {}, "no worker"),
        (Lag("t", 0, 9, 1.0), {}, "no worker"),
        (Lag("t", 0, 0, 0.0), reported("stalled", 20), "no worker"),
        (Lag("t", 0, 9, 61.0), reported("stalled", 20), "stalled"),
        (Lag("t", 0, 0, 0.0), reported("stalled"), "stalled"),  # it could not read the ends of the log
        (Lag("t", 0, 9, 61.0), reported("ok"), "behind"),
        (Lag("t", 0, 9, 60.0), reported("ok"), "ok"),
        (Lag("t", 0, 0, 0.0), reported("idle"), "idle"),
        (Lag("t", 0, 9, 5.6), reported("idle"), "ok"),
        (Lag("t", 0, 9, 61.0), reported("idle"), "behind"),
        (Lag("t", 0, 0, 0.0), reported("behind"), "behind"),  # it may not be in ClickHouse yet
        (Lag("t", 0, 0, 0.0), None, "unknown"),
        (Lag("t", 0, 9, 61.0), None, "unknown"),
    ],
)
def test_status_is_the_owners_unless_kafka_knows_better(found: Lag, reports: Any, expected: str) -> None:
    assert status_of(found, reports, NOW) == expected


def row(status: str, records: int = 0, seconds: float = 0.0, times: str | None = None) -> dict[str, Any]:
    return {
        "topic": "t", "partition": 0, "lag_records": records, "lag_seconds": seconds, "status": status,
        "complete_up_to": times, "as_of": times,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "seconds", "max_seconds", "expected"),
    [
        ("ok", 5.0, None, False),
        ("behind", 61.0, None, True),
        ("behind", 61.0, 300, False),
        ("behind", 301.0, 300, True),
        ("ok", 5.1, 5, True),
        ("ok", 5.0, 5, False),
        ("stalled", 0.0, 300, True),
        ("no worker", 0.0, 300, True),
        ("unknown", 0.0, 300, True),
    ],
)
def test_a_lag_is_a_finding_past_what_is_allowed(
    status: str, seconds: float, max_seconds: int | None, expected: bool
) -> None:
    assert is_finding(row(status, 9, seconds), max_seconds) is expected


def test_the_total_adds_up_and_is_as_old_and_as_bad_as_the_worst() -> None:
    rows = [row("idle", 2, 1.5, "2026-01-31T12:00:01+00:00"), row("behind", 3, 0.5, "2026-01-31T12:00:02+00:00")]
    total = total_of(rows)
    assert (total["lag_records"], total["lag_seconds"], total["status"]) == (5, 1.5, "behind")
    assert total["complete_up_to"] == total["as_of"] == "2026-01-31T12:00:01+00:00"
    assert total_of([row("ok"), *rows])["as_of"] is None  # one that never reported


def test_one_that_waits_among_hundreds_that_read_is_named_at_once() -> None:
    busy = [row("ok", 500, 0.4) | {"partition": number} for number in range(400)]
    wedged = row("ok", 7, 3.0) | {"partition": 211}
    assert list(named([*busy, wedged], None)) == ["waits longest: t[211], 7 records, 3.0 s"]
    stalled = wedged | {"status": "stalled", "lag_seconds": 31.0}
    assert list(named([*busy, stalled], None)) == [
        "waits longest: t[211], 7 records, 31.0 s",
        "stalled: t[211], 7 records, 31.0 s; nothing is read there: the log of its worker names the partition, and the record "
        "if it is one",
    ]
    assert list(named([row("idle")], None)) == []


def test_the_worst_are_named_first_and_no_more_than_ten() -> None:
    lines = list(named([row(status, 1, seconds) for status in STATUSES for seconds in (1.0, 2.0)] * 2, 0))
    assert [line.partition(":")[0] for line in lines[1:5]] == ["unknown"] * 4
    assert [line.partition(", 1 records, ")[2][:5] for line in lines[1:5]] == ["2.0 s", "2.0 s", "1.0 s", "1.0 s"]
    assert len(lines) == 12
    assert lines[-1] == "and 14 more, in the table above"


def test_a_clickhouse_that_is_too_busy_to_answer_leaves_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "_CLICKHOUSE_S_MAX", 1)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        assert lag.reports_of(f"http://127.0.0.1:{busy.getsockname()[1]}") is None
