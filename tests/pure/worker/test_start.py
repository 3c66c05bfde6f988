"""Starting: one worker a directory, under a name that stays; claims share their looks at the cluster."""

import asyncio
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from streams.brokers.topics import FIRST
from streams.errors import Misuse
from streams.partition import cluster
from streams.partition.cluster import SharedLooks
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.leaving import leave_for_good
from streams.worker.state_directory import LeaveRequest, StateDirectory


def test_a_directory_is_one_workers_and_keeps_its_name(tmp_path: Path) -> None:
    first = StateDirectory(tmp_path / "a")
    with pytest.raises(Misuse, match="another worker uses this directory"):
        StateDirectory(tmp_path / "a")
    other = StateDirectory(tmp_path / "b")
    assert other.name != first.name
    first.close()
    again = StateDirectory(tmp_path / "a")
    assert again.name == first.name
    again.close()
    other.close()


def test_a_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misuse, match="choose a directory to write in"):
        StateDirectory(tmp_path / "file" / "state")


def test_a_directory_without_a_worker_has_none_to_leave(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no worker has used this directory"):
        leave_for_good(Settings(state_dir=str(tmp_path / "none")), Timing())
    assert list(tmp_path.iterdir()) == []


def test_a_request_to_leave_is_taken_back(tmp_path: Path) -> None:
    request = LeaveRequest(tmp_path)
    assert not request.is_asked
    request.ask()
    assert LeaveRequest(tmp_path).is_asked
    request.take_back()
    request.take_back()
    assert not request.is_asked


def test_claims_share_looks_and_none_is_older_than_its_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count(1)
    begun, go_on = threading.Event(), threading.Event()

    def look(*_: Any) -> Any:
        begun.set()
        go_on.wait(10)
        return next(numbers)

    monkeypatch.setattr(cluster, "look_at", look)

    async def scenario() -> list[Any]:
        looks = SharedLooks(Settings(), FIRST)
        first = asyncio.create_task(looks())
        await asyncio.to_thread(begun.wait)
        others = [asyncio.create_task(looks()) for _ in range(7)]
        await asyncio.sleep(0)
        go_on.set()
        return [await task for task in (first, *others)]

    assert asyncio.run(scenario()) == [1] + [2] * 7
