"""Time and order: an event loop with a virtual clock that takes ready steps in seeded random order.

Owns processes: groups of tasks that die or pause as one, at any step. Never sleeps and never does I/O. Invariant: the
same seed makes the same run. What runs outside any process (servers, the network) can be neither killed nor paused.
"""

import asyncio
import heapq
import random
import sys
import threading
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final

PROCESS: Final[ContextVar["Process | None"]] = ContextVar("process", default=None)

# Epoch seconds at which every run begins.
BEGINNING_S: Final = 1_800_000_000.0


class Process:
    """What dies or pauses as one. `doom` is called instead of the step numbered `doom_at`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.paused = False
        self.held: list[asyncio.Handle] = []
        self.steps = 0
        self.doom_at = -1
        self.doom: Callable[[], None] = self.kill

    def kill(self) -> None:
        """Nothing of it ever runs again."""
        self.alive = False
        self.held.clear()


class Task(asyncio.Task[Any]):
    """A task whose hash, and so its place in a set, is the same in every run."""

    def __init__(self, coro: Any, number: int, **arguments: Any) -> None:
        self._number = number
        super().__init__(coro, **arguments)

    def __hash__(self) -> int:
        return self._number


class Stranded(BaseException):
    """Ends a thread whose process is gone."""


class Loop:
    """Runs until a condition holds. Of asyncio's event loops it has what the simulated code uses."""

    def __init__(self, rng: random.Random) -> None:
        self.now = 0.0
        self.steps = 0
        self.errors: list[BaseException] = []
        self._rng = rng
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self._tasks: list[Task] = []
        self._executors: defaultdict[int, deque[Strand]] = defaultdict(deque)
        self._over = False
        self._as_asyncio: Any = self

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._as_asyncio, context)
        if not self._over:
            self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._as_asyncio, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._as_asyncio)

    def create_task(self, coro: Any, *, name: Any = None, context: Context | None = None) -> Any:
        task = Task(coro, len(self._tasks), loop=self, name=name, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """One thread an executor: its calls run one after the other, each up to its next request to a server."""
        future: asyncio.Future[Any] = self.create_future()
        waiting = self._executors[id(executor)]
        waiting.append(Strand(self, lambda: func(*args), future, lambda: self._next_strand(waiting)))
        if len(waiting) == 1:
            self.call_soon(waiting[0].step)
        return future

    def _next_strand(self, waiting: "deque[Strand]") -> None:
        waiting.popleft()
        if waiting:
            self.call_soon(waiting[0].step, context=waiting[0].context)

    def run_until(self, is_over: Callable[[], bool], until_s: float) -> None:
        """Runs step by step until `is_over`, or until virtual time has come to `until_s`."""
        asyncio._set_running_loop(self._as_asyncio)
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=self._finalize)
        try:
            while not is_over() and self.now <= until_s:
                if not self._ready:
                    self._pass_time(until_s)
                    continue
                at = self._rng.randrange(len(self._ready))
                self._ready[at], self._ready[-1] = self._ready[-1], self._ready[at]
                self._step(self._ready.pop())
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(None)

    def _pass_time(self, until_s: float) -> None:
        if not self._timers:
            self.now = until_s + 1
            return
        self.now = max(self.now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self.now:
            self._ready.append(heapq.heappop(self._timers)[2])

    def _step(self, handle: Any) -> None:
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        if process is not None:
            if not process.alive:
                return
            if process.paused:
                process.held.append(handle)
                return
            process.steps += 1
            if process.steps == process.doom_at:
                process.doom()
                self._ready.append(handle)
                return
        self.steps += 1
        handle._run()

    def resume(self, process: Process) -> None:
        """A paused process goes on with all that came in the meantime."""
        process.paused = False
        self._ready += process.held
        process.held.clear()

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        if not self._over:
            self.create_task(generator.aclose())

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not self._over:
            self.errors.append(error)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._over

    def is_closed(self) -> bool:
        return self._over

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """A cancelled timer is skipped when its time comes."""

    def end(self) -> None:
        """Lets go of every task and thread that is still there."""
        self._over = True
        self._ready.clear()
        self._timers.clear()
        for waiting in self._executors.values():
            for strand in waiting:
                strand.end()
        asyncio._set_running_loop(self._as_asyncio)  # what coroutines do on their way out may ask for it
        for task in self._tasks:
            coroutine = task.get_coro()
            if not task.done() and isinstance(coroutine, Coroutine):
                with suppress(RuntimeError, asyncio.CancelledError):
                    coroutine.close()
        asyncio._set_running_loop(None)
        self._tasks.clear()


class Strand:
    """A blocking call in a thread of its own that moves only when it is told to: up to its next request to a server."""

    def __init__(
        self, loop: Loop, call: Callable[[], Any], future: asyncio.Future[Any], on_end: Callable[[], None]
    ) -> None:
        self.context = copy_context()
        self._loop = loop
        self._call = call
        self._future = future
        self._on_end = on_end
        self._thread: _Thread | None = None
        self._request: Callable[[Callable[[Any, BaseException | None], None]], None] | None = None
        self._answer: tuple[Any, BaseException | None] = (None, None)
        self._ended = False
        self._result: tuple[Any, BaseException | None] = (None, None)

    def step(self) -> None:
        """Runs the thread up to its next request, or to its end."""
        if self._thread is None:
            self._thread = _idle.pop() if _idle else _Thread()
            self._thread.job = self._run
        self._thread.go_on()
        if not self._ended:
            assert self._request is not None
            self._request(self._on_answer)
            return
        result, error = self._result
        if not self._future.done():
            if error is not None:
                self._future.set_exception(error)
            else:
                self._future.set_result(result)
        _idle.append(self._thread)
        self._on_end()

    def ask(self, request: Callable[[Callable[[Any, BaseException | None], None]], None]) -> Any:
        """Called in the thread: hands a request over and waits for its answer."""
        assert self._thread is not None
        self._request = request
        self._thread.hand_over()
        result, error = self._answer
        if error is not None:
            raise error
        return result

    def _on_answer(self, result: Any, error: BaseException | None) -> None:
        self._answer = (result, error)
        self._loop.call_soon(self.step, context=self.context)

    def _run(self) -> None:
        strands.current = self
        try:
            self._result = (self._call(), None)
        except BaseException as error:
            self._result = (None, error)
        self._ended = True

    def end(self) -> None:
        """Unwinds a thread that waits for an answer."""
        if self._thread is not None and not self._ended:
            self._answer = (None, Stranded())
            while not self._ended:
                self._thread.go_on()
            _idle.append(self._thread)


class _Thread:
    """Runs one job after the other, and only between go_on() and hand_over(): never while the loop does."""

    def __init__(self) -> None:
        self.job: Callable[[], None]
        self._go, self._yielded = threading.Lock(), threading.Lock()  # each is held but for the instant of a handover
        self._go.acquire()
        self._yielded.acquire()
        threading.Thread(target=self._run, daemon=True).start()

    def go_on(self) -> None:
        """Called by the loop: returns when the thread hands over, or its job is done."""
        self._go.release()
        self._yielded.acquire()

    def hand_over(self) -> None:
        """Called in the job: returns when the loop lets it go on."""
        self._yielded.release()
        self._go.acquire()

    def _run(self) -> None:
        self._go.acquire()
        while True:
            self.job()
            self.hand_over()


_idle: Final[list[_Thread]] = []  # for the next runs: to start a thread takes longer than what it does here
strands = threading.local()
