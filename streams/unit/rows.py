"""From the records of the changelog to the rows of ClickHouse.

Owns the mapping, in one direction. Never keeps anything. Invariant: the rows of a unit, and the rows sent again after a
crash, come from the same records through the same functions, so they are the same rows.

A record's key and value hold the values of its row, in the order of the table's columns, in the encoding that ClickHouse
reads: so the row of a pane, topic, comment or refusal is made of their bytes, and nothing is encoded twice.
"""

from typing import Final, NamedTuple, final

from schemas.measures import MEASURES, TOPIC_MEASURES
from sinks.tables import (
    AFFILIATE_PANES,
    ANSWERS,
    COMMENTS,
    DEAD_LETTERS,
    JOURNEYS,
    REVERSALS,
    TOPIC_PANES,
    Table,
    unpack_row,
)
from streams.changelog import records
from streams.domain import state
from streams.domain.cases import cases
from streams.domain.contributions import CaseRows, Values, rows_of
from streams.domain.rules import Rules

# Of one partition, by table and by what identifies a row in it there: the row, its packed values one after the other.
Rows = dict[Table, dict[object, bytes]]

# How many ids a row of these begins with: brand, sale or feedback, customer; of a GivenBack also the reversal.
_IDS: Final = 3
_IDS_GIVEN_BACK: Final = 4
_WHAT_TO_DO: Final = "run the version that wrote it, or rebuild the state from the topics"


class _Shape(NamedTuple):
    """How a record becomes a row: its table, whether the source partition stands between key and value, and with which bytes
    key and value begin when they hold as many values as the row needs."""

    table: Table
    has_partition: bool
    key_header: bytes  # the record's kind, and how many values follow
    value_header: bytes  # how many values follow; none before a single one


def _shape(kind: bytes, table: Table, has_partition: bool, key_values: int, values: int) -> _Shape:
    others = 3 if has_partition else 2  # generation, version, source partition
    assert key_values + values + others == len(table.columns), f"a record of kind {kind!r} makes no row of {table.name}"
    value_header = records.array_header(values) if values > 1 else b""
    return _Shape(table, has_partition, kind + records.array_header(key_values), value_header)


_SHAPES: Final = {
    records.PANE: _shape(records.PANE, AFFILIATE_PANES, True, 4, len(MEASURES)),
    records.TOPIC: _shape(records.TOPIC, TOPIC_PANES, True, 5, len(TOPIC_MEASURES)),
    records.COMMENT: _shape(records.COMMENT, COMMENTS, False, 3, 2),
    records.REFUSAL: _shape(records.REFUSAL, DEAD_LETTERS, False, 3, len(records.KeptRefusal._fields)),
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
            self.of_cases(rows, rows_of(owned), version)
        elif kind in _SHAPES:
            table, row = self.packed(rows, key, value, version)
            if (found := len(unpack_row(row))) != len(table.columns):
                raise ValueError(
                    f"the changelog's record {_unnamed(key)} makes {found} values of a row of {table.name}, "
                    f"this version expects {len(table.columns)}: {_WHAT_TO_DO}"
                )
        else:
            raise ValueError(
                f"the changelog's record {_unnamed(key)} is of no kind that this version knows: {_WHAT_TO_DO}"
            )

    def packed(self, rows: Rows, key: bytes, value: bytes, version: bytes) -> tuple[Table, bytes]:
        """Adds and returns the row of a pane, topic, comment or refusal. Raises KeyError for a record of another kind, and
        ValueError when its key or value holds another number of values than the row needs."""
        table, has_partition, key_header, value_header = _SHAPES[key[:1]]
        if not (key.startswith(key_header) and value.startswith(value_header)):
            raise ValueError(
                f"the changelog's record {_unnamed(key)} makes no row of {table.name}: key and value begin with "
                f"{key[: len(key_header)].hex()} and {value[: len(value_header)].hex()}, this version expects "
                f"{key_header.hex()} and {value_header.hex()}: {_WHAT_TO_DO}"
            )
        first = self._first + key[len(key_header) :]
        if has_partition:
            first += self._partition
        row = _of_table(rows, table)[key] = first + value[len(value_header) :] + version
        return table, row

    def of_cases(self, rows: Rows, made: CaseRows, version: bytes) -> None:
        """Adds the rows of sales, refunds and feedbacks."""
        journeys, given_back, answers = made
        self._add(rows, JOURNEYS, journeys, _IDS, version)
        self._add(rows, REVERSALS, given_back, _IDS_GIVEN_BACK, version)
        self._add(rows, ANSWERS, answers, _IDS, version)

    def _add(self, rows: Rows, table: Table, made: list[Values], ids: int, version: bytes) -> None:
        if made:
            of_table = _of_table(rows, table)
            for row in made:
                of_table[row[:ids]] = self._first + records.pack_values(row) + version


def _unnamed(key: bytes) -> str:
    """A record's key for a message: without the ids that are in it."""
    return f"of kind {key[:1]!r}, with a key of {len(key)} bytes,"


def _of_table(rows: Rows, table: Table) -> dict[object, bytes]:
    """The rows of one table."""
    found = rows.get(table)
    if found is None:
        found = rows[table] = {}
    return found
