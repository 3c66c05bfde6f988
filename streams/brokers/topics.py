"""The names by which Kafka knows us: topics and the consumer group.

Owns the names alone. Imports nothing of Kafka, so that whoever needs a name loads no client of Kafka.
"""

import re
from typing import Final, NamedTuple

SALES: Final = "posventa.sales.v1"
FEEDBACK: Final = "posventa.feedback.v1"
BY_SALE: Final = "posventa.by-sale.v1"  # of publishers who know the sale and not its customer
DEAD_LETTERS: Final = "posventa.dead-letters.v1"
STATE: Final = "posventa.state.v1"  # the changelog of generation 1

SOURCES: Final = (SALES, FEEDBACK)  # in the order in which META and everything else lists them
GROUP: Final = "posventa"  # that of generation 1

TopicPartition = tuple[str, int]


class Names(NamedTuple):
    """What belongs to one generation of the state alone, by the names of which Kafka and a worker's directory know it."""

    generation: int = 1

    @property
    def changelog(self) -> str:
        """The compacted topic that holds the state."""
        return f"{STATE}{self._suffix('.g')}"

    @property
    def group(self) -> str:
        """The consumer group of its workers."""
        return f"{GROUP}{self._suffix('-g')}"

    @property
    def copies(self) -> str:
        """The folder of its local copies in a state directory."""
        return "" if self.generation == 1 else f"g{self.generation}"

    def transactional_id(self, partition: int) -> str:
        """Of whoever owns a partition."""
        return f"{GROUP}{self._suffix('-g')}-{partition}"

    def _suffix(self, before: str) -> str:
        return "" if self.generation == 1 else f"{before}{self.generation}"


def is_ours(group: str) -> bool:
    """Whether a consumer group is that of a generation."""
    return re.fullmatch(rf"{GROUP}(-g[0-9]+)?", group) is not None


def is_changelog(topic: str) -> bool:
    """Whether a topic is the changelog of a generation."""
    return re.fullmatch(rf"{re.escape(STATE)}([.]g[0-9]+)?", topic) is not None


FIRST: Final = Names()
