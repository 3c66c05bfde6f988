"""What must hold at every step: checked at each commit, each write of a local copy, each insert and report.

Owns a second bookkeeping of each partition, made from the source logs alone. Never changes anything. The first violation is
kept and ends the run.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sinks.tables import FRESHNESS, unpack_row
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, SOURCES, STATE
from streams.changelog import meta as metas
from streams.changelog import records
from streams.changelog.meta import Meta
from streams.domain.rules import Rules
from streams.unit.marks import marker
from streams.unit.rows import RowMaker, Rows
from streams.unit.unit import Unit, UnitMaker
from tests.model.clickhouse import ClickHouse, Row, key_of
from tests.model.kafka import Entry, Kafka, Transaction
from tests.support.changelog import unpack_refusal

GENERATION: Final = 1

ONE_LINE: Final = "the units of a partition form one line, each made by its last owner"
FUNCTION_OF_EVENTS: Final = "a unit is what its META says: the state before and the records between the applied offsets"
GROUP_OFFSETS: Final = "the group's offsets are those of META"
LETTERS: Final = "each refused record has one dead letter, committed with its unit"
REROUTED: Final = "a record that is astray is published again before its unit commits"
LOCAL_COPY: Final = "a local copy holds what the committed changelog holds below its offset"
COMMITTED_ROWS: Final = "ClickHouse sees rows of committed units only"
SINK_POSITION: Final = "a sink position never passes rows that ClickHouse lacks"
NO_ERROR: Final = "no worker ends by an error"
DRAINS: Final = "once calm, everything is applied and in ClickHouse"
EQUAL: Final = "in the end everything equals a calm computation"


class Violation(NamedTuple):
    """Which law, and what was seen."""

    law: str
    seen: str


@dataclass(slots=True)
class Line:
    """A partition as its committed units made it."""

    meta: Meta | None = None
    state: dict[bytes, bytes] = field(default_factory=dict)
    history: dict[bytes, list[tuple[int, bytes | None, int]]] = field(default_factory=lambda: defaultdict(list))
    end: int = 0  # the changelog offset after the last record

    def value_below(self, key: bytes, offset: int) -> tuple[bytes | None, int]:
        """(value, version) that the changelog has of a key below an offset."""
        for at, value, version in reversed(self.history[key]):
            if at < offset:
                return value, version
        return None, 0

    def below(self, offset: int) -> Iterator[tuple[bytes, bytes, int]]:
        """(key, value, version) of all that the changelog holds below an offset."""
        for key in self.history:
            value, version = self.value_below(key, offset)
            if value is not None:
                yield key, value, version


class RowsOfRecords:
    """The rows that follow from records of the changelog, each made once."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._made: dict[tuple[int, bytes, bytes, int], list[tuple[str, Row, Row]]] = {}

    def of(self, number: int, key: bytes, value: bytes, version: int) -> list[tuple[str, Row, Row]]:
        """(table, key, row) of all that follow from one record of a partition."""
        known = (number, key, value, version)
        if known not in self._made:
            rows: Rows = {}
            RowMaker(GENERATION, number, self._rules).of_record(rows, key, value, records.pack(version))
            unpacked = [(table.name, unpack_row(row)) for table, own in rows.items() for row in own.values()]
            self._made[known] = [(name, key_of(name, row), row) for name, row in unpacked]
        return self._made[known]

    def allowed(self, number: int, key: bytes, value: bytes, version: int) -> list[tuple[str, Row]]:
        """(table, row) of all that may be inserted once the record is committed; of a refusal also its letter's."""
        versions = (version, 0) if key[:1] == records.REFUSAL else (version,)
        return [(table, row) for v in versions for table, _, row in self.of(number, key, value, v)]


