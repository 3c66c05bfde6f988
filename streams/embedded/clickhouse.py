"""The embedded ClickHouse as a process of its own: the engine with its HTTP interface on loopback.

Owns the process; sinks/embedded/ is the program that it runs.
"""

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from streams.embedded.child import LOOPBACK, Child, free_port
from streams.embedded.password import as_writer, found_password, keep_password, new_password
from streams.errors import Unavailable


class EmbeddedClickHouse:
    """ClickHouse in `directory`, answering on `port`. Its data outlives it: start another on the same directory."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        """Starts and writes nothing yet. Port 0 chooses a free one."""
        self.port = port or free_port()
        directory = directory.resolve()
        self._beside = directory.parent
        self._password = found_password(self._beside) or new_password()
        command = [sys.executable, "-m", "sinks.embedded", "--dir", str(directory), "--port", str(self.port)]
        self.child = Child(command, directory / "clickhouse.log", {"CLICKHOUSE_PASSWORD": self._password})

    @property
    def url(self) -> str:
        """What who writes connects to: with user and password."""
        return as_writer(self.open_url, self._password)

    @property
    def open_url(self) -> str:
        """What anyone may connect to, to read the views."""
        return f"http://{LOOPBACK}:{self.port}"

    def keep_password(self) -> None:
        """Writes the password beside the directory, for people. Raises Misuse."""
        keep_password(self._beside, self._password)

    def start(self, wait_s: float = 60) -> None:
        """Starts it and returns when it answers. Raises Unavailable with the end of its log when it does not."""
        self.keep_password()
        self.child.start()
        deadline = time.monotonic() + wait_s
        while not clickhouse_answers(self.open_url):
            if not self.child.running or time.monotonic() > deadline:
                said = self.child.cause()
                self.stop()
                raise Unavailable(
                    f"ClickHouse on {self.open_url} did not come up (exit {self.child.exit_code}):\n{said}"
                )
            time.sleep(0.05)

    def stop(self, seconds: float = 15) -> None:
        """Stops it cleanly, or not so cleanly after so many seconds."""
        self.child.stop(seconds)

    def kill(self) -> None:
        """SIGKILL: what a crash does."""
        self.child.kill()


def clickhouse_answers(url: str) -> bool:
    """Whether it answers a ping."""
    try:
        with urllib.request.urlopen(f"{url}/ping", timeout=2) as answer:  # noqa: S310 - http, loopback
            return bool(answer.read() == b"Ok.\n")
    except (urllib.error.URLError, OSError):
        return False
