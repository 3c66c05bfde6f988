"""From the records of the changelog to the rows of ClickHouse.

Owns the mapping, in one direction. Never keeps anything. Invariant: the rows of a unit, and the rows sent again after a
crash, come from the same records through the same functions, so they are the same rows.

A record's key and value hold the values of its row, in the order of the table's columns, in the encoding that ClickHouse
reads: so the row of a pane, topic, comment or letter is made of their bytes, and nothing is encoded twice.
"""

from typing import Final, NamedTuple, final

from sinks.tables import AFFILIATE_PANES, ANSWERS, COMMENTS, DEAD_LETTERS, JOURNEYS, TOPIC_PANES, Table, unpack_row
from streams.changelog import records
from streams.domain import state
from streams.domain.cases import cases
from streams.domain.contributions import Values, answer, journey
from streams.domain.rules import Rules

# Of one partition, by table and by what identifies a row in it there: the row, its packed values one after the other.
Rows = dict[Table, dict[object, bytes]]

_IDS: Final = 3  # with which both a Journey and an Answer begin: brand, sale or feedback, customer
_WHAT_TO_DO: Final = "run the version that wrote it, or rebuild the state from the topics"
_KEY_HEADER: Final = 2  # of a record's packed key: its kind, and how many values follow


class _Shape(NamedTuple):
    """How a record becomes a row: its table, whether the source partition stands between key and value, and how many bytes of
    the value tell how many values follow."""

    table: Table
    has_partition: bool
    value_header: int


_SHAPES: Final = {
    records.PANE: _Shape(AFFILIATE_PANES, True, 3),
    records.TOPIC: _Shape(TOPIC_PANES, True, 0),
    records.COMMENT: _Shape(COMMENTS, False, 1),
    records.LETTER: _Shape(DEAD_LETTERS, False, 1),
}


@final
class RowMaker:
    """Makes the rows of one partition in one generation. Versions are packed (records.pack): one is that of many rows."""

    def __init__(self, generation: int, partition: int, rules: Rules) -> None:
        self._rules = rules
        self._first = records.pack(generation)
        self._partition = records.pack(partition)

    def of_record(self, rows: Rows, key: bytes, value: bytes | None, version: bytes) -> None:
        """Adds all rows that follow from one record of the changelog; none for META and deleted ones. Raises ValueError for
        what no unit of this version writes: its bytes must not get among those of other rows."""
        kind = key[:1]
        if value is None or kind == records.META:
            return
        if kind == records.CUSTOMER:
            owned = cases(state.decode(value), self._rules)
            for sale_id, sale in owned.sales.items():
                self.journey(rows, journey(owned.brand_id, owned.customer_id, sale_id, sale), version)
            for feedback_id, feedback in owned.feedbacks.items():
                self.answer(rows, answer(owned.brand_id, owned.customer_id, feedback_id, feedback), version)
        elif kind in _SHAPES:
            table, row = self.packed(rows, key, value, version)
            if (found := len(unpack_row(row))) != len(table.columns):
                raise ValueError(
                    f"the changelog's record {key!r} makes {found} values of a row of {table.name}, "
                    f"this version expects {len(table.columns)}: {_WHAT_TO_DO}"
                )
        else:
            raise ValueError(f"the changelog's record {key!r} is of no kind that this version knows: {_WHAT_TO_DO}")

    def packed(self, rows: Rows, key: bytes, value: bytes, version: bytes) -> tuple[Table, bytes]:
        """Adds and returns the row of a pane, topic, comment or letter. Raises KeyError for a record of another kind."""
        table, has_partition, value_header = _SHAPES[key[:1]]
        first = self._first + key[_KEY_HEADER:]
        if has_partition:
            first += self._partition
        row = _of_table(rows, table)[key] = first + value[value_header:] + version
        return table, row

    def journey(self, rows: Rows, row: Values, version: bytes) -> None:
        """Adds a sale and what became of it, a Journey."""
        _of_table(rows, JOURNEYS)[row[:_IDS]] = self._first + records.pack_values(row) + version

    def answer(self, rows: Rows, row: Values, version: bytes) -> None:
        """Adds a feedback and where it went, an Answer."""
        _of_table(rows, ANSWERS)[row[:_IDS]] = self._first + records.pack_values(row) + version


def _of_table(rows: Rows, table: Table) -> dict[object, bytes]:
    """The rows of one table."""
    found = rows.get(table)
    if found is None:
        found = rows[table] = {}
    return found
