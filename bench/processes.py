"""What processes have cost so far, as Linux counts it: a process and all that it started."""

import os
import re
from collections.abc import Iterator
from pathlib import Path


def cpu_s(pid: int) -> float:
    """User and system seconds of all threads and living children (proc(5), fields 14 and 15 of stat)."""
    ticks = 0
    for member in _family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that each of them ever had resident, added up, in MB."""
    return sum(_status_mb(member, "VmHWM") for member in _family(pid))


def resident_mb(pid: int) -> float:
    """Their resident memory now, in MB."""
    return sum(_status_mb(member, "VmRSS") for member in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _status_mb(pid: int, field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def files_bytes(directory: Path) -> int:
    """Bytes of all files in it."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
