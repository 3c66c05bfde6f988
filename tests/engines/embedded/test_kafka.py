"""The embedded broker: its data outlives it, its jars are fetched once and whole, and nothing of it is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from streams.embedded.child import LOG_BYTES_MAX, Child
from streams.embedded.jars import kafka_jars, kafka_jars_directory
from streams.embedded.kafka import EmbeddedKafka, broker_answers
from streams.embedded.supervised import Supervised


def until(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not within the deadline"
        time.sleep(0.05)


def _gone(pid: int) -> bool:
    """No such process, or one that only waits to be reaped by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_records_outlive_a_kill_and_a_stop(tmp_path: Path) -> None:
    for number in range(3):
        broker = EmbeddedKafka(tmp_path)
        broker.start()
        try:
            if number == 0:
                admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
                admin.create_topics([NewTopic("t", 1, 1)])
                admin.close()
            producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
            producer.send("t", b"x").get(20)
            producer.close()
            consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
            assert consumer.end_offsets([TopicPartition("t", 0)])[TopicPartition("t", 0)] == number + 1
            consumer.close()
        finally:
            broker.kill() if number == 0 else broker.stop()
        assert not broker_answers(broker.bootstrap)


def test_a_topic_nobody_made_does_not_come_by_itself(kafka: str) -> None:
    consumer = KafkaConsumer("never-made", bootstrap_servers=kafka)
    consumer.poll(500)
    assert "never-made" not in consumer.topics()
    consumer.close()


def test_the_jars_directory_follows_xdg() -> None:
    assert kafka_jars_directory({}, Path("/h")) == Path("/h/.cache/posventa/kafka-4.1.1")
    assert kafka_jars_directory({"XDG_CACHE_HOME": "/c"}, Path("/h")) == Path("/c/posventa/kafka-4.1.1")


def test_the_jars_are_of_one_kafka_and_log_somewhere() -> None:
    names = {jar.name for jar in kafka_jars()}
    assert {"kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar", "log4j-slf4j-impl-2.24.3.jar"} <= names
    assert len({name for name in names if name.startswith("slf4j-api")}) == 1


def test_no_network_for_the_jars_is_a_clear_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"  # the discard port: nothing listens
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment |= {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "http_proxy": nowhere, "https_proxy": nowhere}
    environment |= {"NO_PROXY": "", "no_proxy": ""}
    command = [sys.executable, "-m", "streams.embedded.jars"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "cannot fetch Apache Kafka 4.1.1 from Maven Central" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in (tmp_path / "cache" / "posventa").iterdir() if path.is_dir()]


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from streams.embedded.child import Child\n"
        "child = Child(['/bin/sleep', '600'], pathlib.Path(sys.argv[1], 'log'))\n"
        "child.start()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    until(lambda: "600" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1])  # it has become the command
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: _gone(pid))


def test_a_log_stays_bounded_and_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * LOG_BYTES_MAX + b"\nthe end\n")
    child = Child(["/bin/true"], log)
    child.bound_log()
    assert log.stat().st_size == 0
    kept = log.with_name("log.1").read_bytes()
    assert len(kept) <= LOG_BYTES_MAX
    assert kept.endswith(b"\nthe end\n")


def test_who_keeps_dying_waits_ever_longer_until_a_healthy_minute(tmp_path: Path) -> None:
    said: list[str] = []
    patient = Supervised("ill", lambda: Child(["/bin/true"], tmp_path / "ill.log"), said.append)
    now = 0.0
    patient.start(now)
    for lived, delay in ((1, 0.5), (1, 1), (59, 2), (60, 0.5), (1, 1)):
        child = patient.child
        assert child is not None
        until(lambda child=child: not child.running)  # type: ignore[misc]
        patient.tend(now + lived)
        assert f"started again in {delay:g} s" in said[-1]
        now += lived + delay
        patient.tend(now)


def test_who_dies_is_started_again_when_it_is_time_and_one_message_tells(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child(["/bin/sh", "-c", "echo I am ill; exit 3"], tmp_path / "ill.log")
    patient = Supervised("ill", lambda: child, said.append)
    patient.start(0.0)
    first = child.pid
    until(lambda: not child.running)
    patient.tend(1.0)
    patient.tend(1.4)
    assert child.pid == first
    assert len(said) == 1
    assert "ill exited with 3; started again in 0.5 s" in said[0]
    assert "I am ill" in said[0]
    patient.tend(1.5)
    assert child.pid != first
    child.stop()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_child_that_ignores_sigterm_is_killed_in_time(tmp_path: Path, end: signal.Signals) -> None:
    script = (
        "trap '' TERM; echo ready; while :; do /bin/sleep 0.05; done"
        if end == signal.SIGKILL
        else "echo ready; exec /bin/sleep 600"
    )
    child = Child(["/bin/sh", "-c", script], tmp_path / "log")
    child.start()
    until(lambda: "ready" in child.last_lines())
    child.stop(0.5)
    assert child.exit_code == -end
