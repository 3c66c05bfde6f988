"""The local copy of one partition's state: RocksDB, and how far it has followed the changelog.

Owns the directory. Never the truth: a copy that does not belong to today's changelog, or is too old to have seen every
deletion, is thrown away. Invariant: it holds exactly the changelog below `offset`, since both change in one WriteBatch.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
import rocksdict

_MARK: Final = b"\x00"  # sorts before every record's key


class Mark(NamedTuple):
    """Which changelog the copy follows, up to where, and when it was last written."""

    cluster_id: str
    topic_id: str
    offset: int  # the next changelog offset to read
    written_at: int  # epoch ms


class LocalCopy:
    """A key-value map that is changed by whole units only."""

    def __init__(self, directory: Path, cluster_id: str, topic_id: str, now_ms: int, age_ms_max: int) -> None:
        """Opens the copy, or starts an empty one when what is there can't be followed any more."""
        self._cluster_id, self._topic_id = cluster_id, topic_id
        self._directory = directory
        self._open()
        mark = self._read_mark()
        stale = mark and (mark[:2] != (cluster_id, topic_id) or now_ms - mark.written_at > age_ms_max)
        if stale or (mark is None and self._has_records()):
            self.discard()
        else:
            self.offset = mark.offset if mark else 0

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(16 << 20)  # times 2, per partition
        options.set_max_write_buffer_number(2)
        options.set_keep_log_file_num(2)
        self._db: Any = rocksdict.Rdict(str(self._directory), options)

    def _read_mark(self) -> Mark | None:
        raw = self._db.get(_MARK)
        return Mark(*msgpack.unpackb(raw)) if raw else None

    def _has_records(self) -> bool:
        return next(iter(self._db.keys()), None) is not None

    def discard(self) -> None:
        """Throws everything away and starts empty."""
        self._db.close()
        shutil.rmtree(self._directory)
        self._open()
        self.offset = 0

    def get(self, key: bytes) -> bytes | None:
        """The value of one record."""
        value: bytes | None = self._db.get(key)
        return value

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys, None where there is none."""
        values: list[bytes | None] = self._db.get(keys) if keys else []
        return values

    def keys_of(self, kind: bytes) -> Iterator[bytes]:
        """The keys of all records of a kind."""
        for key in self._db.keys(from_key=kind):
            if not key.startswith(kind):
                return
            yield key

    def write(self, records: Iterable[tuple[bytes, bytes | None]], offset: int, now_ms: int) -> None:
        """Changes the copy to what it is at a changelog offset: all of it or, after a crash, nothing."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_MARK, msgpack.packb((self._cluster_id, self._topic_id, offset, now_ms)))
        self._db.write(batch)
        self.offset = offset

    def close(self) -> None:
        """Releases the directory."""
        self._db.close()
