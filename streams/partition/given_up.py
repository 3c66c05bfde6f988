"""The refusals that the changelog gave up, read back from their letters: for a ClickHouse that lost their rows.

Owns how a letter becomes the refusal's record again. Never sends anything. Invariant: what comes is what the partition's own
units refused; all that they had committed before the call is among it.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import aiokafka
from aiokafka.errors import KafkaError

from streams.brokers.topics import DEAD_LETTERS
from streams.changelog import records
from streams.changelog.meta import Applied
from streams.changelog.reader import ChangelogRecord, reading, written_ends
from streams.errors import OwnershipLost
from streams.letters.letter import Letter, letter_of
from streams.partition.cluster import Cluster
from streams.partition.dead_letter import refusal_of
from streams.settings import Settings
from streams.unit.marks import marker

# Below that of every unit, so that a row which is still there counts, and not its letter's.
_VERSION: Final = 0


class GivenUp:
    """Of one partition."""

    def __init__(self, settings: Settings, wait_s: float, cluster: Cluster, number: int) -> None:
        self._settings = settings
        self._wait_s = wait_s
        self._number = number
        self._tps = [aiokafka.TopicPartition(DEAD_LETTERS, other) for other in range(cluster.letter_partitions)]
        self._mark = marker(cluster.ground.sales_topic_id, cluster.ground.feedback_topic_id)

    async def chunks(self, applied: Mapping[str, Applied]) -> AsyncIterator[list[ChangelogRecord]]:
        """The records of refusals below the applied offsets, in chunks. Raises OwnershipLost.

        A letter lies where its key falls, so all partitions of the topic are read, one after the other. While a transaction is
        open in one, those after it are waited for: that is as long as somebody's commit, or, of one who died,
        transaction_s_max.
        """
        try:
            ends = {tp: end for tp, end in (await written_ends(self._settings, self._tps)).items() if end > 0}
            if not ends:  # aiokafka's consumer may end its task when it is stopped before it has asked for anything
                return
            async with reading(self._settings, list(ends), self._wait_s) as reader:
                for tp, end in ends.items():
                    async for found in reader.of(tp).chunks(0, end):
                        yield [
                            self._record(own) for own in map(letter_of, found) if own and self._is_ours(own, applied)
                        ]
        except KafkaError as error:
            raise OwnershipLost(f"partition {self._number}: reading the dead letters failed: {error!r}") from error

    def _is_ours(self, letter: Letter, applied: Mapping[str, Applied]) -> bool:
        """Others may write there, and leave what no unit of this state refused."""
        return (
            letter.source_partition == self._number
            and letter.source_topic in applied
            and letter.source_offset < applied[letter.source_topic].offset
        )

    def _record(self, letter: Letter) -> ChangelogRecord:
        key = records.pack_key(records.REFUSAL, (letter.source_topic, letter.source_partition, letter.source_offset))
        return ChangelogRecord(key, records.pack(refusal_of(letter, self._mark)), _VERSION)
