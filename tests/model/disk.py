"""The local copies: what RocksDB keeps over a worker's death, in memory.

Owns the stored copies by directory. Behaves as streams.changelog.local_copy.LocalCopy does. Invariant: a write is all
there or not there at all, whatever dies.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.changelog.local_copy import CopyPosition
from tests.model.loop import PROCESS, Process


@dataclass(slots=True)
class Store:
    """One directory."""

    records: dict[bytes, bytes] = field(default_factory=dict)
    mark: CopyPosition | None = None
    holder: Process | None = None  # who has it open


class Disks:
    """All directories of all workers, by path."""

    def __init__(self) -> None:
        self._stores: dict[Path, Store] = {}

    def store(self, directory: Path) -> Store:
        """What is in a directory."""
        return self._stores.setdefault(directory, Store())

    def lose(self, parent: str) -> None:
        """A worker's state directory is gone."""
        for directory in self._of(parent):
            del self._stores[directory]

    def save(self, parent: str) -> dict[Path, Store]:
        """A copy of a worker's state directory, of another day."""
        found = self._of(parent)
        return {d: Store(dict(self._stores[d].records), copy.copy(self._stores[d].mark)) for d in found}

    def put_back(self, parent: str, saved: dict[Path, Store]) -> None:
        """Replaces a worker's state directory."""
        self.lose(parent)
        self._stores |= {d: Store(dict(store.records), store.mark) for d, store in saved.items()}

    def _of(self, parent: str) -> list[Path]:
        return [directory for directory in self._stores if directory.parent.name == parent]


class LocalCopy:
    """A key-value map that is changed by whole units only; `law` checks each."""

    def __init__(
        self, disks: Disks, law: Any, directory: Path, cluster_id: str, topic_id: str, now_ms: int, age_ms_max: int
    ) -> None:  # fmt: skip
        self._law = law
        self._store = disks.store(directory)
        self._number = int(directory.name)
        self._ids = cluster_id, topic_id
        holder = self._store.holder
        if holder is not None and holder.alive:
            raise OSError(f"{directory}: the lock is held")
        self._store.holder = PROCESS.get()
        mark = self._store.mark
        if mark is None or mark[:2] != self._ids or now_ms - mark.written_at > age_ms_max:
            self.discard()
        else:
            self.offset = mark.offset

    def discard(self) -> None:
        """Starts empty."""
        self._store.records.clear()
        self._store.mark = None
        self.offset = 0

    def get(self, key: bytes) -> bytes | None:
        return self._store.records.get(key)

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        return [self._store.records.get(key) for key in keys]

    def keys_of(self, kind: bytes) -> Iterator[bytes]:
        return iter(sorted(key for key in self._store.records if key.startswith(kind)))

    def write(self, records: Iterable[tuple[bytes, bytes | None]], offset: int, now_ms: int) -> None:
        touched = dict(records)
        for key, value in touched.items():
            if value is None:
                self._store.records.pop(key, None)
            else:
                self._store.records[key] = value
        self._store.mark = CopyPosition(*self._ids, offset, now_ms)
        self.offset = offset
        self._law.check_local_copy(self._number, self._store.records, touched, offset)

    def close(self) -> None:
        self._store.holder = None
