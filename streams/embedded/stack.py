"""The whole of posventa on this machine: Kafka, ClickHouse, workers and web page, supervised by one thread.

Used by `posventa up`, `posventa demo` and the tests. Owns the directory while it runs: kafka/, clickhouse/, workers/, logs/.
Invariant: every process is started by the supervising thread and dies with it, so nothing outlives this process.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

from pydantic import SecretStr

from sinks.client import connect
from sinks.errors import SinkError
from sinks.migrate import migrate
from sinks.reading import freshness
from streams.brokers.creation import ensure_topics
from streams.embedded.child import LOOPBACK, Child, free_port
from streams.embedded.clickhouse import EmbeddedClickHouse, clickhouse_answers
from streams.embedded.jars import kafka_jars, require_packages
from streams.embedded.kafka import EmbeddedKafka, broker_answers
from streams.embedded.preflight import claim_directory, require_port, require_room
from streams.embedded.supervised import Supervised
from streams.errors import PosventaError, Unavailable
from streams.settings import Settings, load_settings

_LOOK_S: Final = 0.2  # between two looks at the processes
_ENGINES_S_MAX: Final = 60.0  # for Kafka and ClickHouse to answer: they take 3 s
_DEATHS_MAX: Final = 3  # of one process before everything is ready: then it is no accident
_WORKER_STOP_S: Final = 20.0  # a worker finishes its units and flushes
_ENGINE_STOP_S: Final = 15.0


class Addresses(NamedTuple):
    """Where everything listens."""

    kafka: str
    clickhouse: str
    web: str


def _to_stderr(message: str) -> None:
    print(f"posventa: {message}", file=sys.stderr, flush=True)


class Stack:
    """Everything on one directory. `start()`, `wait_ready()`, …, `stop()`; or as a context manager, which does all three."""

    def __init__(
        self, directory: Path, *, workers: int = 1, kafka_port: int = 0, http_port: int = 0, web_port: int = 0,
        say: Callable[[str], None] = _to_stderr,
    ) -> None:  # fmt: skip
        """Starts nothing yet; port 0 means any free one. Raises Misuse for bad POSVENTA_* variables."""
        self.directory = directory.resolve()
        self._worker_count = workers
        self._ports = {"--kafka-port": kafka_port, "--http-port": http_port, "--web-port": web_port}
        self._kafka = EmbeddedKafka(self.directory / "kafka", kafka_port)
        self._clickhouse = EmbeddedClickHouse(self.directory / "clickhouse", http_port)
        self._web_port = web_port or free_port()
        self._say = say
        self._processes: dict[str, Supervised] = {}
        self._stopping = threading.Event()
        self._workers_started_at_s: float | None = None  # Unix time
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None
        self._lock: IO[str] | None = None
        self.settings = _settings(self.addresses)

    @property
    def addresses(self) -> Addresses:
        """Known from the start, answered when ready."""
        web = f"http://{LOOPBACK}:{self._web_port}"
        return Addresses(self._kafka.bootstrap, self._clickhouse.url, web)

    @property
    def environment(self) -> dict[str, str]:
        """The POSVENTA_* variables with which any other command finds this stack."""
        return _environment(self.addresses)

    def start(self) -> None:
        """Checks what must hold, then starts everything in the background. Raises Misuse or PosventaError."""
        require_packages()
        self._lock = claim_directory(self.directory)
        try:
            require_room(self.directory)
            for option, port in self._ports.items():
                if port:
                    require_port(option, port)
            kafka_jars()
        except PosventaError:
            self._lock.close()
            raise
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._thread.start()

    def wait_ready(self, give_up: threading.Event | None = None, wait_s: float = 120) -> bool:
        """Waits until every partition has reported to ClickHouse since this start; False when told to give up before.

        Raises what failed, or Unavailable after `wait_s` seconds.
        """
        give_up = give_up or threading.Event()
        deadline = time.monotonic() + wait_s
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise Unavailable(f"not ready after {wait_s:.0f} s; see the logs in {self.directory / 'logs'}")
            if give_up.wait(_LOOK_S):
                return False
        return True

    def check(self) -> None:
        """Raises what made the supervision end, if anything did."""
        if self._failure is not None:
            raise self._failure

    def processes(self) -> dict[str, int]:
        """The process ids of what runs now, by name: kafka, clickhouse, web, worker-0, …"""
        children = {name: supervised.child for name, supervised in dict(self._processes).items()}
        return {name: child.pid for name, child in children.items() if child and child.running and child.pid}

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to the process of that name, as somebody else might. It will be restarted if it dies of it."""
        os.kill(self.processes()[name], number)

    def stop(self) -> None:
        """Stops the workers, then ClickHouse, then Kafka: each asked first, and killed when that takes too long."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Below here: the supervising thread.

    def _supervise(self) -> None:
        try:
            self._start_engines()
            if not self._stopping.is_set():
                ensure_topics(self.settings)
                migrate(self.addresses.clickhouse)
                self._start_rest()
            while not self._stopping.wait(_LOOK_S):
                self._tend()
        except Exception as error:  # handed to who waits or checks, whatever it is
            self._failure = error
        finally:
            self._stop_all()

    def _start_engines(self) -> None:
        """ClickHouse first, since it starts while Kafka's directory is formatted."""
        self._launch("clickhouse", lambda: self._logging_to("clickhouse", self._clickhouse.child))
        self._launch("kafka", lambda: self._logging_to("kafka", self._kafka.prepare()))
        deadline = time.monotonic() + _ENGINES_S_MAX
        waiting: dict[str, Callable[[], bool]] = {
            "clickhouse": partial(clickhouse_answers, self.addresses.clickhouse),
            "kafka": partial(broker_answers, self.addresses.kafka),
        }
        while not self._stopping.is_set():
            waiting = {name: answers for name, answers in waiting.items() if not answers()}
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise Unavailable(f"no answer from {', '.join(waiting)} after {_ENGINES_S_MAX:.0f} s")
            self._tend()
            time.sleep(0.05)

    def _start_rest(self) -> None:
        posventa = str(Path(sys.executable).with_name("posventa"))
        self._workers_started_at_s = time.time()
        for number in range(self._worker_count):
            name = f"worker-{number}"
            state = {"POSVENTA_STATE_DIR": str(self.directory / "workers" / name)}
            self._launch(name, self._child(name, [sys.executable, posventa, "worker"], state))
        web = [sys.executable, "-m", "streams.embedded.web", "--port", str(self._web_port)]
        self._launch("web", self._child("web", web, {}))

    def _child(self, name: str, command: list[str], more: Mapping[str, str]) -> Callable[[], Child]:
        child = self._logging_to(name, Child(command, Path(), {**self.environment, **more}))
        return lambda: child

    def _logging_to(self, name: str, child: Child) -> Child:
        child.log = self.directory / "logs" / f"{name}.log"
        return child

    def _launch(self, name: str, launch: Callable[[], Child]) -> None:
        self._processes[name] = Supervised(name, launch, self._say)
        self._processes[name].start(time.monotonic())

    def _tend(self) -> None:
        for process in self._processes.values():
            process.tend(time.monotonic())

    def _stop_all(self) -> None:
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

    # And back in the caller's thread.

    def _is_ready(self) -> bool:
        hopeless = [process for process in dict(self._processes).values() if process.deaths >= _DEATHS_MAX]
        if hopeless:
            child = hopeless[0].child
            raise Unavailable(f"{hopeless[0].name} keeps dying:\n{child.last_lines() if child else ''}")
        if self._workers_started_at_s is None or not clickhouse_answers(self.addresses.web):
            return False
        return self._worker_count == 0 or self._all_reported(self._workers_started_at_s)

    def _all_reported(self, since_s: float) -> bool:
        try:
            client = connect(self.addresses.clickhouse)
            try:
                rows = freshness(client)
            finally:
                client.close()
        except SinkError:
            return False  # ClickHouse is being restarted; the deadline is the caller's
        expected = 2 * self.settings.partitions + 1  # both source topics, and the total
        fresh = [row for row in rows if row["as_of"].timestamp() >= since_s and row["status"] != "stalled"]
        return len(fresh) == len(rows) == expected


def _environment(addresses: Addresses) -> dict[str, str]:
    """Whatever servers the user's own variables name, here it is this stack, without security, on one broker."""
    return {
        "POSVENTA_KAFKA": addresses.kafka,
        "POSVENTA_KAFKA_REPLICATION": "1",
        "POSVENTA_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
        "POSVENTA_CLICKHOUSE": addresses.clickhouse,
        "CLICKHOUSE_USER": "",
        "CLICKHOUSE_PASSWORD": "",
    }


def _settings(addresses: Addresses) -> Settings:
    return load_settings().model_copy(
        update={
            "kafka": addresses.kafka,
            "kafka_replication": 1,
            "kafka_security_protocol": "PLAINTEXT",
            "clickhouse": SecretStr(addresses.clickhouse),
        }
    )
