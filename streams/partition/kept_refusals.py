"""The refusals that the changelog keeps until ClickHouse has their rows.

Pure. Owns their keys. Never deletes a record itself. Invariant: a key is given up only when everything below its offset is
in ClickHouse.
"""

from collections.abc import Iterable


class KeptRefusals:
    """Of one partition, since its claim."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, bytes]] = []  # the changelog offset after each, and its key

    def add(self, offset: int, keys: Iterable[bytes]) -> None:
        """Refusals that the changelog holds below an offset."""
        self._kept += [(offset, key) for key in keys]

    def give_up(self, flushed_offset: int) -> list[bytes]:
        """The keys whose rows are in ClickHouse: of records below an offset. They are not kept any more."""
        flushed = [key for offset, key in self._kept if offset <= flushed_offset]
        self._kept = [kept for kept in self._kept if kept[0] > flushed_offset]
        return flushed
