"""What the generations before have refused, as their dead letters tell it.

Owns two consumers without a group: one that reads the letters, one that knows where they end. Never writes a letter.
Invariant: after catch_up() every letter is known whose refusal was committed before it was called.
"""

from collections import defaultdict
from collections.abc import Collection
from types import TracebackType
from typing import Final, NamedTuple, Self

import aiokafka

from schemas.errors import CustomerFull
from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import DEAD_LETTERS
from streams.letters.letter import letter_of
from streams.partition.dead_letter import detail_of
from streams.settings import Settings

_RECORDS: Final = 500  # a letter has up to 4 MiB
_WAIT_MS: Final = 100


class Known(NamedTuple):
    """A refusal. `detail` only of a customer who was full: all others can be judged again, and early letters hold texts of
    records in the clear."""

    reason: str
    refused_at: int  # epoch ms
    detail: str = ""


class Refusals:
    """Of the records in some partitions of the source topics. `partitions` are those of the letters."""

    def __init__(self, settings: Settings, logs: Collection[int], partitions: int) -> None:
        self._logs = frozenset(logs)
        self._known: dict[tuple[str, int], dict[int, Known]] = defaultdict(dict)
        self._reader, self._ends = (
            aiokafka.AIOKafkaConsumer(
                **aiokafka_settings(settings), isolation_level=level, enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            for level in ("read_committed", "read_uncommitted")
        )  # fmt: skip
        self._tps = [aiokafka.TopicPartition(DEAD_LETTERS, number) for number in range(partitions)]

    async def __aenter__(self) -> Self:
        try:
            await self._reader.start()
            await self._ends.start()
            self._reader.assign(self._tps)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._reader.stop()
        await self._ends.stop()

    async def catch_up(self) -> None:
        """Reads what there is by now, also what an open transaction holds back. Raises KafkaError."""
        ends = await self._ends.end_offsets(self._tps)
        while any([await self._reader.position(tp) < end for tp, end in ends.items()]):
            for records in (await self._reader.getmany(timeout_ms=_WAIT_MS, max_records=_RECORDS)).values():
                for letter in filter(None, map(letter_of, records)):
                    if letter.source_partition in self._logs:
                        detail = detail_of(letter) if letter.reason == CustomerFull.reason else ""
                        of_log = self._known[letter.source_topic, letter.source_partition]
                        of_log.setdefault(letter.source_offset, Known(letter.reason, letter.refused_at_ms, detail))

    def of(self, topic: str, log: int, offset: int) -> Known | None:
        """The refusal of a record, if it was refused."""
        return self._known[topic, log].get(offset)
