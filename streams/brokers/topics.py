"""The names by which Kafka knows us: topics and the consumer group.

Owns the names alone. Imports nothing, so that whoever needs a name loads no client of Kafka.
"""

from typing import Final

SALES: Final = "posventa.sales.v1"
FEEDBACK: Final = "posventa.feedback.v1"
BY_SALE: Final = "posventa.by-sale.v1"  # of publishers who know the sale and not its customer
DEAD_LETTERS: Final = "posventa.dead-letters.v1"
STATE: Final = "posventa.state.v1"  # the changelog

SOURCES: Final = (SALES, FEEDBACK)  # in the order in which META and everything else lists them
GROUP: Final = "posventa"

TopicPartition = tuple[str, int]
