"""Whether a worker is stuck: input waits, ClickHouse takes what it is given, and nothing is applied for long.

Pure. Never reads a clock: `now` is a monotonic time in seconds, handed in.
"""

from collections.abc import Mapping

from streams.brokers.topics import TopicPartition
from streams.delivery.freshness import LogEnd


class Progress:
    """Follows the offsets that are applied."""

    def __init__(self, stuck_s: float, now: float) -> None:
        self._stuck_s = stuck_s
        self._seen: Mapping[TopicPartition, int] = {}
        self._progress_at = now

    def is_stuck(
        self,
        applied: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, LogEnd],
        waits_for_clickhouse: bool,
        now: float,
    ) -> bool:
        """Asked again and again, with what is applied and where the logs end, as far as that is known."""
        waiting = any(ends[tp].stable > offset for tp, offset in applied.items() if tp in ends)
        if applied != self._seen or not waiting or waits_for_clickhouse:
            self._seen, self._progress_at = applied, now
        return now - self._progress_at > self._stuck_s
