"""Batches join without a gap, whatever lies between their records; a break is one that the receiver can see."""

import asyncio
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from faust.types import TP
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.batches import RecordBatch, positions
from tests.support.batches_app import (
    SESSION_S,
    Receiver,
    make_topic,
    publish,
    publish_in_transactions,
    read_plainly,
    until,
)

POLL = 500  # records: less than the least share of a partition, so that a poll serves one
BUFFERED = 4  # batches that may wait in an agent's stream


def joins(batches: list[RecordBatch]) -> bool:
    return all(after.start == before.end for before, after in pairwise(batches))


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % n for n in range(first, first + count)]


def test_markers_and_aborted_records_belong_to_the_batches(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-transactions")
        await publish_in_transactions(kafka, topic, [([b"1", b"2"], True), ([b"no"], False), ([b"3"], True)])
        async with Receiver(kafka, topic, [topic], tmp_path) as receiver:
            await until(lambda: receiver.end(topic) == 7)
            await publish_in_transactions(kafka, topic, [([b"no", b"no"], False)])
            await until(lambda: receiver.end(topic) == 10)
            assert receiver.of(topic)[-1] == []
            await publish(kafka, topic, [b"4"])
            await until(lambda: receiver.end(topic) == 11)
        assert receiver.values(topic) == [b"1", b"2", b"3", b"4"]
        assert receiver.of(topic)[0].start == 0
        assert joins(receiver.of(topic))

    asyncio.run(scenario())


def test_records_that_compaction_removed_leave_no_gap(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(
            kafka, "batches-compacted", cleanup_policy="compact", segment_ms="50",
            min_cleanable_dirty_ratio="0.01", max_compaction_lag_ms="50",
        )  # fmt: skip
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})])
        admin.close()
        await publish(kafka, topic, [b"old"] * 20, key=b"a")
        await publish(kafka, topic, [b"new"], key=b"a")
        published = 21
        while len(kept := await read_plainly(kafka, topic)) == published:
            await publish(kafka, topic, [b"tick"], key=b"b")  # a segment rolls, and is compacted, when another begins
            published += 1
        async with Receiver(kafka, topic, [topic], tmp_path, broker_max_poll_records=1) as receiver:
            await until(lambda: receiver.end(topic) == published)
        assert receiver.of(topic)[0].start == 0
        assert joins(receiver.of(topic))
        assert set(receiver.values(topic)) <= set(kept)

    asyncio.run(scenario())


