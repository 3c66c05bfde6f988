"""One unit: what a partition's state becomes by a batch of records, as records of the changelog and rows for the sink.

Pure but for the reads of state handed in. Never writes anything. Invariant: the unit is a function of the state and the
records; nothing of it is visible before all of it is committed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import add
from typing import Any, Final

from schemas.errors import CustomerFull
from schemas.events import Event, Feedback
from streams.changelog import records
from streams.domain import state
from streams.domain.cases import Cases, cases
from streams.domain.contributions import Changes
from streams.domain.fold import Change, comment_of, fold
from streams.domain.panes import PaneKey, TopicKey
from streams.domain.rules import Rules
from streams.unit.intake import Refusal, Taken, take
from streams.unit.rows import RowMaker, Rows

GetMany = Callable[[list[bytes]], list[bytes | None]]

# Of a refused record's key: more than any right key has, and little enough to be shown.
_SHOWN_KEY_BYTES_MAX: Final = 2048


@dataclass(frozen=True, slots=True)
class Bench:
    """What every unit of a partition is made with."""

    partition: int
    partitions: int
    rules: Rules
    state_bytes_max: int  # of one customer, so that the changelog takes the record
    rows: RowMaker


@dataclass(slots=True)
class Unit:
    """The changes. `changed` holds absolute values; a refusal's record goes to the dead-letter topic untouched.
    `refused_at` is in epoch ms."""

    version: int
    refused_at: int = 0
    changed: dict[bytes, bytes | None] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)
    letters: list[bytes] = field(default_factory=list)  # keys of the refusals' records
    refusals: list[Refusal] = field(default_factory=list)
    astray: list[tuple[bytes, Any]] = field(default_factory=list)
    tombstones: int = 0
    events: int = 0
    packed_version: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.packed_version = records.pack(self.version)


def make_unit(bench: Bench, get_many: GetMany, version: int, batch: list[Any], now_ms: int) -> Unit:
    """Applies a batch of records, none of which the state holds yet. `version` is that of the state after it."""
    raw: dict[bytes, bytes | None] = {}

    def is_known(keys: list[bytes]) -> list[bool]:
        raw.update(zip(keys, get_many([records.customer_key(key) for key in keys]), strict=True))
        return [raw[key] is not None for key in keys]

    taken = take(batch, bench.partition, bench.partitions, is_known)
    unit = Unit(version, now_ms, astray=taken.astray, tombstones=taken.tombstones, refusals=taken.refusals)
    _fold_customers(bench, unit, taken, raw, get_many)
    for refusal in unit.refusals:
        _add_letter(bench, unit, refusal)
    return unit


def _fold_customers(bench: Bench, unit: Unit, taken: Taken, raw: dict[bytes, bytes | None], get_many: GetMany) -> None:
    changes = Changes(bench.rules.pane_s)
    for key, events in taken.events.items():
        unit.events += len(events)
        customer, held = _load(raw[key], events[0][0])
        before = cases(customer, bench.rules) if held else Cases(customer.brand_id, customer.customer_id)
        comments: dict[records.CommentKey, tuple[str, str]] = {}
        customer, changed = _fold_all(bench, unit, customer, held, events, comments)
        if not changed:
            continue
        unit.changed[records.customer_key(key)] = changed
        changes.add(before, cases(customer, bench.rules))
        for comment_key, comment in comments.items():
            _change(bench, unit, records.pack_key(records.COMMENT, comment_key), records.pack(comment))
    for journey in changes.journeys:
        bench.rows.journey(unit.rows, journey, unit.packed_version)
    for answer in changes.answers:
        bench.rows.answer(unit.rows, answer, unit.packed_version)
    _add_panes(bench, unit, changes.sums.panes, get_many)
    _add_topics(bench, unit, changes.sums.topics, get_many)


def _load(raw: bytes | None, event: Event) -> tuple[state.Customer, bytes]:
    if raw is None:
        return state.Customer(event.brand_id, event.customer_id), b""
    return state.decode(raw), raw


def _fold_all(
    bench: Bench,
    unit: Unit,
    customer: state.Customer,
    before: bytes,
    events: list[tuple[Event, Any]],
    comments: dict[records.CommentKey, tuple[str, str]],
) -> tuple[state.Customer, bytes | None]:
    """Folds a customer's events. Returns the customer and their new bytes, None when nothing changed."""
    any_change = False
    for event, record in events:
        try:
            change = fold(customer, event, bench.rules)
        except CustomerFull as full:
            unit.refusals.append(Refusal(record, full.reason, full.detail))
            continue
        if change:
            any_change = True
            if change is Change.COMMENT and isinstance(event, Feedback):
                comments[event.brand_id, event.customer_id, event.feedback_id] = comment_of(event) or ("", "")
    if not any_change:
        return customer, None
    after = state.encode(customer)
    if len(after) <= bench.state_bytes_max:
        return customer, after
    comments.clear()
    return _fold_while_it_fits(bench, unit, before, events, comments)


