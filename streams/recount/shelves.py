"""Records on disk, sorted into numbered shelves, so that memory holds one shelf at a time and not everything.

Owns the files of one directory. Whoever puts and whoever takes may be other processes, one after the other.
"""

import marshal
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

_SHELF_BYTES: Final = 1 << 18  # written at once: a shelf that has so much waiting
_ALL_BYTES: Final = 1 << 25  # and all of them when so much is waiting together


def shelf_of(count: int, *key: object) -> int:
    """Which of `count` shelves a key belongs to, the same in every process."""
    return crc32("\0".join(map(str, key)).encode()) % count


class Shelves:
    """Numbered shelves in a directory. A record is a tuple of what marshal takes: numbers, texts, bytes, None, tuples."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting: dict[int, bytearray] = {}
        self._bytes = 0
        directory.mkdir(parents=True, exist_ok=True)

    def put(self, number: int, record: tuple[Any, ...]) -> None:
        """Lays a record on a shelf; it is there for others after flush()."""
        data = marshal.dumps(record)
        waiting = self._waiting.setdefault(number, bytearray())
        waiting += data
        self._bytes += len(data)
        if len(waiting) > _SHELF_BYTES:
            self._write(number)
        elif self._bytes > _ALL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes whatever waits."""
        for number in list(self._waiting):
            self._write(number)

    def take(self, number: int) -> Iterator[tuple[Any, ...]]:
        """All records of a shelf, whoever put them there, and clears it."""
        for path in sorted(self._directory.glob(f"{number}.*")):
            with path.open("rb") as file:
                while file.peek(1):
                    yield marshal.load(file)  # noqa: S302 - our own file
            path.unlink()

    def _write(self, number: int) -> None:
        waiting = self._waiting.pop(number)
        self._bytes -= len(waiting)
        with (self._directory / f"{number}.{os.getpid()}").open("ab") as file:
            file.write(waiting)
