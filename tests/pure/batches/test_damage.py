"""A batch whose bytes were changed is named, what lies before it is delivered, and none is passed over that nobody gave up."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from hypothesis import given
from hypothesis import strategies as st

from streams.batches import DamagedBatch, Unread, refuse_batches
from streams.batches.lenient import LenientRecords, PlacedRecords
from tests.support.examples import examples

TP = TopicPartition("sales", 3)
BATCHES, OF_A_BATCH = 3, 4
CHECKED_FROM = 17  # what lies before a batch's checksum is not covered by it: base offset, length, epoch and version


def batch(base: int, codec: int = 0) -> bytes:
    """As a broker keeps it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, False, -1, -1, 0, 1 << 20)
    for delta in range(OF_A_BATCH):
        builder.append(delta, 1000 + delta, b"key", b"value %d" % (base + delta), [])
    return base.to_bytes(8, "big") + bytes(builder.build())[8:]


@pytest.fixture(autouse=True)
def _nothing_is_given_up() -> Iterator[None]:
    yield
    refuse_batches(())


def read(data: bytes, position: int = 0) -> tuple[list[Any], int, DamagedBatch | None]:
    """What one fetch brings: records, where to go on, and what ended it."""
    records = LenientRecords(data)
    if not records.has_next():
        return [], position, None
    placed = PlacedRecords(TP, records, [], position, None, None, True, READ_COMMITTED)
    found: list[Any] = []
    try:
        found.extend(placed)
    except DamagedBatch as damage:
        return found, position, damage
    return found, placed.next_fetch_offset, None


def consume(log: bytes, codec_size: list[int]) -> tuple[list[int], DamagedBatch | None]:
    """Fetch after fetch, from where the last one ended, as a broker serves them: whole batches that hold the position."""
    offsets: list[int] = []
    position, end = 0, BATCHES * OF_A_BATCH
    for _ in range(10):
        start = sum(codec_size[: position // OF_A_BATCH])
        records, after, damage = read(log[start:], position)
        if damage is not None:
            assert records == []
            return offsets, damage
        offsets += [record.offset for record in records]
        position = after
        if position >= end:
            return offsets, None
    raise AssertionError("it does not end")


@given(st.sampled_from(range(5)), st.integers(0, BATCHES - 1), st.data())
@examples(200)
def test_whatever_byte_is_changed_the_place_is_named_and_all_before_it_delivered(
    codec: int, hurt: int, data: Any
) -> None:
    batches = [batch(number * OF_A_BATCH, codec) for number in range(BATCHES)]
    at = data.draw(st.integers(CHECKED_FROM, len(batches[hurt]) - 1))
    change = data.draw(st.integers(1, 255))
    changed = bytearray(batches[hurt])
    changed[at] ^= change
    batches[hurt] = bytes(changed)
    offsets, damage = consume(b"".join(batches), [len(found) for found in batches])
    assert damage is not None
    assert offsets == list(range(hurt * OF_A_BATCH))
    assert (damage.topic, damage.partition, damage.offset) == (*TP, hurt * OF_A_BATCH)
    assert str(damage).startswith(f"sales[3] offset {hurt * OF_A_BATCH}: ")


@given(st.integers(8, 11), st.integers(1, 255))
def test_a_changed_length_is_no_reason_to_pass_over_anything(at: int, change: int) -> None:
    changed = bytearray(batch(0))
    changed[at] ^= change
    records, position, damage = read(bytes(changed))
    assert (records, position) == ([], 0)
    assert damage is not None
    assert damage.offset == 0


def test_what_is_given_up_is_one_unread_record_and_what_follows_is_read() -> None:
    batches = [batch(number * OF_A_BATCH) for number in range(BATCHES)]
    hurt = bytearray(batches[1])
    hurt[-1] ^= 1
    log = batches[0] + bytes(hurt) + batches[2]
    refuse_batches([("sales", 3, 4), ("sales", 3, 8)])  # the third is sound, and stays as it is
    assert [record.offset for record in read(log)[0]] == [0, 1, 2, 3]
    records, position, damage = read(log[len(batches[0]) :], 4)
    assert damage is None
    assert position == BATCHES * OF_A_BATCH
    assert [record.offset for record in records] == [7, 8, 9, 10, 11]
    unread = records[0]
    assert (unread.key, bytes(unread.value), unread.timestamp) == (None, b"", 0)
    assert isinstance(unread.value, Unread)
    assert "everything from offset 4 to 7 stays there, unread" in unread.value.why_unread
    refuse_batches([("sales", 2, 4)])
    assert read(log[len(batches[0]) :], 4)[2] is not None


def test_the_end_of_what_is_given_up_is_not_believed_to_the_damaged_batch() -> None:
    hurt = bytearray(batch(0))
    hurt[26] ^= 64  # the delta of its last offset: it would reach over the next batch
    refuse_batches([("sales", 3, 0)])
    records, _, damage = read(bytes(hurt) + batch(OF_A_BATCH))
    assert damage is None
    assert [record.offset for record in records] == [3, 4, 5, 6, 7]
    assert read(bytes(hurt))[2] is not None  # nothing follows that tells
