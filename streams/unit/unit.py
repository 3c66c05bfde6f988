"""One unit: what a partition's state becomes by a batch of records, as records of the changelog and rows for the sink.

Pure but for the reads of state handed in. Never writes anything. Invariant: the unit is a function of the state and the
records; nothing of it is visible before all of it is committed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Final, final

from streams.changelog import records
from streams.domain.cases import Cases, cases
from streams.domain.contributions import Changes
from streams.domain.panes import PaneKey, TopicKey
from streams.domain.rules import Rules
from streams.unit.folding import fold_events, load
from streams.unit.intake import Astray, Refusal, Sorted, sort_records
from streams.unit.marks import Mark
from streams.unit.record import Record
from streams.unit.rows import RowMaker, Rows

GetMany = Callable[[list[bytes]], list[bytes | None]]

# Of the states that the customers of a unit have before it. Four full customers cost what a unit of ordinary records does, some
# 300 ms; they are read so many at once that no read is beyond measure.
_HELD_BYTES_MAX: Final = 16 << 20
_READ_AT_ONCE_MAX: Final = 64


class TooMuch(Exception):
    """The customers of these records hold more than a unit may change: make it of fewer. One record is never too much."""


@dataclass(slots=True)
class Unit:
    """The changes. `changed` holds absolute values; a refusal's record goes to the dead-letter topic untouched.
    `refused_at` is in epoch ms."""

    version: int
    refused_at: int = 0
    changed: dict[bytes, bytes | None] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    refusal_keys: list[bytes] = field(default_factory=list)  # under which the changelog keeps them
    astray: list[Astray] = field(default_factory=list)
    tombstones: int = 0
    events: int = 0
    packed_version: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.packed_version = records.pack(self.version)


@final
class UnitMaker:
    """Makes the units of one partition of `partitions`."""

    def __init__(self, partition: int, partitions: int, rules: Rules, rows: RowMaker, mark: Mark) -> None:
        self.partition = partition
        self.partitions = partitions
        self.rules = rules
        self.mark = mark
        self._rows = rows

    def make(self, get_many: GetMany, version: int, batch: Sequence[Record], now_ms: int) -> Unit:
        """Applies a batch of records, none of which the state holds yet. `version` is that of the state after it.

        Raises TooMuch when their customers hold too much for one unit."""
        raw: dict[bytes, bytes | None] = {}

        def is_known(keys: list[bytes]) -> list[bool]:
            held_bytes = 0
            for start in range(0, len(keys), _READ_AT_ONCE_MAX):
                some = keys[start : start + _READ_AT_ONCE_MAX]
                for key, value in zip(some, get_many([records.customer_key(key) for key in some]), strict=True):
                    raw[key] = value
                    if value is not None:
                        held_bytes += len(value)
                if held_bytes > _HELD_BYTES_MAX:
                    raise TooMuch
            return [raw[key] is not None for key in keys]

        found = sort_records(batch, self.partition, self.partitions, is_known, self.mark)
        unit = Unit(version, now_ms, astray=found.astray, tombstones=found.tombstones, refusals=found.refusals)
        self._fold_customers(unit, found, raw, get_many)
        for refusal in unit.refusals:
            self._keep_refusal(unit, refusal)
        return unit

    def _fold_customers(self, unit: Unit, found: Sorted, raw: dict[bytes, bytes | None], get_many: GetMany) -> None:
        changes = Changes(self.rules.pane_s)
        for key, events in found.events.items():
            unit.events += len(events)
            customer, held = load(raw[key], events[0][0])
            before = cases(customer, self.rules) if held else Cases(customer.brand_id, customer.customer_id)
            folded = fold_events(customer, held, events, self.rules)
            unit.refusals += folded.refusals
            if folded.changed is None:
                continue
            unit.changed[records.customer_key(key)] = folded.changed
            changes.add(before, cases(folded.customer, self.rules))
            for comment_key, comment in folded.comments.items():
                self._change(unit, records.pack_key(records.COMMENT, comment_key), records.pack(comment))
        self._rows.of_cases(unit.rows, changes.rows, unit.packed_version)
        self._add_panes(unit, changes.sums.panes, get_many)
        self._add_topics(unit, changes.sums.topics, get_many)

    def _add_panes(self, unit: Unit, panes: dict[PaneKey, list[int]], get_many: GetMany) -> None:
        panes = {key: added for key, added in panes.items() if any(added)}
        keys = [records.pack_key(records.PANE, pane_key) for pane_key in panes]
        for key, measures, value in zip(keys, panes.values(), get_many(keys), strict=True):
            if value is not None:
                measures = list(map(add, measures, records.unpack_measures(value)))  # noqa: PLW2901 - the sum of both
            self._change(unit, key, records.pack_measures(measures))

    def _add_topics(self, unit: Unit, topics: dict[TopicKey, list[int]], get_many: GetMany) -> None:
        topics = {key: added for key, added in topics.items() if any(added)}
        keys = [records.pack_key(records.TOPIC, topic_key) for topic_key in topics]
        for key, counts, value in zip(keys, topics.values(), get_many(keys), strict=True):
            if value is not None:
                counts = list(map(add, counts, records.unpack_topic(value)))  # noqa: PLW2901 - the sum of both
            self._change(unit, key, records.pack(counts))

    def _keep_refusal(self, unit: Unit, refusal: Refusal) -> None:
        record = refusal.record
        key = records.pack_key(records.REFUSAL, (record.topic, record.partition, record.offset))
        kept = records.KeptRefusal(
            refusal.reason, refusal.detail, self.mark(record.key) if record.key else "", unit.refused_at
        )
        unit.refusal_keys.append(key)
        self._change(unit, key, records.pack(kept))

    def _change(self, unit: Unit, key: bytes, value: bytes) -> None:
        unit.changed[key] = value
        self._rows.packed(unit.rows, key, value, unit.packed_version)
