"""Processes below ours: none outlives us, each may be ended, and what dies is started again."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.embedded.child import LOG_BYTES_MAX, Child
from streams.embedded.supervised import Supervised
from tests.support.processes import gone, until


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from streams.embedded.child import Child\n"
        "child = Child(['/bin/sleep', '600'], pathlib.Path(sys.argv[1], 'log'))\n"
        "child.start()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            until(
                lambda: Path(f"/proc/{pid}/cmdline").read_text().startswith("/bin/sleep")
            )  # it has become the command
        finally:
            parent.kill()
    until(lambda: gone(pid))


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
    last = patient.child
    assert last is not None
    until(lambda: not last.running)


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


NOISE = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo noise $n; done"


@pytest.mark.parametrize(
    ("script", "told", "untold"),
    [
        (
            f"echo posventa: POSVENTA_X is no setting; echo posventa: no answer; {NOISE}; exit 1",
            "posventa: no answer",
            "X",
        ),
        (f"echo 2026-11-27T20:41:58,123 ERROR KafkaServer no room; {NOISE}; exit 1", "KafkaServer no room", "noise 12"),
        (f"echo posventa: careful; {NOISE}; kill -9 $$", "noise 12", "careful"),
        (f"{NOISE}; echo Traceback; echo the last word; exit 1", "the last word", "noise 1\n"),
        (f"echo posventa: careful; {NOISE}; exit 0", "noise 12", "careful"),
    ],
)
def test_an_obituary_tells_the_cause_and_not_what_follows_it(
    tmp_path: Path, script: str, told: str, untold: str
) -> None:
    said: list[str] = []
    child = Child(["/bin/sh", "-c", script], tmp_path / "ill.log")
    patient = Supervised("ill", lambda: child, said.append)
    patient.start(0.0)
    until(lambda: not child.running)
    patient.tend(1.0)
    assert told in said[0]
    assert untold not in said[0]
    assert len(said[0].splitlines()) <= 9


def test_an_obituary_tells_nothing_of_an_earlier_life(tmp_path: Path) -> None:
    said: list[str] = []
    mark = tmp_path / "mark"
    script = f"if test -e {mark}; then exit 3; fi; touch {mark}; echo posventa: of the first life; exit 1"
    child = Child(["/bin/sh", "-c", script], tmp_path / "ill.log")
    patient = Supervised("ill", lambda: child, said.append)
    patient.start(0.0)
    for now in (1.0, 2.0):
        until(lambda: not child.running)
        patient.tend(now)
        patient.tend(now + 0.9)
    assert [line.count("of the first life") for line in said] == [1, 0]
    assert "exited with 3" in said[1]


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
