"""From the records of the changelog to the rows of ClickHouse.

Owns the mapping, in one direction. Never keeps anything. Invariant: the rows of a unit, and the rows sent again after a
crash, come from the same records through the same functions, so they are the same rows.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from schemas.events import partition_key
from sinks.tables import AFFILIATE_PANES, ANSWERS, COMMENTS, DEAD_LETTERS, JOURNEYS, TOPIC_PANES, Table
from streams import records
from streams.domain import state
from streams.domain.cases import cases
from streams.domain.contributions import Answer, Journey, answer, journey
from streams.domain.panes import PaneKey, TopicKey
from streams.domain.rules import Rules
from streams.partitioning import partition_for

Row = tuple[Any, ...]
KeyedRow = tuple[Table, object, Row]  # the table, what identifies the row in it, and the row in the table's columns


class RowMaker:
    """Makes the rows of one partition in one generation."""

    def __init__(self, generation: int, partition: int, rules: Rules) -> None:
        self._generation = generation
        self._partition = partition
        self._rules = rules

    def pane(self, key: PaneKey, measures: Iterable[int], version: int) -> KeyedRow:
        """A pane's absolute measures."""
        return AFFILIATE_PANES, (self._partition, key), (self._generation, *key, self._partition, *measures, version)

    def topic(self, key: TopicKey, answers: int, version: int) -> KeyedRow:
        """A topic pane's absolute count."""
        return TOPIC_PANES, (self._partition, key), (self._generation, *key, self._partition, answers, version)

    def journey(self, row: Journey, version: int) -> KeyedRow:
        """A sale and what became of it."""
        key = (row.brand_id, row.customer_id, row.sale_id)
        return JOURNEYS, key, (self._generation, *row, version)

    def answer(self, row: Answer, version: int) -> KeyedRow:
        """A feedback and where it went."""
        key = (row.brand_id, row.customer_id, row.feedback_id)
        return ANSWERS, key, (self._generation, *row, version)

    def comment(self, key: records.CommentKey, comment: tuple[str, str], version: int) -> KeyedRow:
        """What an answer says in words; ('', '') takes it back."""
        return COMMENTS, key, (self._generation, *key, *comment, version)

    def letter(self, key: records.LetterKey, letter: records.Letter, version: int) -> KeyedRow:
        """A refusal."""
        return DEAD_LETTERS, key, (self._generation, *key, *letter, version)

    def of_record(self, key: bytes, value: bytes | None, version: int) -> Iterator[KeyedRow]:
        """All rows that follow from one record of the changelog; none for META and deleted ones."""
        kind = key[:1]
        if value is None or kind == records.META:
            return
        if kind == records.CUSTOMER:
            owned = cases(state.decode(value), self._rules)
            for sale_id, sale in owned.sales.items():
                yield self.journey(journey(owned.brand_id, owned.customer_id, sale_id, sale), version)
            for feedback_id, feedback in owned.feedbacks.items():
                yield self.answer(answer(owned.brand_id, owned.customer_id, feedback_id, feedback), version)
            return
        unpacked: Any = records.unpack_key(key)
        if kind == records.PANE:
            yield self.pane(unpacked, records.unpack_measures(value), version)
        elif kind == records.TOPIC:
            yield self.topic(unpacked, records.unpack_count(value), version)
        elif kind == records.COMMENT:
            yield self.comment(unpacked, records.unpack_comment(value), version)
        elif kind == records.LETTER:
            yield self.letter(unpacked, records.unpack_letter(value), version)


def merge(newest: dict[Table, dict[object, Row]], rows: Iterable[KeyedRow]) -> None:
    """Puts rows, in the order in which they were made, among the newest of each key."""
    for table, key, row in rows:
        of_table = newest.get(table)
        if of_table is None:
            of_table = newest[table] = {}
        of_table[key] = row


def partition_of(table: Table, row: Row, partitions: int) -> int:
    """The partition that a row belongs to."""
    named = dict(zip(table.columns, row, strict=True))
    if "source_partition" in named:
        return int(named["source_partition"])
    return partition_for(partition_key(named["brand_id"], named["customer_id"]), partitions)