class Law:
    """`kafka` is set once there is one."""

    kafka: Kafka

    def __init__(self, rules: Rules, partitions: int, ground: metas.Ground, now_ms: Callable[[], int]) -> None:
        self.violation: Violation | None = None
        self.lines = [Line() for _ in range(partitions)]
        self.letters: list[tuple[str, int, int]] = []
        self.units = 0
        self._rules = rules
        self._partitions = partitions
        self._ground = ground
        self._now_ms = now_ms
        self._rows = RowsOfRecords(rules)
        self._committed: set[tuple[str, Row]] = set()

    def broken(self, law: str, seen: str) -> None:
        """Keeps the first violation."""
        if self.violation is None:
            self.violation = Violation(law, seen)

    def maker(self, number: int) -> UnitMaker:
        """What makes the units of a partition."""
        mark = marker(self._ground.sales_topic_id, self._ground.feedback_topic_id)
        rows = RowMaker(GENERATION, number, self._rules)
        return UnitMaker(number, self._partitions, self._rules, rows, mark)

    def check_commit(self, transaction: Transaction) -> None:
        """Called at the instant in which a transaction becomes part of the logs."""
        written = {(log.topic, log.partition): log for log in transaction.logs}
        for number in range(self._partitions):
            log = written.get((STATE, number))
            if log is not None:
                self._check_unit(number, transaction.of(log), transaction)

    def _check_unit(self, number: int, mine: list[Entry], transaction: Transaction) -> None:
        line = self.lines[number]
        if mine[-1].key != records.META or mine[-1].value is None:
            self.broken(ONE_LINE, f"partition {number}: a unit does not end with META")
            return
        meta = metas.decode(mine[-1].value)
        before = line.meta or metas.first(self._ground, {topic: metas.Log(0, 0) for topic in SOURCES})
        self._check_meta(number, before, meta, mine)
        is_claim = meta.claims != before.claims  # which tells the group all that it should know
        told = [topic for topic in SOURCES if is_claim or meta.applied[topic] != before.applied[topic]]
        offsets = {(topic, number): meta.applied[topic].offset for topic in told}
        if transaction.offsets != offsets:
            self.broken(GROUP_OFFSETS, f"partition {number}: group {transaction.offsets}, META {offsets}")
        unit = self._expected(number, before, meta)
        if unit is not None:
            self._compare(number, unit, mine)
            self._check_letters(number, unit, transaction)
            self._check_rerouted(unit)
        self._advance(number, meta, mine)

    def _check_meta(self, number: int, before: Meta, meta: Meta, mine: list[Entry]) -> None:
        """Either the next claim, alone in its transaction and changing nothing, or a unit of the owner that claimed last."""
        if meta.claims == before.claims + 1:
            fits = len(mine) == 1 and meta.applied == before.applied
        else:
            goes_back = any(meta.applied[topic].offset < before.applied[topic].offset for topic in SOURCES)
            fits = meta.claims == before.claims and meta.applied != before.applied and not goes_back
        if not fits:
            self.broken(ONE_LINE, f"partition {number}: {meta} after {before}")
        if any(int.from_bytes(dict(entry.headers)["version"], "big") != meta.version for entry in mine):
            self.broken(ONE_LINE, f"partition {number}: a record's version is not META's {meta.version}")

    def _expected(self, number: int, before: Meta, after: Meta) -> Unit | None:
        """What the unit must be, computed anew; None when META claims what it can't have read."""
        batch: list[Entry] = []
        for topic in SOURCES:
            log = self.kafka.log(topic, number)
            start, end = before.applied[topic].offset, after.applied[topic].offset
            if end > log.stable:
                self.broken(FUNCTION_OF_EVENTS, f"{topic}[{number}]: applied {end}, readable up to {log.stable}")
                return None
            batch += log.committed(start, end)
        state = self.lines[number].state
        return self.maker(number).make(
            lambda keys: [state.get(key) for key in keys], after.version, batch, self._now_ms()
        )

    def _compare(self, number: int, unit: Unit, mine: list[Entry]) -> None:
        seen = {e.key: e.value for e in mine if e.key is not None and e.value is not None}
        del seen[records.META]
        seen.pop(records.GIVEN_UP, None)  # when that is depends on ClickHouse
        expected = {key: value for key, value in unit.changed.items() if value is not None}
        if {k: _plain(k, v) for k, v in seen.items()} != {k: _plain(k, v) for k, v in expected.items()}:
            odd = sorted(key for key in seen.keys() | expected.keys() if seen.get(key) != expected.get(key))
            self.broken(FUNCTION_OF_EVENTS, f"partition {number}, version {unit.version}: {odd} are not as expected")

    def _check_letters(self, number: int, unit: Unit, transaction: Transaction) -> None:
        found = [
            _source(entry) for log in transaction.logs if log.topic == DEAD_LETTERS for entry in transaction.of(log)
        ]
        refused = [(r.record.topic, r.record.partition, r.record.offset) for r in unit.refusals]
        if sorted(found) != sorted(refused):
            self.broken(LETTERS, f"partition {number}: refused {refused}, letters {found}")
        self.letters += found

    def _check_rerouted(self, unit: Unit) -> None:
        for topic, key, record in unit.astray:
            log = self.kafka.log(topic, partition_for(key, self._partitions))
            if not any(entry.key == key and entry.value == record.value for entry in log.entries):
                self.broken(REROUTED, f"{record.topic}[{record.partition}] offset {record.offset}")

    def _advance(self, number: int, meta: Meta, mine: list[Entry]) -> None:
        line = self.lines[number]
        line.meta, line.end = meta, mine[-1].offset + 1
        self.units += 1
        for entry in mine:
            assert entry.key is not None
            line.history[entry.key].append((entry.offset, entry.value, meta.version))
            if entry.value is None:
                line.state.pop(entry.key, None)
            else:
                line.state[entry.key] = entry.value
                self._committed.update(self._rows.allowed(number, entry.key, entry.value, meta.version))

    def check_local_copy(self, number: int, held: dict[bytes, bytes], touched: dict[bytes, Any], offset: int) -> None:
        """Called after each write of a local copy."""
        line = self.lines[number]
        odd = [key for key, value in touched.items() if line.value_below(key, offset)[0] != value]
        if odd or offset > line.end or (offset == line.end and held != line.state):
            self.broken(LOCAL_COPY, f"partition {number}: at offset {offset} of {line.end}: {sorted(odd)}")

    def check_rows(self, table: str, rows: Sequence[Row]) -> None:
        """Called before rows are inserted."""
        if table != FRESHNESS.name:
            for row in rows:
                if (table, row) not in self._committed:
                    self.broken(COMMITTED_ROWS, f"{table}: {row}")

    def check_positions(self, clickhouse: ClickHouse) -> None:
        """Called after each insert and report."""
        for number, position in clickhouse.positions().items():
            offset = position.changelog_offset
            below = self.lines[number].below(offset)
            for table, key, row in (found for record in below for found in self._rows.of(number, *record)):
                held = clickhouse.tables[table].get(key)
                if held is None or (held[-1] < row[-1] and held[:-1] != row[:-1]):
                    self.broken(SINK_POSITION, f"partition {number}: position {offset}, but {held} instead of {row}")
                    return


def _plain(key: bytes, value: bytes) -> object:
    """A record without the time at which it was refused."""
    return unpack_refusal(value)._replace(refused_at=0) if key[:1] == records.REFUSAL else value


def _source(entry: Entry) -> tuple[str, int, int]:
    headers = {name: value.decode() for name, value in entry.headers}
    return headers["source-topic"], int(headers["source-partition"]), int(headers["source-offset"])
