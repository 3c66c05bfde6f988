"""Whatever is delivered, what is taken joins what is applied: each offset once, in order, nothing in between left out."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.batches import DamagedBatch, RecordBatch
from streams.brokers.topics import FEEDBACK, SALES, SOURCES
from streams.changelog.meta import Applied
from streams.partition.inbox import Inbox


def at_offsets(deliveries: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(start, length) of deliveries that are given as (steps beyond the last one's end, length)."""
    end, found = 0, []
    for step, length in deliveries:
        start = max(0, end + step)
        found.append((start, length))
        end = start + length
    return found


# Most join; some repeat, some leave something out.
STEPS = st.sampled_from([0, 0, 0, 0, -5, 3])
DELIVERIES = st.lists(st.tuples(STEPS, st.integers(0, 6)), max_size=12).map(at_offsets)
HOLES = st.sets(st.integers(0, 60), max_size=9)  # markers and aborted records


def delivered(topic: str, start: int, length: int, holes: set[int]) -> RecordBatch:
    offsets = [offset for offset in range(start, start + length) if offset not in holes]
    records = [SimpleNamespace(topic=topic, offset=o, timestamp=o, value=b"12345") for o in offsets]
    return RecordBatch(topic, 0, start, start + length, records)


@given(DELIVERIES, DELIVERIES, HOLES, st.integers(1, 9), st.sets(st.integers(0, 12)))
def test_each_offset_is_taken_once_in_order_however_it_was_delivered_cut_and_put_back(
    sales: list[tuple[int, int]], feedback: list[tuple[int, int]], holes: set[int], room: int, failures: set[int]
) -> None:
    inbox, applied = Inbox(), {topic: Applied(0) for topic in SOURCES}
    seen: dict[str, list[int]] = {topic: [] for topic in SOURCES}
    deliveries = {SALES: sales, FEEDBACK: feedback}
    for topic, batches in deliveries.items():
        for start, length in batches:
            inbox.put(delivered(topic, start, length, holes))
    attempt = 0
    while inbox:
        cut = inbox.cut(room, applied)
        assert len(cut.records) <= room
        attempt += 1
        if attempt in failures and not cut.missing:
            inbox.put_back(cut)
            continue
        for record in cut.records:
            seen[record.topic].append(record.offset)
        applied |= cut.applied
    assert all(waiting.records == waiting.size_bytes == 0 for waiting in inbox.waiting.values())
    for topic, batches in deliveries.items():
        reached = 0
        for start, length in batches:
            if start <= reached:
                reached = max(reached, start + length)
        assert applied[topic].offset == reached
        assert seen[topic] == [offset for offset in range(reached) if offset not in holes]


def test_what_waits_is_counted() -> None:
    inbox = Inbox()
    inbox.put(delivered(SALES, 0, 10, {3}))
    assert (inbox.waiting[SALES].records, inbox.waiting[SALES].size_bytes) == (9, 45)
    cut = inbox.cut(4, {topic: Applied(0) for topic in SOURCES})
    assert (inbox.waiting[SALES].records, len(cut.records)) == (5, 4)
    inbox.put_back(cut)
    assert inbox.waiting[SALES].records == 9
    inbox.clear()
    assert (inbox.waiting[SALES].records, bool(inbox)) == (0, False)


def test_damage_waits_for_what_lies_before_it_and_is_told_once_it_is_next() -> None:
    inbox, applied = Inbox(), {topic: Applied(0) for topic in SOURCES}
    damage = DamagedBatch(SALES, 0, 4, "its bytes were changed")
    marked = RecordBatch(SALES, 0, 4, 4, [], damage)
    inbox.put(delivered(SALES, 0, 4, set()))
    inbox.put(marked)
    first = inbox.cut(2, applied)
    assert (len(first.records), first.damaged) == (2, {})
    rest = inbox.cut(9, applied | first.applied)
    assert (len(rest.records), rest.damaged) == (2, {SALES: damage})
    assert not inbox
    inbox.put(marked)
    early = inbox.cut(9, applied | first.applied)
    assert ([missing.expected for missing in early.missing], early.damaged) == ([2], {})
    inbox.put(marked)
    late = inbox.cut(9, {SALES: Applied(9), FEEDBACK: Applied(0)})
    assert (late.records, late.missing, late.damaged) == ([], [], {})
