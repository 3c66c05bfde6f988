"""posventa up, started as a user starts it: one directory, killed and started again in every way."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from kafka.admin import KafkaAdminClient

from sinks.client import connect
from streams.brokers.topics import BY_SALE, DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.embedded.child import free_port
from streams.embedded.clickhouse import clickhouse_answers
from streams.embedded.kafka import broker_answers
from streams.embedded.password import as_writer
from tests.pure.embedded.test_preflight import refused
from tests.support.commands_page import keys_of
from tests.support.processes import POSVENTA, gone, until

PARTITIONS: Final = 2  # quicker than 8, and passed through to the topics

pytestmark = pytest.mark.e2e


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def open_to_others(directory: Path) -> str:
    """What another account of this machine may read, write or enter, a line each."""
    found = ["find", str(directory), "-perm", "/077", "-not", "-type", "l"]
    return subprocess.run(found, capture_output=True, text=True, check=False).stdout


class Up:
    """One running `posventa up`."""

    def __init__(self, directory: Path, *options: str, **more: str) -> None:
        command = [POSVENTA, "up", "--json", "--dir", str(directory), *options]
        for option in ("--kafka-port", "--http-port", "--web-port"):
            command += [] if option in options else [option, "0"]
        self.messages = directory.with_name(f"{directory.name}.stderr")
        with self.messages.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True,
                env=os.environ | {"POSVENTA_PARTITIONS": str(PARTITIONS)} | more,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline() or "null")
        assert self.ready, self.messages.read_text()
        self.pids: dict[str, int] = self.ready["processes"]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(70)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory whose `up`, if a test left it running, is ended by its pid."""
    yield tmp_path / "stack"
    lock = tmp_path / "stack" / "up.lock"
    if lock.exists() and (pid := int(lock.read_text() or 0)) and not gone(pid):
        os.kill(pid, signal.SIGKILL)


def test_up_goes_on_where_it_stopped_and_leaves_nothing_behind(directory: Path) -> None:
    passwords: set[str] = set()
    for end in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        up = Up(directory, POSVENTA_METRICS_LISTEN=(metrics := f"127.0.0.1:{free_port()}"))
        assert list(up.ready) == keys_of("up")
        assert set(up.pids) == {"kafka", "clickhouse", "worker-0", "web"}
        assert up.ready["metrics"] == [f"http://{metrics}/metrics"]
        assert "\nposventa_worker_answers 1.0\n" in _get(up.ready["metrics"][0])[1]
        workers = [name for name, pid in up.pids.items() if "posventa worker" in _command_line(pid)]
        assert workers == ["worker-0"]
        admin = KafkaAdminClient(bootstrap_servers=up.ready["kafka"])
        topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        admin.close()
        assert all(topics[name] == PARTITIONS for name in (SALES, FEEDBACK, DEAD_LETTERS, STATE))
        password = (directory / "clickhouse.password").read_text().strip()
        client = connect(as_writer(up.ready["clickhouse"], password))
        client.command("CREATE TABLE IF NOT EXISTS lives (a Int64) ENGINE = MergeTree ORDER BY a")
        client.command("INSERT INTO lives VALUES (1)")
        lives = client.command("SELECT count() FROM lives")
        reported = client.query("SELECT topic, partition, status FROM freshness_now").result_rows
        client.close()
        assert len(reported) == 2 * PARTITIONS + 1
        assert open_to_others(directory) == ""
        passwords.add(password)
        code = up.end(end)
        assert code == (-signal.SIGKILL if end == signal.SIGKILL else 0), up.messages.read_text()
        for pid in up.pids.values():
            until(lambda pid=pid: gone(pid), 5)  # type: ignore[misc]
    assert lives == 3
    assert len(passwords) == 1  # made once
    assert (directory / "clickhouse.password").stat().st_mode & 0o777 == 0o600