def test_what_was_sought_comes_whole_although_later_batches_were_on_their_way(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-seek")
        await publish(kafka, topic, numbered(20 * POLL))
        receiver = Receiver(kafka, topic, [topic], tmp_path, **small_polls())
        go_on = receiver.block()
        async with receiver:
            await until(lambda: positions(receiver.app.consumer).get(TP(topic, 0), 0) > BUFFERED * POLL)
            await receiver.app.consumer.seek(TP(topic, 0), POLL // 2)
            go_on.set()
            await until(lambda: receiver.end(topic) == 20 * POLL)
        again = next(n for n, batch in enumerate(receiver.batches) if batch.start == POLL // 2)
        assert joins(receiver.batches[:again])
        assert joins(receiver.batches[again:])

    asyncio.run(scenario())


def test_a_seek_to_what_is_not_assigned_here_is_nothing(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-seek-elsewhere")
        await publish(kafka, topic, [b"1"])
        async with Receiver(kafka, topic, [topic], tmp_path) as receiver:
            await until(lambda: receiver.end(topic) == 1)
            await receiver.app.consumer.seek(TP(topic, 9), 0)
            assert not await receiver.app.consumer.commit_batch(RecordBatch(topic, 9, 0, 1, []))

    asyncio.run(scenario())


def test_records_deleted_before_they_were_read_are_a_break(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-deleted")
        await publish(kafka, topic, numbered(100))
        async with Receiver(kafka, topic, [topic], tmp_path) as receiver:
            await until(lambda: receiver.end(topic) == 100)
            admin = KafkaAdminClient(bootstrap_servers=kafka)
            admin.delete_records({TopicPartition(topic, 0): 80})
            admin.close()
            read = len(receiver.batches)
            await receiver.app.consumer.seek(TP(topic, 0), 10)
            await until(lambda: len(receiver.batches) > read)
        assert (receiver.batches[read].start, receiver.batches[read].end) == (80, 100)
        assert receiver.batches[read][0].offset == 80

    asyncio.run(scenario())


def test_a_blocked_agent_stays_a_member_holds_little_and_goes_on(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-blocked")
        await publish(kafka, topic, numbered(40 * POLL))
        receiver = Receiver(kafka, topic, [topic], tmp_path, **small_polls())
        go_on = receiver.block()
        async with receiver:
            await until(lambda: bool(receiver.batches))
            await asyncio.sleep(2.5 * SESSION_S)  # the thing itself
            assert len(receiver.batches) == 1
            assert positions(receiver.app.consumer)[TP(topic, 0)] <= (BUFFERED + 3) * POLL
            go_on.set()
            await until(lambda: receiver.end(topic) == 40 * POLL)
        assert len(receiver.assignments) == 1
        assert receiver.values(topic) == numbered(40 * POLL)
        assert joins(receiver.batches)

    asyncio.run(scenario())


def test_what_is_held_waits_while_others_go_on_and_then_comes_whole(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-held", 2)
        for partition in range(2):
            await publish(kafka, topic, numbered(5 * POLL), partition)
        receiver = Receiver(kafka, topic, [topic], tmp_path, **small_polls())
        async with receiver:
            receiver.app.consumer.held = frozenset({TP(topic, 0)})
            await until(lambda: receiver.end(topic, 1) == 5 * POLL)
            await publish(kafka, topic, numbered(POLL, 5 * POLL), 1)
            await until(lambda: receiver.end(topic, 1) == 6 * POLL)
            assert receiver.of(topic, 0) == []
            receiver.app.consumer.held = frozenset()
            await until(lambda: receiver.end(topic, 0) == 5 * POLL)
        assert receiver.values(topic, 0) == numbered(5 * POLL)
        assert joins(receiver.of(topic, 0))
        assert receiver.of(topic, 0)[0].start == 0

    asyncio.run(scenario())


def test_a_large_poll_keeps_the_order_of_every_partition(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-large", 3)
        for partition in range(3):
            await publish(kafka, topic, numbered(10_000), partition)
        async with Receiver(kafka, topic, [topic], tmp_path, broker_max_poll_records=30_000) as receiver:
            await until(lambda: all(receiver.end(topic, partition) == 10_000 for partition in range(3)))
        for partition in range(3):
            assert receiver.values(topic, partition) == numbered(10_000)
            assert max(map(len, receiver.of(topic, partition))) > POLL

    asyncio.run(scenario())


def test_no_partition_or_topic_waits_while_another_is_served_twice(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topics = [make_topic(kafka, f"batches-fair-{name}", 3) for name in "ab"]
        everything = [(topic, partition) for topic in topics for partition in range(3)]
        for topic, partition in everything:
            await publish(kafka, topic, numbered(10 * POLL), partition)
        async with Receiver(kafka, topics[0], topics, tmp_path, broker_max_poll_records=POLL) as receiver:
            await until(lambda: all(receiver.end(*tp) == 10 * POLL for tp in everything))
        served = [(batch.topic, batch.partition) for batch in receiver.batches]
        assert len(served) == 10 * len(everything)
        for turn in range(10):
            assert set(served[turn * len(everything) : (turn + 1) * len(everything)]) == set(everything)

    asyncio.run(scenario())


def test_one_poll_gives_every_partition_its_share(kafka: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        topic = make_topic(kafka, "batches-shares", 2)
        for partition in range(2):
            await publish(kafka, topic, numbered(10_000), partition)
        async with Receiver(kafka, topic, [topic], tmp_path, broker_max_poll_records=8000) as receiver:
            await until(lambda: all(receiver.end(topic, partition) == 10_000 for partition in range(2)))
        assert {batch.partition for batch in receiver.batches[:2]} == {0, 1}
        assert [len(batch) for batch in receiver.batches[:2]] == [4000, 4000]

    asyncio.run(scenario())


def test_members_that_come_and_go_lose_nothing_and_repeat_only_what_was_not_committed(
    kafka: str, tmp_path: Path
) -> None:
    count, topics = 15 * POLL, [make_topic(kafka, f"batches-members-{name}", 3) for name in "ab"]
    everything = [(topic, partition) for topic in topics for partition in range(3)]
    committed: dict[tuple[str, int], int] = defaultdict(int)
    repeated_although_committed: list[RecordBatch] = []
    go_on = asyncio.Event()

    def member(name: str) -> Receiver:
        receiver = Receiver(kafka, topics[0], topics, tmp_path / name, **small_polls())
        receiver.committed = committed

        async def take(batch: RecordBatch) -> None:
            key = batch.topic, batch.partition
            if batch.start < receiver.committed_when_assigned.get(key, 0):
                repeated_although_committed.append(batch)
            if len(receiver.batches) > 2 * len(everything):
                await go_on.wait()
            if await receiver.app.consumer.commit_batch(batch):
                committed[key] = batch.end

        receiver.take = take
        return receiver

    async def scenario() -> None:
        for topic, partition in everything:
            await publish(kafka, topic, numbered(count), partition)
        async with member("first") as first:
            await until(lambda: len(first.batches) > 2 * len(everything))
            async with member("second") as second:
                await until(lambda: len(first.assignments) > 1 and bool(second.assignments))
                halves = [{(tp.topic, tp.partition) for tp in who.assignments[-1]} for who in (first, second)]
                await until(lambda: len(second.batches) > len(everything))
                go_on.set()
            await until(lambda: all(committed[tp] == count for tp in everything))
        assert sorted([*halves[0], *halves[1]]) == everything
        for half in halves:
            assert half == {(topic, partition) for topic in topics for _, partition in half}
        for tp in everything:
            assert set(first.values(*tp) + second.values(*tp)) == set(numbered(count))
        assert repeated_although_committed == []

    asyncio.run(scenario())


def small_polls() -> dict[str, int]:
    return {"broker_max_poll_records": POLL, "stream_buffer_maxsize": BUFFERED}
