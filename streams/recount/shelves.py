"""Records on disk, sorted into numbered shelves, so that memory holds one shelf at a time and not everything.

Owns the files of one directory. Whoever puts and whoever takes may be other processes, one after the other.
"""

import marshal
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

_SHELF_RECORDS: Final = 2_000  # written at once: a shelf that has so many waiting
_ALL_RECORDS: Final = 100_000  # and all of them when so many are waiting together
_LENGTH: Final = struct.Struct("<Q")  # before what was written at once


def shelf_of(count: int, *key: object) -> int:
    """Which of `count` shelves a key belongs to, the same in every process."""
    return crc32("\0".join(map(str, key)).encode()) % count


class Shelves:
    """Numbered shelves in a directory. A record is a tuple of what marshal takes: numbers, texts, bytes, None, tuples."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting: dict[int, list[tuple[Any, ...]]] = {}
        self._count = 0
        directory.mkdir(parents=True, exist_ok=True)

    def put(self, number: int, record: tuple[Any, ...]) -> None:
        """Lays a record on a shelf; it is there for others after flush()."""
        waiting = self._waiting.setdefault(number, [])
        waiting.append(record)
        self._count += 1
        if len(waiting) >= _SHELF_RECORDS:
            self._write(number)
        elif self._count >= _ALL_RECORDS:
            self.flush()

    def flush(self) -> None:
        """Writes whatever waits."""
        for number in list(self._waiting):
            self._write(number)

    def take(self, number: int) -> Iterator[tuple[Any, ...]]:
        """All records of a shelf, whoever put them there, and clears it."""
        for path in sorted(self._directory.glob(f"{number}.*")):
            with path.open("rb") as file:
                while length := file.read(_LENGTH.size):
                    yield from marshal.loads(file.read(*_LENGTH.unpack(length)))  # noqa: S302 - our own file
            path.unlink()

    def _write(self, number: int) -> None:
        waiting = self._waiting.pop(number)
        self._count -= len(waiting)
        data = marshal.dumps(waiting)
        with (self._directory / f"{number}.{os.getpid()}").open("ab") as file:
            file.write(_LENGTH.pack(len(data)) + data)
