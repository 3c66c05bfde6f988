"""The last META of a changelog's partition, without reading the rest.

Owns the search from the end. Never claims anything. Invariant: what is found is committed.
"""

from collections.abc import Sequence
from typing import Any, Final

from streams.changelog import records
from streams.changelog.reader import reading
from streams.settings import Settings

_LOOKED_AT_FIRST: Final = 64  # records from the end: META is the last record of a unit, and markers come after it
_FURTHER: Final = 16


async def last_meta(settings: Settings, changelog: Any, wait_s: float) -> bytes | None:
    """The META that the partition `changelog` (of aiokafka's kind) ends with; None of one that nobody ever claimed. Raises
    KafkaError."""
    tps: Sequence[Any] = [changelog]
    async with reading(settings, tps, wait_s) as reader:
        log = (await reader.logs(tps))[changelog.topic]
        back = _LOOKED_AT_FIRST
        while True:
            start, found = max(log.start, log.end - back), None
            if start < log.end:
                async for chunk in reader.chunks(start, log.end):
                    found = next((r.value for r in reversed(chunk) if r.key == records.META), found)
            if found is not None or start == log.start:
                return found
            back *= _FURTHER
