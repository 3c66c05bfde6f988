"""A generation that is built counts what the one before counted, refuses what that refused, and says nothing of it twice."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from schemas.codec import encode
from schemas.events import Event, record_key
from sinks.generations import Raise
from sinks.tables import DEAD_LETTERS as LETTER_ROWS
from sinks.tables import unpack_row
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.changelog import records
from streams.domain.rules import Rules
from streams.generations.logs import SourceLayout
from streams.publishing.publisher import topic_of
from streams.rebuild.history import Past
from streams.rebuild.refusals import Known
from streams.unit.marks import marker
from streams.unit.rows import RowMaker
from streams.unit.unit import TooMuch, Unit, UnitMaker
from tests.support.changelog import unpack_refusal
from tests.support.tricky import tricky_events

BEFORE: Final = 2
AFTER: Final = 4
NOW: Final = 1_760_000_000_000
RULES: Final = Rules(customer_events_max=1)


@dataclass(frozen=True)
class Lying:
    """A record in a log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = NOW
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass
class Refused:
    """What letters there are, in memory."""

    letters: dict[tuple[str, int, int], Known] = field(default_factory=dict)

    def of(self, topic: str, log: int, offset: int) -> Known | None:
        return self.letters.get((topic, log, offset))


class State:
    """A partition's records, and the units that made them."""

    def __init__(self, number: int, partitions: int, rules: Rules = RULES) -> None:
        self.held: dict[bytes, bytes] = {}
        self.units: list[Unit] = []
        self.rows = RowMaker(1, number, rules)
        self.maker: Any = UnitMaker(number, partitions, rules, self.rows, marker("s", "f"))

    def apply(self, batch: list[Lying]) -> Unit:
        unit: Unit = self.maker.make(lambda keys: [self.held.get(key) for key in keys], 1, batch, NOW)
        self.units.append(unit)
        self.held |= {key: value for key, value in unit.changed.items() if value is not None}
        return unit

    def counted(self) -> dict[bytes, bytes]:
        return {key: value for key, value in self.held.items() if key[:1] != records.REFUSAL}

    def refusals(self) -> dict[bytes, Any]:
        return {key: unpack_refusal(value) for key, value in self.held.items() if key[:1] == records.REFUSAL}


def lying(seed: int, partitions: int) -> list[Lying]:
    """Events, some on wrong partitions or under wrong keys, records that are none, and tombstones."""
    rng = random.Random(seed)
    events: list[Event] = tricky_events(seed, 40, NOW - 10**9)
    ends: dict[tuple[str, int], int] = {}
    found = []
    for event in events:
        topic, key = topic_of(event), record_key(event)
        log = rng.randrange(partitions) if rng.random() < 0.1 else partition_for(key, partitions)
        value: bytes | None = encode(event)
        if rng.random() < 0.1:
            value = rng.choice([b"no event", None])
        if rng.random() < 0.05:
            key = b"acme:nobody"
        offset = ends.get((topic, log), 0)
        ends[topic, log] = offset + 1
        found.append(Lying(topic, log, offset, key, value))
    return found


def old_generation(found: list[Lying]) -> tuple[list[State], Refused]:
    """What the generation before made of it, in the order in which it lies, and its letters."""
    states = [State(number, BEFORE) for number in range(BEFORE)]
    refused = Refused()
    for record in found:
        unit = states[record.partition].apply([record])
        for refusal in unit.refusals:
            place = refusal.record.topic, refusal.record.partition, refusal.record.offset
            full = refusal.detail if refusal.reason == "customer_full" else ""
            refused.letters[place] = Known(refusal.reason, unit.refused_at, full)
    return states, refused


def new_generation(refused: Refused, number: int, layout: SourceLayout, **past: Any) -> tuple[State, Past]:
    state = State(number, layout.partitions)
    shared = Past(layout, refused)  # type: ignore[arg-type]
    shared.handed_over = past.get("handed_over")
    shared.reading[number] = number % layout.logs
    state.maker = shared.maker(number, state.maker, state.rows)
    return state, shared


