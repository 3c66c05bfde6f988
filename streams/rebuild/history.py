"""The units of a generation that is being built: what was read once already is counted again, and nothing is said of it twice.

Owns what is other than in a worker's units. Never judges anew what was refused, nor by a limit what was accepted: both are as
the generations before left them. Invariant: of each log exactly one partition of the state keeps the refusals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from schemas.errors import CustomerFull
from sinks.generations import Offsets
from sinks.tables import DEAD_LETTERS as LETTER_ROWS
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS
from streams.changelog import records
from streams.generations.logs import SourceLayout
from streams.rebuild.refusals import Known, Refusals
from streams.unit.intake import Astray, Refusal, sort_records
from streams.unit.record import Record
from streams.unit.rows import RowMaker
from streams.unit.unit import GetMany, TooMuch, Unit, UnitMaker

_NO_LIMIT: Final = 1 << 40
_AS_ITS_LETTER_SAYS: Final = f"refused when it was first read: its letter in {DEAD_LETTERS} says why"


class Past:
    """What all partitions of a builder share. `reading` says which log each is made from now."""

    def __init__(self, layout: SourceLayout, refusals: Refusals) -> None:
        self.reading: dict[int, int] = {}
        self.handed_over: Offsets | None = None  # from there on nobody but this generation reads; None: not known yet
        self.layout = layout
        self.refusals = refusals

    def log_of(self, number: int) -> int:
        """As partition.shared.History has it."""
        return self.reading[number]

    def maker(self, number: int, maker: UnitMaker, rows: RowMaker) -> "PastMaker":
        """As partition.shared.History has it."""
        return PastMaker(self, number, self.reading[number], maker, rows)

    def is_past(self, record: Record) -> bool:
        """Whether the generation before has read it."""
        return self.handed_over is None or record.offset < self.handed_over[record.topic][record.partition]


class PastMaker:
    """Of the partition `number`, while it is made from `log`."""

    def __init__(self, past: Past, number: int, log: int, maker: UnitMaker, rows: RowMaker) -> None:
        self._past = past
        self._number = number
        self._keeps_refusals = log == number
        self._limited = maker
        self._rows = rows
        rules = replace(maker.rules, customer_events_max=_NO_LIMIT, customer_bytes_max=_NO_LIMIT)
        self._unlimited = UnitMaker(maker.partition, maker.partitions, rules, rows, maker.mark)

    def make(self, get_many: GetMany, version: int, batch: Sequence[Record], now_ms: int) -> Unit:
        """A unit of those records of a log that belong to this partition. Raises TooMuch for records of which some were read
        by the generation before and others were not."""
        is_past = {self._past.is_past(record) for record in batch}
        if len(is_past) > 1:
            raise TooMuch
        if True in is_past:
            return self._of_the_past(get_many, version, batch, now_ms)
        unit = self._limited.make(get_many, version, [r for r in batch if self._concerns_us(r)], now_ms)
        if self._keeps_refusals:
            unit.astray = [found for found in unit.astray if self._is_nobodys(found)]
        else:
            unit.astray = []
            self._forget(unit, [refusal for refusal in unit.refusals if refusal.reason != CustomerFull.reason])
        return unit

    def _of_the_past(self, get_many: GetMany, version: int, batch: Sequence[Record], now_ms: int) -> Unit:
        refused = [(record, found) for record in batch if (found := self._known(record))]
        known = {(record.topic, record.offset) for record, _ in refused}
        mine = [r for r in batch if (r.topic, r.offset) not in known and self._is_ours(r)]
        unit = self._unlimited.make(get_many, version, mine, now_ms)
        unit.astray = []  # published again long ago
        if not self._keeps_refusals:
            self._forget(unit, list(unit.refusals))
        unit.refusals = []  # they have their letters
        for record, found in refused if self._keeps_refusals else ():
            self._keep(unit, record, found)
        return unit

    def _known(self, record: Record) -> Known | None:
        return self._past.refusals.of(record.topic, record.partition, record.offset)

    def _is_ours(self, record: Record) -> bool:
        key = record.key
        return key is not None and partition_for(key, self._limited.partitions) == self._number

    def _concerns_us(self, record: Record) -> bool:
        return self._keeps_refusals or self._is_ours(record)

    def _is_nobodys(self, found: Astray) -> bool:
        """Whether no partition takes a record where it lies."""
        record = found.record
        if (record.topic, record.key) != (found.topic, found.key):
            return True
        return self._past.layout.home(found.key, record.topic, record.partition, record.offset) is None

    def _keep(self, unit: Unit, record: Record, found: Known) -> None:
        """A refusal of old: its row, and no letter."""
        mark = self._limited.mark
        judged = sort_records([record], self._number, self._limited.partitions, _all_known, mark).refusals
        same = [refusal.detail for refusal in judged if refusal.reason == found.reason]
        detail = found.detail or (same[0] if same else _AS_ITS_LETTER_SAYS)
        key = records.pack_key(records.REFUSAL, (record.topic, record.partition, record.offset))
        kept = records.KeptRefusal(found.reason, detail, mark(record.key) if record.key else "", found.refused_at)
        value = records.pack(kept)
        unit.refusal_keys.append(key)
        unit.changed[key] = value
        self._rows.packed(unit.rows, key, value, unit.packed_version)

    def _forget(self, unit: Unit, refusals: Iterable[Refusal]) -> None:
        """Refusals that another partition keeps: all that need nothing but the record. Whose customer is full knows only the
        partition that has the customer."""
        for refusal in refusals:
            record = refusal.record
            key = records.pack_key(records.REFUSAL, (record.topic, record.partition, record.offset))
            unit.refusals.remove(refusal)
            unit.refusal_keys.remove(key)
            del unit.changed[key]
            unit.rows[LETTER_ROWS].pop(key)


def _all_known(keys: list[bytes]) -> list[bool]:
    return [True] * len(keys)
