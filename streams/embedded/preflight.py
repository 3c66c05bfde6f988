"""What must hold before anything is started here: a directory of one's own, room, free ports.

Every refusal is a Misuse that says what to type instead.
"""

import fcntl
import os
import shutil
import socket
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from streams.embedded.child import LOOPBACK
from streams.errors import Misuse

ROOM_BYTES_MIN: Final = 1_000_000_000  # empty engines take 0.3 GB; the rest is for a first day of events
_KEPT: Final = ("kafka", "clickhouse", "workers", "logs")
_PORT_PATIENCE_S: Final = 3.0  # processes of an `up` that was killed a moment ago may be on their way out


def claim_directory(directory: Path) -> IO[str]:
    """Makes the directory ours until the returned file is closed, and what is kept in it unreadable to others.

    Raises Misuse when it is another's, or unusable.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _require_own(directory)
        lock = (directory / "up.lock").open("a+")
        for name in _KEPT:
            (directory / name).mkdir(exist_ok=True)
            (directory / name).chmod(0o700)  # an earlier version left them readable
    except OSError as error:
        raise Misuse(f"--dir {directory}: cannot write there ({error.strerror}); choose another directory") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise Misuse(
            f"--dir {directory}: in use by another `posventa up` (process {owner}); stop that one, or choose another"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _require_own(directory: Path) -> None:
    found = directory.stat()
    if found.st_uid != os.geteuid():
        raise Misuse(f"--dir {directory}: belongs to another user ({found.st_uid}); choose a directory of your own")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Misuse(f"--dir {directory}: other users may write there; say chmod go-w {directory}, or choose another")


def require_room(directory: Path, bytes_min: int = ROOM_BYTES_MIN) -> None:
    """Raises Misuse when the disk of `directory` is too full to start."""
    free = shutil.disk_usage(directory).free
    if free < bytes_min:
        raise Misuse(
            f"--dir {directory}: {free / 1e9:.1f} GB free on its disk, {bytes_min / 1e9:.1f} GB needed; "
            "free some, or choose a --dir on another disk"
        )


def require_port(option: str, port: int, patience_s: float = _PORT_PATIENCE_S) -> None:
    """Raises Misuse when something listens on that port of loopback, and still does after a little patience."""
    deadline = time.monotonic() + patience_s
    while not _is_free(port):
        if time.monotonic() > deadline:
            raise Misuse(f"{option} {port}: the port is taken; choose another, or 0 for any free one")
        time.sleep(0.1)


def require_ports(ports: Mapping[str, int]) -> None:
    """Raises Misuse when two options ask for one port, or one for a port that is taken. 0 is any free one."""
    asked = {option: port for option, port in ports.items() if port}
    for option, port in asked.items():
        if others := [other for other in asked if other != option and asked[other] == port]:
            raise Misuse(f"{option} {port}: {others[0]} is {port} too; choose another, or 0 for any free one")
        require_port(option, port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError as error:
            raise Misuse(f"port {port}: this user may not listen there; choose one above 1023") from error
        except OSError:
            return False
    return True
