"""Real processes: the program as it is installed, and waiting for what they do."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

POSVENTA: Final = str(Path(sys.executable).with_name("posventa"))


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Polls a condition, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """No such process, or one that only waits to be reaped by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
