"""Whether there is room for one more generation, which a rebuild needs, wherever the state lies.

Pure, but for the look at this machine's own directories. Invariant: places on one disk share its room.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from streams.doctor.telling import Seen, Trouble, error, seen, warning

ROOM_MIN: Final = 1_000_000_000  # as `up` has it: less is gone in no time


class Disk(NamedTuple):
    """A place on some disk: what of ours lies there, and the room that its disk has, in bytes."""

    place: str
    used: int
    free: int
    total: int


def local_disks(directories: Iterable[Path]) -> Iterator[Disk]:
    """Those of the directories that are there, with what they hold."""
    for directory in directories:
        if directory.is_dir():
            room = shutil.disk_usage(directory)
            yield Disk(str(directory), _size(directory), room.free, room.total)


def judge_disks(disks: Iterable[Disk]) -> Seen:
    """Disks of the same size are taken for one, so that what is needed there is added up."""
    by_disk: dict[int, list[Disk]] = defaultdict(list)
    for disk in disks:
        by_disk[disk.total].append(disk)
    findings = [finding for shared in by_disk.values() for finding in _of_one(shared)]
    shown = "; ".join(
        f"{_gb(sum(d.used for d in shared))} in use, {_gb(min(d.free for d in shared))} free"
        for shared in by_disk.values()
    )
    return seen(shown or "nothing could be seen", findings)


def _of_one(shared: list[Disk]) -> Iterator[Trouble]:
    needed, free = sum(disk.used for disk in shared), min(disk.free for disk in shared)
    places = ", ".join(disk.place for disk in shared)
    if free < ROOM_MIN:
        yield error(f"{_gb(free)} free for {places}", f"{_gb(ROOM_MIN)} or more", "free some, or take a greater disk")
    elif free < needed + ROOM_MIN:
        yield warning(
            f"{_gb(free)} free for {places}, which hold {_gb(needed)}",
            f"room for one more generation, {_gb(needed + ROOM_MIN)}",
            "free some before a rebuild, or take a greater disk",
        )


def _size(directory: Path) -> int:
    """What a worker has open may go while it is counted."""
    size = 0
    for folder, _, files in os.walk(directory):
        for file in files:
            try:
                size += (Path(folder) / file).stat().st_blocks * 512
            except OSError:
                continue
    return size


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
