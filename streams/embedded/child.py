"""One child process: started tied to its parent, logging to a bounded file, stopped within a given time.

Owns the process and its log file. Never restarts anything (the supervisor does).
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

LOG_BYTES_MAX: Final = 10_000_000  # of one log file; the one before it is kept as NAME.log.1
_TETHER: Final = Path(__file__).with_name("tether.py")
LOOPBACK: Final = "127.0.0.1"

# Much may follow what a process failed by: stacks, and what each end is told with. So our commands tell it as their last
# message, and Kafka logs it as an error, in the form that we give its log (embedded/kafka.py).
_LAST_WORDS: Final = re.compile(r"posventa: |\S+ (ERROR|FATAL) ")
_READ_BYTES: Final = 100_000

_ports_given: set[int] = set()  # by this process: what will listen there may not do so yet


def free_port() -> int:
    """A TCP port on loopback that nothing listened on a moment ago, each time another one."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in _ports_given:
            _ports_given.add(port)
            return port


def port_open(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


class Child:
    """A process that ends when the thread that started it ends, at the latest."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """`command[0]` is an absolute path; `environment` is added to ours."""
        self.log = log
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0  # where in the log the latest life began

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process lives; asking also reaps it when it does not."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As subprocess has it: negative for a signal, None while running."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Starts the command; its output is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.bound_log()
        self._began_at = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *self._command]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment,
                start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor alone
            )  # fmt: skip

    def bound_log(self) -> None:
        """Moves a log grown past the limit to NAME.log.1. The process appends, so the file may be cut under it."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            with self.log.open("rb") as full:
                full.seek(-LOG_BYTES_MAX // 2, os.SEEK_END)
                self.log.with_name(f"{self.log.name}.1").write_bytes(full.read())
            os.truncate(self.log, 0)
            self._began_at = 0

    def last_lines(self, count: int = 8) -> str:
        """The end of what this life logged, for a message to people."""
        return "\n".join(self._said()[-count:])

    def cause(self, count: int = 8) -> str:
        """Why it ended, as far as it said so: from its last words on failing, if it ended by itself and had any; else the end
        of what it logged. Of this life alone."""
        said = self._said()
        failed = (self.exit_code or 0) > 0
        words = [place for place, line in enumerate(said) if failed and _LAST_WORDS.match(line)]
        return "\n".join(said[words[-1] :][:count] if words else said[-count:])

    def _said(self) -> list[str]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(max(self._began_at, self.log.stat().st_size - _READ_BYTES))
            return log.read().decode(errors="replace").splitlines()

    def ask_to_stop(self) -> None:
        """Sends SIGTERM when the process runs."""
        if self._process is not None and self.running:
            self._process.terminate()

    def wait_or_kill(self, seconds: float) -> None:
        """Waits so long, then kills. Afterwards the process is gone."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self, seconds: float = 10) -> None:
        """SIGTERM, and SIGKILL when it is not enough. Safe to repeat."""
        self.ask_to_stop()
        self.wait_or_kill(seconds)

    def kill(self) -> None:
        """SIGKILL, and the process is reaped."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
