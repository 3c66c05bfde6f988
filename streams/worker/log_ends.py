"""Where the source logs end: what is readable, and what is there.

Owns two consumers without a group, of which one sees open transactions. Never consumes.
"""

from collections.abc import Collection
from types import TracebackType
from typing import Self

import aiokafka

from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import TopicPartition
from streams.delivery.freshness import LogEnd
from streams.settings import Settings
from streams.timing import Timing


class LogEnds:
    """Asks the brokers, between entering and leaving. Raises KafkaError when they are away."""

    def __init__(self, settings: Settings, timing: Timing) -> None:
        self._clock = timing.clock
        self._stable, self._high = (
            aiokafka.AIOKafkaConsumer(
                **aiokafka_settings(settings), isolation_level=level, request_timeout_ms=round(timing.ends_s_max * 1000)
            )
            for level in ("read_committed", "read_uncommitted")
        )

    async def __aenter__(self) -> Self:
        try:
            await self._stable.start()
            await self._high.start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._stable.stop()
        await self._high.stop()

    async def ask(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, LogEnd]:
        """The ends of these, all asked for after one moment."""
        tps = [aiokafka.TopicPartition(*tp) for tp in partitions]
        checked_at = self._clock.wall_ms()
        stable, high = await self._stable.end_offsets(tps), await self._high.end_offsets(tps)
        return {(tp.topic, tp.partition): LogEnd(stable[tp], high[tp], checked_at) for tp in tps}
