"""The thread that starts, watches and ends the processes of a stack: the engines first, then tables and topics, the rest.

Owns the processes. Never decides whether all is well: whoever asks is told what runs and what failed.
Invariant: every process is started by this thread and dies with it, so nothing outlives this process.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from sinks.migrate import migrate
from streams.brokers.creation import ensure_topics
from streams.brokers.membership import leave
from streams.embedded.child import Child
from streams.embedded.clickhouse import EmbeddedClickHouse, clickhouse_answers
from streams.embedded.kafka import EmbeddedKafka, broker_answers
from streams.embedded.supervised import Supervised
from streams.errors import Unavailable
from streams.generations.current import current
from streams.rebuild.plan import must_be_rebuilt
from streams.settings import Settings
from streams.worker.state_directory import name_in

_LOOK_S: Final = 0.2  # between two looks at the processes
_ENGINES_S_MAX: Final = 60.0  # for Kafka and ClickHouse to answer: they take 3 s
_WORKER_STOP_S: Final = 20.0  # a worker finishes its units and flushes
_ENGINE_STOP_S: Final = 15.0
_REBUILD_DEATHS_MAX: Final = 3
_TELL_EVERY_S: Final = 10.0
_POSVENTA: Final = str(Path(sys.executable).with_name("posventa"))


class Plan(NamedTuple):
    """What is to run, and where."""

    directory: Path
    kafka: EmbeddedKafka
    clickhouse: EmbeddedClickHouse
    web_port: int
    workers: int
    settings: Settings
    environment: Mapping[str, str]  # with which workers and web page find both engines
    metrics: Sequence[str]  # the address of each worker's metrics; '': it serves none


class Supervisor:
    """Runs a plan in a thread of its own, from start() to stop(). What is read from outside is only ever set here."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        """Starts nothing yet. `say` gets messages for people."""
        self.failure: Exception | None = None  # what ended the supervision
        self.workers_started_at_s: float | None = None  # Unix time
        self.is_rebuilding = False
        self._plan = plan
        self._say = say
        self._processes: dict[str, Supervised] = {}
        self._rebuild: Child | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Starts everything in the background."""
        self._thread.start()

    def processes(self) -> dict[str, Supervised]:
        """What was started so far, by name: kafka, clickhouse, web, worker-0, …"""
        return dict(self._processes)

    def stop(self) -> None:
        """Stops the workers, then ClickHouse, then Kafka: each asked first, and killed when that takes too long."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    # Below here: its thread.

    def _run(self) -> None:
        try:
            self._start_engines()
            if not self._stopping.is_set():
                migrate(self._plan.clickhouse.url)
                self._start_web()
                self._upgrade()
            if not self._stopping.is_set():
                found = current(self._plan.settings)
                for warning in ensure_topics(found.settings, names=found.names):
                    self._say(warning)
                self._give_up_places()
                self._start_workers()
            while not self._stopping.wait(_LOOK_S):
                self._tend()
        except Exception as error:  # handed to who waits or checks, whatever it is
            self.failure = error
        finally:
            self._stop_all()

    def _start_engines(self) -> None:
        """ClickHouse first, since it starts while Kafka's directory is formatted."""
        kafka, clickhouse = self._plan.kafka, self._plan.clickhouse
        self._launch("clickhouse", lambda: self._logging_to("clickhouse", clickhouse.child))
        self._launch("kafka", lambda: self._logging_to("kafka", kafka.prepare()))
        deadline = time.monotonic() + _ENGINES_S_MAX
        waiting: dict[str, Callable[[], bool]] = {
            "clickhouse": partial(clickhouse_answers, clickhouse.open_url),
            "kafka": partial(broker_answers, kafka.bootstrap),
        }
        while not self._stopping.is_set():
            waiting = {name: answers for name, answers in waiting.items() if not answers()}
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise Unavailable(f"no answer from {', '.join(waiting)} after {_ENGINES_S_MAX:.0f} s")
            self._tend()
            time.sleep(0.05)

    def _give_up_places(self) -> None:
        """Workers of an earlier start, with more of them, would be waited for until their sessions end."""
        kept = {self._state_of(f"worker-{number}") for number in range(self._plan.workers)}
        gone = set((self._plan.directory / "workers").glob("worker-*")) - kept
        leave(self._plan.settings, [name for directory in sorted(gone) if (name := name_in(directory))])

    def _state_of(self, name: str) -> Path:
        return self._plan.directory / "workers" / name

    def _upgrade(self) -> None:
        """Numbers that no worker of this version goes on with are made anew first; until then those of before are shown."""
        if not must_be_rebuilt(self._plan.settings):
            return
        self._say(
            "these numbers are of an older version, or a rebuild is half done: making them anew; this may take a while"
        )
        self.is_rebuilding, deaths, told_at = True, 0, time.monotonic()
        state = {"POSVENTA_STATE_DIR": str(self._plan.directory / "workers")}
        self._rebuild = self._child("rebuild", [sys.executable, _POSVENTA, "rebuild"], state)()
        self._rebuild.start()
        while not self._stopping.wait(_LOOK_S):
            self._tend()
            if self._rebuild.exit_code == 0:
                self._say("they are made anew, and in use")
                break
            if not self._rebuild.running:
                deaths += 1
                if deaths >= _REBUILD_DEATHS_MAX:
                    raise Unavailable(f"the numbers can't be made anew:\n{self._rebuild.cause()}")
                self._rebuild.start()
            if time.monotonic() - told_at > _TELL_EVERY_S:
                told_at = time.monotonic()
                self._say(self._rebuild.last_lines(1))
        self.is_rebuilding = False

    def _start_workers(self) -> None:
        self.workers_started_at_s = time.time()
        for number in range(self._plan.workers):
            name = f"worker-{number}"
            own = _own_settings(self._state_of(name), self._plan.metrics[number])
            self._launch(name, self._child(name, [sys.executable, _POSVENTA, "worker"], own))

    def _start_web(self) -> None:
        web = [sys.executable, "-m", "streams.embedded.web", "--port", str(self._plan.web_port)]
        self._launch("web", self._child("web", web, {}))

    def _child(self, name: str, command: list[str], more: Mapping[str, str]) -> Callable[[], Child]:
        child = self._logging_to(name, Child(command, Path(), {**self._plan.environment, **more}))
        return lambda: child

    def _logging_to(self, name: str, child: Child) -> Child:
        child.log = self._plan.directory / "logs" / f"{name}.log"
        return child

    def _launch(self, name: str, launch: Callable[[], Child]) -> None:
        self._processes[name] = Supervised(name, launch, self._say)
        self._processes[name].start(time.monotonic())

    def _tend(self) -> None:
        for process in self._processes.values():
            process.tend(time.monotonic())

    def _stop_all(self) -> None:
        if self._rebuild is not None:
            self._rebuild.stop(_WORKER_STOP_S)
        children = {name: process.child for name, process in self._processes.items() if process.child}
        first = [child for name, child in children.items() if name not in ("kafka", "clickhouse")]
        for child in first:
            child.ask_to_stop()
        deadline = time.monotonic() + _WORKER_STOP_S
        for child in first:
            child.wait_or_kill(max(0.0, deadline - time.monotonic()))
        for name in ("clickhouse", "kafka"):
            if name in children:
                children[name].stop(_ENGINE_STOP_S)


def _own_settings(state: Path, metrics: str) -> dict[str, str]:
    """What no two workers of a machine may share."""
    return {"POSVENTA_STATE_DIR": str(state), "POSVENTA_METRICS_LISTEN": metrics}
