"""A disk that is full costs no copy: it stays readable as it was, and is up to date once there is room.

Full is what the process really meets: no file may grow beyond a limit that it sets itself (RLIMIT_FSIZE), as with a quota.
"""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.changelog.local_copy import LocalCopy
from streams.changelog.unwritten import BYTES_MAX
from streams.errors import OwnershipLost

DAY = 86_400_000
ROOM_BYTES = 200_000
VALUE = os.urandom(10_000)


def opened(directory: Path) -> LocalCopy:
    return LocalCopy(directory, "c", "t", 0, DAY)


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write(copy: LocalCopy, number: int) -> None:
    copy.write([(b"k%04d" % number, VALUE), (b"gone", b"1" if number == 0 else None)], number + 1, 0)


def write_all(copy: LocalCopy, numbers: range) -> None:
    for number in numbers:
        write(copy, number)


def held(copy: LocalCopy, count: int) -> bool:
    values = copy.get_many([b"k%04d" % number for number in range(count)])
    return values == [VALUE] * count and len(list(copy.keys_of(b"k"))) == count


def test_a_copy_goes_on_in_memory_says_so_once_and_is_written_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = opened(tmp_path / "0")
    with files_of_at_most(ROOM_BYTES):
        for number in range(100):
            write(copy, number)
        assert held(copy, 100)
        assert (copy.offset, copy.get(b"gone")) == (100, None)
    told = [record.getMessage() for record in caplog.records if "no room" in record.getMessage()]
    assert len(told) == 1
    assert str(tmp_path) in told[0]
    write(copy, 100)
    copy.close()
    copy = opened(tmp_path / "0")
    assert copy.offset == 101
    assert held(copy, 101)
    assert copy.get(b"gone") is None
    copy.close()


def test_what_was_on_a_full_disk_when_its_worker_died_is_still_good(tmp_path: Path) -> None:
    copy = opened(tmp_path / "0")
    with files_of_at_most(ROOM_BYTES):
        for number in range(100):
            write(copy, number)
        copy.close()
        with files_of_at_most(1), pytest.raises(OwnershipLost, match="it is kept"):
            opened(tmp_path / "0")
    copy = opened(tmp_path / "0")
    assert 5 < copy.offset < 50
    assert held(copy, copy.offset)
    copy.close()


def test_memory_takes_so_much_and_then_the_partition_waits(tmp_path: Path) -> None:
    copy = opened(tmp_path / "0")
    count = BYTES_MAX // len(VALUE)
    with files_of_at_most(ROOM_BYTES):
        for number in range(count - 100):
            write(copy, number)
        with pytest.raises(OwnershipLost, match="the copy is kept"):
            write_all(copy, range(count - 100, 2 * count))
        copy.close()
    copy = opened(tmp_path / "0")
    assert held(copy, copy.offset)
    assert copy.offset > 5
    copy.close()
