"""A worker's directory: one worker at a time, and a name that outlives it.

Owns the lock, the name, and the request to leave. Never touches the partitions' copies in it, but for those of generations
that are over. Invariant: two workers that run at the same time have two directories and two names.
"""

import fcntl
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Final

from streams.errors import Misuse

_NAME_FILE: Final = "worker"
_LEAVE_FILE: Final = "leave"


def name_in(directory: Path) -> str | None:
    """The name of the worker that has used a directory; None when none has."""
    try:
        return (directory / _NAME_FILE).read_text(encoding="ascii") or None
    except (OSError, UnicodeDecodeError):
        return None


class LeaveRequest:
    """What somebody asks of the worker that uses a directory: to stop, and to leave the group. A file, so that it needs
    neither a port nor the process id, and reaches a worker in a container of its own."""

    def __init__(self, directory: Path) -> None:
        """Asks nothing yet."""
        self._file = directory / _LEAVE_FILE

    def ask(self) -> None:
        """Asks for it. Raises OSError."""
        self._file.touch()

    def take_back(self) -> None:
        """Nothing is asked any more: a worker that starts is meant to run."""
        self._file.unlink(missing_ok=True)

    @property
    def is_asked(self) -> bool:
        """Whether the worker is asked to leave."""
        return self._file.exists()


class StateDirectory:
    """Held until it is closed or the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        """Creates the directory when it is missing. Raises Misuse when it can't be used, or another worker uses it."""
        self._directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = (directory / _NAME_FILE).open("a+")
        except OSError as error:
            raise Misuse(f"POSVENTA_STATE_DIR={directory}: {error.strerror}; choose a directory to write in") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise Misuse(
                f"POSVENTA_STATE_DIR={directory}: another worker uses this directory; give each worker one of its own"
            ) from error
        self._file.seek(0)
        self.name = self._file.read() or self._named()

    def forget_all_but(self, copies: str) -> None:
        """Deletes the local copies of every generation but the one whose folder this is ('' is the first one's)."""
        for found in self._directory.iterdir():
            generation = found.name if re.fullmatch(r"g\d+", found.name) else "" if found.name.isdigit() else None
            if generation is not None and generation != copies:
                shutil.rmtree(found, ignore_errors=True)

    def close(self) -> None:
        """Lets go of it."""
        self._file.close()

    def _named(self) -> str:
        name = uuid.uuid4().hex
        self._file.write(name)
        self._file.flush()
        os.fsync(self._file.fileno())
        return name
