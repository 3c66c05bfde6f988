"""What a full disk keeps out of a local copy: the newer records, in memory and bounded; and whether there is room again.

Owns these records. Never writes them. Invariant: of a key the record added last counts.
"""

import errno
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

# Of one copy: some minutes of an ordinary stream.
BYTES_MAX: Final = 8 << 20

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # the disk, a quota, RLIMIT_FSIZE


class Unwritten:
    """Of one copy. In ordinary times it holds what is just being written."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes | None] = {}
        self.is_waiting = False  # for room
        self._size_bytes = 0  # of all that was ever added since it waits: at least that of those which are left

    @property
    def is_too_much(self) -> bool:
        """Whether memory must not take more."""
        return self._size_bytes > BYTES_MAX

    def add(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Takes records; a None deletes."""
        if self.is_waiting:
            records = list(records)
            self._size_bytes += sum(len(key) + len(value or b"") for key, value in records)
        self.records.update(records)

    def wait(self) -> None:
        """They could not be written."""
        if not self.is_waiting:
            self.is_waiting = True
            self.add(list(self.records.items()))

    def clear(self) -> None:
        """They are written."""
        self.records.clear()
        self.is_waiting, self._size_bytes = False, 0

    def over(self, keys: Sequence[bytes], values: list[bytes | None]) -> list[bytes | None]:
        """The values of keys, where these are older ones."""
        if not self.records:
            return values
        return [self.records.get(key, value) for key, value in zip(keys, values, strict=True)]


def lacks_room(directory: Path, size_bytes: int) -> bool:
    """Whether so much can't be written in a directory: tried, since quotas and limits of a process tell nobody before."""
    try:
        with tempfile.TemporaryFile(dir=directory) as tried:
            tried.write(bytes(size_bytes))
            tried.flush()
    except OSError as error:
        return error.errno in _FULL
    return False