def test_other_commands_find_the_password_and_anyone_may_read(directory: Path) -> None:
    up = Up(directory, "--workers", "0")
    environment = os.environ | {"POSVENTA_CLICKHOUSE": up.ready["clickhouse"], "POSVENTA_KAFKA": up.ready["kafka"]}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [POSVENTA, *command], capture_output=True, text=True, timeout=60, check=False, env=environment,
            cwd=directory.parent,
        )  # fmt: skip

    assert run("migrate", "--dir", str(directory)).stdout == "up to date\n"
    without = run("migrate")
    assert without.returncode == 1
    assert "user and password of POSVENTA_CLICKHOUSE are refused, or lack a right" in without.stderr
    assert run("report", "--json").returncode == 0
    assert up.end(signal.SIGTERM) == 0


def test_what_dies_is_started_again_with_a_message(directory: Path) -> None:
    up = Up(directory, "--workers", "1")
    for name in ("worker-0", "web", "clickhouse", "kafka"):
        os.kill(up.pids[name], signal.SIGKILL)
    for name in ("worker-0", "web", "clickhouse", "kafka"):
        until(lambda name=name: f"{name} was ended by signal 9; started again in 0.5 s" in up.messages.read_text())  # type: ignore[misc]
    until(lambda: clickhouse_answers(up.ready["web"]))
    until(lambda: clickhouse_answers(up.ready["clickhouse"]))
    until(lambda: broker_answers(up.ready["kafka"]))
    assert up.end(signal.SIGTERM) == 0


def test_fewer_workers_than_before_are_waited_for_no_longer(directory: Path) -> None:
    session = {"POSVENTA_SESSION_TIMEOUT": "5m"}  # far beyond what `up` has time for until it is ready
    assert Up(directory, "--workers", "2", **session).end(signal.SIGTERM) == 0
    up = Up(directory, "--workers", "1", **session)
    assert "worker-1" not in up.pids
    assert up.end(signal.SIGTERM) == 0


def test_a_second_up_and_taken_ports_are_refused_with_what_to_do(directory: Path, tmp_path: Path) -> None:
    up = Up(directory, "--workers", "0")
    second = refused("--dir", str(directory))
    assert f"in use by another `posventa up` (process {up.process.pid})" in second
    for option, server in (("--kafka-port", up.ready["kafka"]), ("--http-port", up.ready["clickhouse"])):
        port = server.rpartition(":")[2]
        assert f"{option} {port}: the port is taken" in refused("--dir", str(tmp_path / "other"), option, port)
    assert up.end(signal.SIGTERM) == 0


def test_health_tells_of_a_kafka_that_is_frozen(directory: Path) -> None:
    up = Up(directory)

    def health() -> int:
        try:
            return int(urllib.request.urlopen(f"{up.ready['web']}/health", timeout=10).status)  # noqa: S310
        except urllib.error.HTTPError as error:
            return error.code

    assert health() == 200
    os.kill(up.pids["kafka"], signal.SIGSTOP)
    until(lambda: health() == 503)
    os.kill(up.pids["kafka"], signal.SIGCONT)
    until(lambda: health() == 200)
    assert up.end(signal.SIGTERM) == 0


def test_settings_that_are_not_the_states_are_misuse(directory: Path) -> None:
    assert Up(directory).end(signal.SIGTERM) == 0
    same = os.environ | {"POSVENTA_PARTITIONS": str(PARTITIONS)}
    said = refused("--dir", str(directory), environment=same | {"POSVENTA_PARTITIONS": "3"})
    assert f"POSVENTA_PARTITIONS=3, but {BY_SALE} has {PARTITIONS}, " in said
    said = refused("--dir", str(directory), environment=same | {"POSVENTA_PANE": "10m"})
    assert "set POSVENTA_PANE to what it was" in said


def test_the_page_speaks_both_languages_and_health_tells(directory: Path) -> None:
    up = Up(directory, "--workers", "0")
    web = up.ready["web"]
    english, spanish = _get(web), _get(web, "es-MX,es;q=0.9")
    assert "<html lang=en>" in english[1]
    assert "<html lang=es>" in spanish[1]
    assert "default-src 'none'" in english[0]["Content-Security-Policy"]
    assert up.ready["kafka"] in english[1]
    assert up.end(signal.SIGTERM) == 0


def _get(url: str, accepted: str = "") -> tuple[dict[str, str], str]:
    request = urllib.request.Request(url, headers={"Accept-Language": accepted})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return dict(answer.headers), answer.read().decode()
