"""The way to the servers: requests arrive later, too late or never, and answers may be lost.

Owns what a caller learns and when. Never decides what a request does. Invariant: what arrives takes effect whole, also
when its caller is dead by then; requests of one lane take effect in the order in which they were made.
"""

import asyncio
import random
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Final

from tests.model.loop import Loop, strands

SERVERS: Final = Context()  # outside any process
_TICK_S: Final = 1e-6

OnAnswer = Callable[[Any, BaseException | None], None]
Failure = Callable[[], Exception]


@dataclass(slots=True)
class Weather:
    """How the way to one kind of server is. Shares are per request."""

    latency_s: float = 0.002
    slow: float = 0.0  # share that takes up to `slow_s`
    slow_s: float = 5.0
    lost: float = 0.0  # share that never arrives
    unanswered: float = 0.0  # share that takes effect although the caller is told of a failure
    late: float = 0.0  # share of which the caller is told that it failed before it takes effect
    timeout_s: float = 1.0
    late_s: float = 8.0

    def latency(self, rng: random.Random) -> float:
        """How long one way takes."""
        return rng.uniform(0, self.slow_s) if rng.random() < self.slow else rng.uniform(0, self.latency_s)

    def calm_down(self) -> None:
        """Nothing goes wrong any more."""
        self.slow = self.lost = self.unanswered = self.late = 0.0


@dataclass(slots=True)
class Lane:
    """One client's connection, with what Kafka's sequence numbers add: after a gap nothing more is taken."""

    free_at: float = 0.0
    broken: bool = False


class Network:
    """Between the processes and the servers."""

    def __init__(self, loop: Loop, rng: random.Random) -> None:
        self._loop = loop
        self._rng = rng

    def request(
        self, effect: Callable[[], Any], on_answer: OnAnswer, weather: Weather, failure: Failure,
        lane: Lane | None = None,
    ) -> None:  # fmt: skip
        """Takes a request to its server. `on_answer` is called in the caller's process, unless that is gone."""
        caller = copy_context()

        def tell(at: float, result: Any, error: BaseException | None) -> None:
            self._loop.call_at(at, on_answer, result, error, context=caller)

        if lane is not None and lane.broken:
            tell(self._loop.now + _TICK_S, None, failure())
            return
        arrives_at, failed_at = self._fate(weather, lane)

        def arrive() -> None:
            result, error = None, None
            try:
                result = effect()
            except Exception as raised:
                error = raised
            if failed_at is None:
                tell(self._loop.now + weather.latency(self._rng), result, error)

        if arrives_at is not None:
            self._loop.call_at(arrives_at, arrive, context=SERVERS)
        if failed_at is not None:
            tell(failed_at, None, failure())
            if lane is not None:
                lane.broken = True

    def _fate(self, weather: Weather, lane: Lane | None) -> tuple[float | None, float | None]:
        """(when a request arrives, when its caller is told that it failed): None for never."""
        arrives_at = self._loop.now + weather.latency(self._rng)
        if lane is not None:
            arrives_at = lane.free_at = max(arrives_at, lane.free_at + _TICK_S)
        failed_at = arrives_at + weather.timeout_s
        fates = [
            (weather.lost, (None, failed_at)),
            (weather.unanswered, (arrives_at, failed_at)),
            (weather.late, (failed_at + self._rng.uniform(0, weather.late_s), failed_at)),
        ]
        draw = self._rng.random()
        for share, fate in fates:
            if draw < share:
                return fate
            draw -= share
        return arrives_at, None

    def begin(
        self, effect: Callable[[], Any], weather: Weather, failure: Failure, lane: Lane | None = None
    ) -> asyncio.Future[Any]:
        """A request from a task, which may wait for its answer."""
        future = self._loop.create_future()

        def on_answer(result: Any, error: BaseException | None) -> None:
            if error is not None and lane is not None:
                lane.broken = True
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
                future.exception()  # nobody need ask for it

        self.request(effect, on_answer, weather, failure, lane)
        return future

    def call_from_thread(self, effect: Callable[[], Any], weather: Weather, failure: Failure) -> Any:
        """A request from a thread of the simulation."""
        return strands.current.ask(lambda on_answer: self.request(effect, on_answer, weather, failure))
