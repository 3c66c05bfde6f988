"""The whole of posventa on this machine: Kafka, ClickHouse, workers and web page, supervised by one thread.

Used by `posventa up`, `posventa demo` and the tests. Owns the directory while it runs: kafka/, clickhouse/, workers/,
logs/. Never starts or ends a process itself: supervisor.py does, in its thread.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

from sinks.client import connected
from sinks.errors import SinkError
from sinks.generations import read_register
from sinks.reading import freshness
from streams.addresses import ports_after
from streams.embedded.child import LOOPBACK, free_port
from streams.embedded.clickhouse import EmbeddedClickHouse, clickhouse_answers
from streams.embedded.jars import kafka_jars, require_packages
from streams.embedded.kafka import EmbeddedKafka
from streams.embedded.preflight import claim_directory, require_ports, require_room
from streams.embedded.supervisor import Plan, Supervisor
from streams.errors import Misuse, PosventaError, Unavailable
from streams.settings import Settings, load_settings, variable

_LOOK_S: Final = 0.2  # between two looks whether all is ready
_MISUSE: Final = 2  # the exit code of a worker that no new start helps
_DEATHS_MAX: Final = 3  # of one process before everything is ready: then it is no accident


class Addresses(NamedTuple):
    """Where everything listens."""

    kafka: str
    clickhouse: str
    web: str


def _to_stderr(message: str) -> None:
    print(f"posventa: {message}", file=sys.stderr, flush=True)


class Stack:
    """Everything on one directory. `start()`, `wait_ready()`, …, `stop()`; a context manager does all three."""

    def __init__(
        self, directory: Path, *, workers: int = 1, kafka_port: int = 0, http_port: int = 0, web_port: int = 0,
        say: Callable[[str], None] = _to_stderr,
    ) -> None:  # fmt: skip
        """Starts nothing yet; port 0 means any free one. Raises Misuse for bad POSVENTA_* variables."""
        self.directory = directory.resolve()
        self._ports = {"--kafka-port": kafka_port, "--http-port": http_port, "--web-port": web_port}
        kafka = EmbeddedKafka(self.directory / "kafka", kafka_port)
        clickhouse = self._clickhouse = EmbeddedClickHouse(self.directory / "clickhouse", http_port)
        web_port = web_port or free_port()
        # Known from the start, answered when ready.
        self.addresses = Addresses(kafka.bootstrap, clickhouse.open_url, f"http://{LOOPBACK}:{web_port}")
        self.settings = load_settings(**_fixed(self.addresses, clickhouse.url))
        self._metrics = _metrics_of(self.settings, workers)
        plan = Plan(
            self.directory, kafka, clickhouse, web_port, workers, self.settings, self.environment, self._metrics
        )
        self._workers = workers
        self._supervisor = Supervisor(plan, say)
        self._lock: IO[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The POSVENTA_* variables with which any other command finds this stack."""
        return {variable(name): value for name, value in _fixed(self.addresses, self._clickhouse.url).items()}

    @property
    def metrics(self) -> list[str]:
        """Where each worker serves its metrics; nowhere unless POSVENTA_METRICS_LISTEN says so."""
        return [f"http://{address}/metrics" for address in self._metrics if address]

    def start(self) -> None:
        """Checks what must hold, then starts everything in the background. Raises Misuse or PosventaError."""
        require_packages()
        self._lock = claim_directory(self.directory)
        try:
            require_room(self.directory)
            self._clickhouse.keep_password()
            require_ports(self._ports)
            kafka_jars()
        except PosventaError:
            self._lock.close()
            raise
        self._supervisor.start()

    def wait_ready(self, give_up: threading.Event | None = None, wait_s: float = 120) -> bool:
        """Waits until every partition has reported to ClickHouse since this start; False when told to give up before.

        Raises what failed, or Unavailable after `wait_s` seconds.
        """
        give_up = give_up or threading.Event()
        deadline = time.monotonic() + wait_s
        while not self._is_ready():
            self.check()
            if self._supervisor.is_rebuilding:  # that takes as long as it takes
                deadline = time.monotonic() + wait_s
            if time.monotonic() > deadline:
                raise Unavailable(f"not ready after {wait_s:.0f} s; see the logs in {self.directory / 'logs'}")
            if give_up.wait(_LOOK_S):
                return False
        return True

    def check(self) -> None:
        """Raises what made the supervision end, if anything did."""
        if self._supervisor.failure is not None:
            raise self._supervisor.failure

    def processes(self) -> dict[str, int]:
        """The process ids of what runs now, by name: kafka, clickhouse, web, worker-0, …"""
        children = {name: process.child for name, process in self._supervisor.processes().items()}
        return {name: child.pid for name, child in children.items() if child and child.running and child.pid}

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to the process of that name, as somebody else might. It will be restarted if it dies of it."""
        os.kill(self.processes()[name], number)

    def stop(self) -> None:
        """Stops the workers, then ClickHouse, then Kafka: each asked first, and killed when that takes too long."""
        self._supervisor.stop()
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

    def _is_ready(self) -> bool:
        hopeless = [process for process in self._supervisor.processes().values() if process.deaths >= _DEATHS_MAX]
        if hopeless:
            child = hopeless[0].child
            says_no = Misuse if child is not None and child.exit_code == _MISUSE else Unavailable
            raise says_no(f"{hopeless[0].name} keeps dying:\n{child.cause() if child else ''}")
        started_at_s = self._supervisor.workers_started_at_s
        if started_at_s is None or not clickhouse_answers(self.addresses.web):
            return False
        return self._workers == 0 or self._all_reported(started_at_s)

    def _all_reported(self, since_s: float) -> bool:
        try:
            with connected(self._clickhouse.url) as client:
                recipe = read_register(client).recipe
                rows = freshness(client)
        except SinkError:
            return False  # ClickHouse is being restarted; the deadline is the caller's
        partitions = recipe.partitions if recipe else self.settings.partitions
        expected = 2 * partitions + 1  # both source topics, and the total
        fresh = [row for row in rows if row["as_of"].timestamp() >= since_s and row["status"] != "stalled"]
        return len(fresh) == len(rows) == expected


def _metrics_of(settings: Settings, workers: int) -> list[str]:
    """The address that is set for the first worker, and the ports after it for the others."""
    if not settings.metrics_listen:
        return [""] * workers
    try:
        return ports_after(settings.metrics_listen, workers)
    except ValueError as error:
        raise Misuse(f"{variable('metrics_listen')}={settings.metrics_listen}: {error}") from error


def _fixed(addresses: Addresses, clickhouse: str) -> dict[str, str]:
    """Whatever servers the user's own variables name, here it is this stack, without security, on one broker."""
    security = dict.fromkeys((name for name in Settings.model_fields if name.startswith("kafka_security_")), "")
    return security | {
        "kafka": addresses.kafka,
        "kafka_replication": "1",
        "kafka_security_protocol": "PLAINTEXT",
        "kafka_security_sasl_mechanism": "PLAIN",
        "clickhouse": clickhouse,
    }
