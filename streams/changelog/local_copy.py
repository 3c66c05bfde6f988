"""The local copy of one partition's state: RocksDB, and how far it has followed the changelog.

Owns the directory, and the memory that all copies of a process share. Never the truth: a copy that does not belong to
today's changelog, is too old to have seen every deletion, or can't be opened or read, is thrown away; one whose disk is full
never is. Invariant: it holds exactly the changelog below its mark, since both change in one WriteBatch, and what its disk has
no room for is in memory.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
import rocksdict

from streams.changelog.unwritten import BYTES_MAX, Unwritten, lacks_room
from streams.errors import OwnershipLost

log = logging.getLogger(__name__)

# Of all copies together, however many partitions and customers there are: blocks read lately, with their indexes and filters,
# and what is written and not yet in files.
_CACHE_BYTES: Final = 64 << 20
_WRITE_BUFFER_BYTES: Final = 48 << 20
_FILES_OPEN_MAX: Final = 64  # of one copy; a file holds 64 MB
# Ten bits a key tell of 99 of 100 new customers, without a read, that they are new.
_FILTER_BITS: Final = 10

# The room to write in again, and that without which a copy may fail to open: what is in the log becomes a file then.
_ROOM_BYTES: Final = 1 << 20
_ROOM_TO_OPEN_BYTES: Final = _WRITE_BUFFER_BYTES // 2

_SIZE_PROPERTIES: Final = (
    "rocksdb.estimate-num-keys", "rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables",
)  # fmt: skip

_MARK: Final = b"\x00"  # sorts before every record's key


class CopyPosition(NamedTuple):
    """Which changelog the copy follows, up to where, and of when it is."""

    cluster_id: str
    topic_id: str
    offset: int  # the next changelog offset to read
    written_at: int  # epoch ms: it lacks no deletion that was made before


class CopySize(NamedTuple):
    """What a local copy holds."""

    keys: int  # as RocksDB estimates them: what was overwritten counts again until it has been compacted
    size_bytes: int  # in files, and in memory where it is not yet in one


class LocalCopy:
    """A key-value map that is changed by whole units only."""

    def __init__(self, directory: Path, cluster_id: str, topic_id: str, now_ms: int, age_ms_max: int) -> None:
        """Opens the copy, or starts an empty one when what is there can't be followed any more. Raises OwnershipLost when there
        is no room to open it."""
        self._cluster_id, self._topic_id = cluster_id, topic_id
        self._directory = directory
        self._broken = False
        self._unwritten = Unwritten()
        self._db: Any = None
        try:
            self._open()
            mark = self._read_mark()
            stale = mark and (mark[:2] != (cluster_id, topic_id) or now_ms - mark.written_at > age_ms_max)
            usable = not stale and (mark is not None or not self._has_records())
        except OwnershipLost:
            raise
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
        """Throws everything away and starts empty. Raises OwnershipLost when there is no room for that."""
        self._shut()
        self._unwritten.clear()
        shutil.rmtree(self._directory)
        self._open()
        self.offset = 0

    def _open(self) -> None:
        """Raises OwnershipLost when there is no room for that."""
        try:
            self._db = _open(self._directory)
        except Exception as error:
            if lacks_room(self._directory.parent, _ROOM_TO_OPEN_BYTES):
                raise OwnershipLost(
                    f"no room to open the local copy in {self._directory} ({error}): it is kept, and its partition waits; "
                    "make room there"
                ) from error
            raise

    def get(self, key: bytes) -> bytes | None:
        """The value of one record."""
        return self.get_many([key])[0]

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys, None where there is none."""
        with self._in_use():
            values: list[bytes | None] = self._db.get(keys) if keys else []
        return self._unwritten.over(keys, values)

    def keys_of(self, kind: bytes) -> Iterator[bytes]:
        """The keys of all records of a kind."""
        newer = dict(self._unwritten.records)
        yield from (key for key, value in newer.items() if key.startswith(kind) and value is not None)
        with self._in_use():
            for key in self._db.keys(from_key=kind):
                if not key.startswith(kind):
                    return
                if key not in newer:
                    yield key

    def size(self) -> CopySize | None:
        """What it holds; None while it is not open."""
        if self._db is None:
            return None
        keys, files, memory = (self._db.property_int_value(name) for name in _SIZE_PROPERTIES)
        return CopySize(keys, files + memory)

    def write(self, records: Iterable[tuple[bytes, bytes | None]], offset: int, now_ms: int) -> None:
        """Changes the copy to what it is at a changelog offset: all of it or, after a crash, nothing. `now_ms` is the time
        from which on it may lack something.

        While the disk is full RocksDB stays as it was, readable, and newer records are kept in memory: within bounds. Then it
        raises OwnershipLost, as it does when RocksDB can't be written though there is room."""
        self._unwritten.add(records)
        self.offset = offset
        if self._unwritten.is_waiting:
            if lacks_room(self._directory.parent, _ROOM_BYTES):
                self._wait_for_room()
                return
            self._shut()  # after a failure it writes no more until it is opened again
            self._open()
        try:
            mark = CopyPosition(self._cluster_id, self._topic_id, offset, now_ms)
            self._db.write(_batch(self._unwritten.records, mark))
        except Exception as error:
            if not lacks_room(self._directory.parent, _ROOM_TO_OPEN_BYTES):
                self._broken = True
                raise self._unusable(error) from error
            if not self._unwritten.is_waiting:
                log.warning(
                    "no room to write in %s (%s): the local copy stays as it was, what is newer is kept in memory and, as "
                    "ever, in the changelog; make room there",
                    self._directory, error,
                )  # fmt: skip
            self._wait_for_room()
        else:
            if self._unwritten.is_waiting:
                log.info("there is room in %s again: the local copy is up to date", self._directory)
            self._unwritten.clear()

    def _wait_for_room(self) -> None:
        self._unwritten.wait()
        if self._unwritten.is_too_much:
            raise OwnershipLost(
                f"no room to write in {self._directory}, and more than {BYTES_MAX >> 20} MiB of newer records: the copy is "
                "kept, and its partition waits; make room there"
            )

    def close(self) -> None:
        """Releases the directory, and what is in it when it can't be used."""
        self._shut()
        if self._broken:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _shut(self) -> None:
        with suppress(Exception):  # after a write that failed; what is missing is in the changelog
            if self._db is not None:
                self._db.close()
        self._db = None

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # rocksdict raises nothing more special
            self._broken = True
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> OwnershipLost:
        return OwnershipLost(
            f"the local copy in {self._directory} can't be used ({error}): it is thrown away and built again"
        )


def _batch(records: Mapping[bytes, bytes | None], mark: CopyPosition) -> Any:
    batch = rocksdict.WriteBatch(raw_mode=True)
    for key, value in records.items():
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    batch.put(_MARK, msgpack.packb(mark))
    return batch


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
