"""The local copy of one partition's state: RocksDB, and how far it has followed the changelog.

Owns the directory, and the memory that all copies of a process share. Never the truth: a copy that does not belong to
today's changelog, is too old to have seen every deletion, or can't be opened or read, is thrown away. Invariant: it holds
exactly the changelog below `offset`, since both change in one WriteBatch.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
import rocksdict

from streams.errors import OwnershipLost

log = logging.getLogger(__name__)

# Of all copies together, however many partitions and customers there are: blocks read lately, with their indexes and filters,
# and what is written and not yet in files.
_CACHE_BYTES: Final = 64 << 20
_WRITE_BUFFER_BYTES: Final = 48 << 20
_FILES_OPEN_MAX: Final = 64  # of one copy; a file holds 64 MB
# Ten bits a key tell of 99 of 100 new customers, without a read, that they are new.
_FILTER_BITS: Final = 10

_MARK: Final = b"\x00"  # sorts before every record's key


class CopyPosition(NamedTuple):
    """Which changelog the copy follows, up to where, and of when it is."""

    cluster_id: str
    topic_id: str
    offset: int  # the next changelog offset to read
    written_at: int  # epoch ms: it lacks no deletion that was made before


class LocalCopy:
    """A key-value map that is changed by whole units only."""

    def __init__(self, directory: Path, cluster_id: str, topic_id: str, now_ms: int, age_ms_max: int) -> None:
        """Opens the copy, or starts an empty one when what is there can't be followed any more."""
        self._cluster_id, self._topic_id = cluster_id, topic_id
        self._directory = directory
        self._broken = False
        self._db: Any = None
        try:
            self._db = _open(directory)
            mark = self._read_mark()
            stale = mark and (mark[:2] != (cluster_id, topic_id) or now_ms - mark.written_at > age_ms_max)
            usable = not stale and (mark is not None or not self._has_records())
        except Exception as error:  # rocksdict raises nothing more special
            log.warning(
                "the local copy in %s can't be opened (%s): it is thrown away and built again", directory, error
            )
            usable = False
        if usable:
            self.offset = mark.offset if mark else 0
        else:
            self.discard()

    def _read_mark(self) -> CopyPosition | None:
        raw = self._db.get(_MARK)
        return CopyPosition(*msgpack.unpackb(raw)) if raw else None

    def _has_records(self) -> bool:
        return next(iter(self._db.keys()), None) is not None

    def discard(self) -> None:
        """Throws everything away and starts empty."""
        if self._db is not None:
            self._db.close()
        shutil.rmtree(self._directory)
        self._db = _open(self._directory)
        self.offset = 0

    def get(self, key: bytes) -> bytes | None:
        """The value of one record."""
        with self._in_use():
            value: bytes | None = self._db.get(key)
        return value

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys, None where there is none."""
        with self._in_use():
            values: list[bytes | None] = self._db.get(keys) if keys else []
        return values

    def keys_of(self, kind: bytes) -> Iterator[bytes]:
        """The keys of all records of a kind."""
        with self._in_use():
            for key in self._db.keys(from_key=kind):
                if not key.startswith(kind):
                    return
                yield key

    def write(self, records: Iterable[tuple[bytes, bytes | None]], offset: int, now_ms: int) -> None:
        """Changes the copy to what it is at a changelog offset: all of it or, after a crash, nothing. `now_ms` is the time
        from which on it may lack something."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_MARK, msgpack.packb((self._cluster_id, self._topic_id, offset, now_ms)))
        with self._in_use():
            self._db.write(batch)
        self.offset = offset

    def close(self) -> None:
        """Releases the directory, and what is in it when it can't be used."""
        self._db.close()
        if self._broken:
            shutil.rmtree(self._directory, ignore_errors=True)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # rocksdict raises nothing more special
            self._broken = True
            raise OwnershipLost(
                f"the local copy in {self._directory} can't be used ({error}): it is thrown away and built again"
            ) from error


@cache
def _shared_memory() -> tuple[Any, Any]:
    return rocksdict.Cache(_CACHE_BYTES), rocksdict.WriteBufferManager(_WRITE_BUFFER_BYTES, False)


def _open(directory: Path) -> Any:
    directory.mkdir(parents=True, exist_ok=True)
    block_cache, write_buffers = _shared_memory()
    table = rocksdict.BlockBasedOptions()
    table.set_block_cache(block_cache)
    table.set_cache_index_and_filter_blocks(True)
    table.set_bloom_filter(_FILTER_BITS, False)
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_manager(write_buffers)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES // 4)
    options.set_max_open_files(_FILES_OPEN_MAX)
    options.set_keep_log_file_num(2)
    return rocksdict.Rdict(str(directory), options)