def batches(rng: random.Random, found: list[Lying]) -> Iterator[list[Lying]]:
    """In another order, but for each topic's own, and cut in another way."""
    left = {topic: [record for record in found if record.topic == topic] for topic in (SALES, FEEDBACK)}
    while any(left.values()):
        batch = []
        for topic, records_left in left.items():
            count = rng.randint(0, 7)
            batch += records_left[:count]
            left[topic] = records_left[count:]
        yield batch


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("partitions", [BEFORE, AFTER])
def test_all_partitions_together_count_what_was_counted_and_refuse_what_was_refused(seed: int, partitions: int) -> None:
    found = lying(seed, BEFORE)
    old, refused = old_generation(found)
    layout = SourceLayout(BEFORE, partitions)
    new = [new_generation(refused, number, layout)[0] for number in range(partitions)]
    for number, state in enumerate(new):
        for batch in batches(random.Random(seed), [r for r in found if r.partition == number % BEFORE]):
            unit = state.apply(batch)
            assert (unit.refusals, unit.astray) == ([], [])  # nothing is said of it again
    customers = {k: v for state in new for k, v in state.counted().items() if k[:1] == records.CUSTOMER}
    assert customers == {k: v for state in old for k, v in state.counted().items() if k[:1] == records.CUSTOMER}
    assert sum(len(state.refusals()) for state in new) == len(refused.letters) > 0
    assert {k: v for state in new for k, v in state.refusals().items()} == {
        k: v for state in old for k, v in state.refusals().items()
    }
    rows = [unpack_row(row) for s in new for unit in s.units for row in unit.rows.get(LETTER_ROWS, {}).values()]
    assert len(rows) == len(refused.letters)


def test_who_was_full_is_as_full_as_before_in_whatever_order_it_is_read() -> None:
    found = [r for r in lying(3, BEFORE) if r.partition == 0]
    old, refused = old_generation(found)
    assert "customer_full" in {known.reason for known in refused.letters.values()}
    state, _ = new_generation(refused, 0, SourceLayout(BEFORE, BEFORE))
    for topic in (FEEDBACK, SALES):  # all of one topic, then all of the other
        state.apply([record for record in found if record.topic == topic])
    customers = {k: v for k, v in state.counted().items() if k[:1] == records.CUSTOMER}
    assert customers == {k: v for k, v in old[0].counted().items() if k[:1] == records.CUSTOMER}


def test_what_was_accepted_stays_accepted_whatever_the_limits_are_today() -> None:
    found = [r for r in lying(3, BEFORE) if r.partition == 0]
    old = State(0, BEFORE, Rules())
    for record in found:
        old.apply([record])
    state, _ = new_generation(Refused(), 0, SourceLayout(BEFORE, BEFORE))  # of RULES, which are narrow
    state.apply(found)
    customers = {k: v for k, v in state.counted().items() if k[:1] == records.CUSTOMER}
    assert customers == {k: v for k, v in old.counted().items() if k[:1] == records.CUSTOMER}


def test_what_nobody_has_read_is_refused_and_published_again_by_one_partition_and_judged_by_the_count_of_then() -> None:
    found = [r for r in lying(5, BEFORE) if r.partition == 1]
    _, refused = old_generation(found)
    nothing: dict[str, tuple[int, ...]] = dict.fromkeys((SALES, FEEDBACK), (0,) * BEFORE)
    layout = SourceLayout(BEFORE, AFTER)
    own, other = (new_generation(Refused(), number, layout, handed_over=nothing)[0] for number in (1, 3))
    for record in found:
        own.apply([record])
        other.apply([record])
    told = [refusal for state in (own, other) for unit in state.units for refusal in unit.refusals]
    assert sorted((r.record.topic, r.record.partition, r.record.offset) for r in told) == sorted(refused.letters)
    assert {refusal.reason for unit in other.units for refusal in unit.refusals} == {"customer_full"}
    assert all(not unit.astray for unit in other.units)
    astray = [found.record for unit in own.units for found in unit.astray]
    assert astray
    assert all(r.key is None or partition_for(r.key, BEFORE) != 1 or r.key == b"acme:nobody" for r in astray)


def test_what_was_read_and_what_was_not_is_never_in_one_unit() -> None:
    found = [r for r in lying(6, BEFORE) if r.partition == 0 and r.topic == SALES]
    state, past = new_generation(Refused(), 0, SourceLayout(BEFORE, BEFORE))
    past.handed_over = {SALES: (3, 0), FEEDBACK: (0, 0)}
    with pytest.raises(TooMuch):
        state.apply(found)
    state.apply(found[:3])
    state.apply(found[3:])


def test_a_log_of_before_is_judged_by_what_lay_there_then() -> None:
    raised = [Raise(BEFORE, {SALES: (10, 10), FEEDBACK: (10, 10)})]
    layout = SourceLayout(AFTER, AFTER, raised)
    assert [span.log for span in layout.spans(3)] == [1, 3]