def _fold_while_it_fits(
    bench: Bench,
    unit: Unit,
    before: bytes,
    events: list[tuple[Event, Any]],
    comments: dict[records.CommentKey, tuple[str, str]],
) -> tuple[state.Customer, bytes | None]:
    """The slow way of _fold_all for a customer whose record would grow past what the changelog takes."""
    fits, refused = before, {id(refusal.record) for refusal in unit.refusals}
    for event, record in events:
        if id(record) in refused:
            continue
        customer, _ = _load(fits or None, event)
        change = fold(customer, event, bench.rules)
        grown = state.encode(customer)
        if len(grown) > bench.state_bytes_max:
            detail = f"the customer's events take {len(grown)} bytes; the changelog takes {bench.state_bytes_max}"
            unit.refusals.append(Refusal(record, CustomerFull.reason, detail))
            continue
        fits = grown
        if change is Change.COMMENT and isinstance(event, Feedback):
            comments[event.brand_id, event.customer_id, event.feedback_id] = comment_of(event) or ("", "")
    customer, _ = _load(fits or None, events[0][0])
    return customer, fits if fits != before else None


def _add_panes(bench: Bench, unit: Unit, panes: dict[PaneKey, list[int]], get_many: GetMany) -> None:
    panes = {key: added for key, added in panes.items() if any(added)}
    keys = [records.pack_key(records.PANE, pane_key) for pane_key in panes]
    for key, measures, value in zip(keys, panes.values(), get_many(keys), strict=True):
        if value is not None:
            measures = list(map(add, measures, records.unpack_measures(value)))  # noqa: PLW2901 - the sum of both
        _change(bench, unit, key, records.pack_measures(measures))


def _add_topics(bench: Bench, unit: Unit, topics: dict[TopicKey, int], get_many: GetMany) -> None:
    topics = {key: added for key, added in topics.items() if added}
    keys = [records.pack_key(records.TOPIC, topic_key) for topic_key in topics]
    for key, added, value in zip(keys, topics.values(), get_many(keys), strict=True):
        _change(bench, unit, key, records.pack(records.unpack_count(value) + added))


def _add_letter(bench: Bench, unit: Unit, refusal: Refusal) -> None:
    record = refusal.record
    shown_key = (record.key or b"")[:_SHOWN_KEY_BYTES_MAX].decode(errors="replace")
    key = records.pack_key(records.LETTER, (record.topic, record.partition, record.offset))
    letter = records.Letter(refusal.reason, refusal.detail, shown_key, unit.refused_at)
    unit.letters.append(key)
    _change(bench, unit, key, records.pack(letter))


def _change(bench: Bench, unit: Unit, key: bytes, value: bytes) -> None:
    unit.changed[key] = value
    bench.rows.packed(unit.rows, key, value, unit.packed_version)
