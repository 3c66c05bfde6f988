"""A disk that can be filled: a tmpfs of its own, where this user may mount one (root; a container often may not).

Owns the mount. Never fills anything but itself.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_CHUNK_BYTES: Final = 4096


class SmallDisk:
    """A mounted directory of a few MiB."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leaves not a byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(_CHUNK_BYTES))
            except OSError:
                return

    def grow(self, mib: int) -> None:
        """Makes it larger, as an operator does with a volume that is full."""
        subprocess.run(["mount", "-o", f"remount,size={mib}m", str(self.path)], check=True, capture_output=True)

    def free(self) -> None:
        """Gives the room back."""
        self._ballast.unlink()


def can_mount() -> bool:
    """Whether a small disk can be had here: tried, since root in a container often may not."""
    try:
        with tempfile.TemporaryDirectory() as directory, small_disk(Path(directory, "disk"), 1):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


@contextmanager
def small_disk(path: Path, mib: int) -> Iterator[SmallDisk]:
    """A disk that is gone afterwards. Whoever uses it must have let go of it."""
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(path)], check=True, capture_output=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
