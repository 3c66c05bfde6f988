"""The local copy follows one changelog, whole units at a time; what it can't vouch for it throws away."""

from pathlib import Path

from streams.local_copy import LocalCopy

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
