"""The local copy follows one changelog, whole units at a time; what it can't vouch for it throws away."""

from pathlib import Path

import pytest

from streams.changelog.local_copy import LocalCopy
from streams.errors import OwnershipLost

HOUR = 3_600_000


def opened(directory: Path, *, topic: str = "t", cluster: str = "c", now: int = 0) -> LocalCopy:
    return LocalCopy(directory, cluster, topic, now, 12 * HOUR)


def written(directory: Path) -> None:
    copy = opened(directory)
    copy.write([(b"a", b"1"), (b"b", b"2")], 7, 0)
    copy.write([(b"a", None), (b"bb", b"3"), (b"c", b"4")], 9, 0)
    copy.close()


def test_a_copy_goes_on_where_it_was(tmp_path: Path) -> None:
    written(tmp_path / "0")
    copy = opened(tmp_path / "0", now=12 * HOUR)
    assert copy.offset == 9
    assert copy.get_many([b"a", b"b", b"c", b"d"]) == [None, b"2", b"4", None]
    assert list(copy.keys_of(b"b")) == [b"b", b"bb"]
    copy.close()


def test_a_copy_of_another_topic_or_cluster_or_too_old_is_thrown_away(tmp_path: Path) -> None:
    for number, other in enumerate(({"topic": "u"}, {"cluster": "d"}, {"now": 12 * HOUR + 1})):
        directory = tmp_path / str(number)
        written(directory)
        copy = opened(directory, **other)  # type: ignore[arg-type]
        assert copy.offset == 0
        assert copy.get(b"b") is None
        copy.close()


def test_an_empty_copy_begins_at_the_beginning(tmp_path: Path) -> None:
    copy = opened(tmp_path / "0")
    assert copy.offset == 0
    copy.write([(b"x", b"y")], 3, 0)
    copy.discard()
    assert (copy.offset, copy.get(b"x")) == (0, None)
    copy.close()


def test_a_copy_that_cannot_be_opened_is_thrown_away_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path / "0")
    (tmp_path / "0" / "CURRENT").write_text("nonsense\n")
    begins_anew(tmp_path / "0")
    assert str(tmp_path / "0") in caplog.text


def test_a_copy_whose_mark_cannot_be_read_is_thrown_away_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = opened(tmp_path / "0")
    copy.write([(b"a", b"1")], 7, 0)
    copy._db.flush()
    copy.close()
    for file in (tmp_path / "0").glob("*.sst"):
        file.write_bytes(bytes(8) + file.read_bytes()[8:])
    begins_anew(tmp_path / "0")
    assert str(tmp_path / "0") in caplog.text


def begins_anew(directory: Path) -> None:
    copy = opened(directory)
    assert (copy.offset, copy.get_many([b"a", b"b"])) == (0, [None, None])
    copy.write([(b"x", b"y")], 3, 0)
    assert copy.get(b"x") == b"y"
    copy.close()


def test_a_copy_that_cannot_be_read_costs_a_claim_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    directory = tmp_path / "0"
    copy = opened(directory)
    copy.write(((b"k%05d" % n, bytes(500)) for n in range(20_000)), 7, 0)
    copy._db.flush()
    for file in directory.glob("*.sst"):
        data = bytearray(file.read_bytes())
        data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
        file.write_bytes(data)
    copy.close()
    damaged = opened(directory)
    with pytest.raises(OwnershipLost, match="built again"):
        damaged.get_many([b"k%05d" % n for n in range(0, 20_000, 100)])
    damaged.close()
    assert opened(directory).offset == 0


def test_memory_is_shared_by_all_copies_and_does_not_grow_with_what_they_hold(tmp_path: Path) -> None:
    copies = [opened(tmp_path / str(number)) for number in range(8)]
    value = bytes(range(256)) * 2
    before = resident_mb()
    for start in range(0, 400_000, 2_000):  # 200 MB, more than all buffers and caches
        copy = copies[start // 2_000 % len(copies)]
        copy.write(((b"k%08d" % n, value) for n in range(start, start + 2_000)), start, 0)
        copy.get_many([b"k%08d" % (start // 2), b"unknown"])
    assert resident_mb() - before < 120  # the shared 112 MB and little else; with buffers of their own it is more
    for copy in copies:
        copy.close()


def resident_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024
