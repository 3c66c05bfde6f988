"""Where a worker can be hurt: method boundaries of the real runtime, named, and wrapped from outside.

Owns the names and the wrapping, which happens in the process of a worker that is to be hurt and nowhere else; production
code knows nothing of it. Never decides when: a trap counts the passings of its point and acts at the n-th.
"""

import asyncio
import inspect
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiokafka

from sinks.tables import (
    AFFILIATE_PANES,
    ANSWERS,
    COMMENTS,
    DEAD_LETTERS,
    FRESHNESS,
    JOURNEYS,
    REVERSALS,
    TOPIC_PANES,
    Table,
)  # fmt: skip
from sinks.writer import Writer
from streams.changelog.local_copy import LocalCopy
from streams.partition.partition import Claimed, Partition
from streams.partition.rerouting import Rerouter

ACTIONS: Final = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "term": signal.SIGTERM}

_UNDER_WAY_S: Final = 0.001  # the request has left, its answer is not there yet
# What a task is doing: the same methods make units and claims.
_doing: ContextVar[str] = ContextVar("_doing", default="a unit")


class Point(NamedTuple):
    """A boundary: before, after or during a call of `method`, while `doing`, of the table `table`."""

    owner: type
    method: str
    side: str
    doing: str | None = None
    table: Table | None = None
    passings_max: int = 8  # so many passings come about in every run
    needs: str = "nothing"  # what must have happened before, for the point to be reached: see cases.py


class Plan(NamedTuple):
    """A fault to come: `action` (of ACTIONS) at the n-th passing of a point; `told` is the file that proves it."""

    point: str
    passing: int
    action: str
    told: Path


_Producer = aiokafka.AIOKafkaProducer

POINTS: Final[dict[str, Point]] = {
    "unit: before its transaction": Point(_Producer, "begin_transaction", "before", "a unit"),
    "unit: changes sent": Point(_Producer, "send_offsets_to_transaction", "before", "a unit"),
    "unit: offsets sent": Point(_Producer, "commit_transaction", "before", "a unit"),
    "unit: commit under way": Point(_Producer, "commit_transaction", "during", "a unit"),
    "unit: committed": Point(_Producer, "commit_transaction", "after", "a unit"),
    "unit: copied": Point(LocalCopy, "write", "after", "a unit"),
    "unit: records astray published": Point(Rerouter, "__call__", "after", passings_max=2, needs="records astray"),
    "claim: earlier owners fenced": Point(_Producer, "start", "after", "a claim", None, 4, "an earlier life"),
    "claim: changelog read": Point(LocalCopy, "write", "before", "a claim", None, 1, "lost state"),
    "claim: before its commit": Point(
        _Producer, "commit_transaction", "before", "its commit", None, 4, "an earlier life"
    ),
    "claim: committed": Point(_Producer, "commit_transaction", "after", "its commit", None, 4, "an earlier life"),
    "claim: rows sent again": Point(Claimed, "changelog_from", "after", None, None, 1, "an earlier life"),
    "sink: before reading positions": Point(Writer, "positions", "before"),
    **{
        f"sink: {side} {table.name}": Point(Writer, "insert", side, None, table, passings_max)
        for table, passings_max in (
            (AFFILIATE_PANES, 3), (TOPIC_PANES, 2), (JOURNEYS, 3), (REVERSALS, 2), (ANSWERS, 3), (COMMENTS, 2),
            (DEAD_LETTERS, 1), (FRESHNESS, 3),
        )
        for side in ("before", "after")
    },
}  # fmt: skip


class Trap:
    """Counts passings; at the planned one writes the proof and signals its own process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._passings = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """One passing."""
        with self._lock:
            self._passings += 1
            if self._passings != self._plan.passing:
                return
        self._plan.told.write_text(f"{os.getpid()}\n")
        os.kill(os.getpid(), ACTIONS[self._plan.action])
        if self._plan.action != "term":
            time.sleep(0.2)  # the signal ends or stops this thread here, not somewhere further on


def plant(plan: Plan) -> None:
    """Wraps the point of a plan in this process."""
    _tell_claims_from_units()
    point, trap = POINTS[plan.point], Trap(plan)
    original = getattr(point.owner, point.method)
    if inspect.isasyncgenfunction(original):
        wrapped: Any = _chunks(original, trap)
    elif inspect.iscoroutinefunction(original):
        wrapped = _coroutine(original, point, trap)
    else:
        wrapped = _function(original, point, trap)
    setattr(point.owner, point.method, wrapped)


def _concerns(point: Point, arguments: tuple[Any, ...]) -> bool:
    return point.doing in (None, _doing.get()) and point.table in (None, arguments[1] if arguments[1:] else None)


def _function(original: Callable[..., Any], point: Point, trap: Trap) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        concerned = _concerns(point, arguments)
        if concerned and point.side == "before":
            trap()
        result = original(*arguments, **named)
        if concerned and point.side == "after":
            trap()
        return result

    return wrapped


def _coroutine(original: Callable[..., Any], point: Point, trap: Trap) -> Callable[..., Any]:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        concerned = _concerns(point, arguments)
        if concerned and point.side == "before":
            trap()
        if concerned and point.side == "during":
            asyncio.get_running_loop().call_later(_UNDER_WAY_S, trap)
        result = await original(*arguments, **named)
        if concerned and point.side == "after":
            trap()
        return result

    return wrapped


def _chunks(original: Callable[..., Any], trap: Trap) -> Callable[..., AsyncIterator[Any]]:
    """After each chunk that held something."""

    async def wrapped(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
        async for chunk in original(*arguments, **named):
            yield chunk
            if chunk:
                trap()

    return wrapped


def _tell_claims_from_units() -> None:
    claim, commit = Partition.claim, Claimed.commit

    async def claiming(*arguments: Any) -> Claimed:
        token = _doing.set("a claim")
        try:
            return await claim(*arguments)
        finally:
            _doing.reset(token)

    async def committing(*arguments: Any) -> None:
        token = _doing.set("its commit") if _doing.get() == "a claim" else None
        try:
            await commit(*arguments)
        finally:
            if token:
                _doing.reset(token)

    Partition.claim = claiming  # type: ignore[assignment, method-assign]
    Claimed.commit = committing  # type: ignore[assignment, method-assign]
