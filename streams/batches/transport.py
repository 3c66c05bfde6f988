"""A Faust transport whose consumer delivers RecordBatches.

Owns the fetch path only. Never acknowledges; commits only what commit_batch() is told to.
Invariant: consecutive batches of a topic-partition join without a gap unless a delivery was lost, records were deleted
before they were read, or a seek came between.
"""

import asyncio
import sys
import time
from collections.abc import Mapping, Set
from contextlib import suppress
from types import MappingProxyType
from typing import Any, ClassVar, Final

import aiokafka
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchError
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, ConsumerStoppedError, IllegalStateError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list
from faust.types import TP, ConsumerMessage
from mode import Service

from .damage import DamagedBatch
from .lenient import read_leniently
from .record_batch import RecordBatch

# The receiver's work goes by batches too: with fewer records its fixed costs weigh, and a poll of 16,000 still serves
# four.
_SHARE_RECORDS_MIN: Final = 4000
# How soon to look again whether what was held is still held.
_HELD_WAIT_S: Final = 0.05
# How soon to look again at a batch that can't be read: nobody mends one within seconds.
_DAMAGED_WAIT_S: Final = 5.0
# How soon to look again whether the group refuses this consumer.
_REFUSAL_LOOK_S: Final = 1.0


def register(scheme: str = "batch") -> None:
    """Makes `broker="batch://host:port"` mean this transport, in this process. Call it before the app starts."""
    TRANSPORTS.aliases[scheme] = f"{__name__}:{Transport.__qualname__}"


class Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The consumer's own thread, which heartbeats also while agents are blocked."""

    _again_at: Mapping[TopicPartition, float] = MappingProxyType({})  # what can't be read, and when to look again

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        read_leniently()
        conf = self.app.conf
        # Range over topics of equal partition counts gives partition p of every topic to one owner.
        self._assignor = RangePartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=transport.fetch_wait_ms,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            isolation_level="read_committed",
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, list[RecordBatch]]:
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with consumer._subscription.fetch_context():
            batches = await self._poll(consumer, active_partitions, max_records)
            if not batches and timeout and self.consumer.flow_active:
                # What lies there although nothing was polled is held, or its agent's stream is full: for now.
                await _wait_for_records(fetcher, min(timeout, _HELD_WAIT_S) if fetcher._records else timeout)
                batches = await self._poll(consumer, active_partitions, max_records)
        return {tp: [batch] for tp, batch in batches.items()}

    async def _poll(self, consumer: Any, active: Any, max_records: int | None) -> dict[TP, RecordBatch]:
        """A share of what was fetched already of every partition.

        Never waits, so that no seek, reset or rebalance comes between the start and the end of a batch.
        """
        fetched = consumer._fetcher._records
        batches: dict[TP, RecordBatch] = {}
        if not self.consumer.flow_active or consumer._subscription.reassignment_in_progress:
            return batches
        now = time.monotonic()
        self._again_at = {tp: at for tp, at in self._again_at.items() if at > now}
        waiting = [tp for tp in fetched if tp in active and tp not in self.consumer.held and tp not in self._again_at]
        room = max_records or sys.maxsize
        share = max(room // max(len(waiting), 1), _SHARE_RECORDS_MIN)
        for tp in waiting:
            if room <= 0 or (batches and isinstance(fetched[tp], FetchError)):
                break  # an error is raised by a poll that has nothing to lose
            start = _position(consumer, tp)
            try:
                records = (await consumer._fetcher.fetched_records({tp}, max_records=min(share, room))).get(tp, [])
            except DamagedBatch as damage:
                fetched.pop(tp, None)  # and is fetched again meanwhile
                self._again_at = {**self._again_at, tp: now + _DAMAGED_WAIT_S}
                if start is not None:
                    batches[TP(tp.topic, tp.partition)] = RecordBatch(tp.topic, tp.partition, start, start, [], damage)
                continue
            end = _position(consumer, tp)
            if start is not None and end is not None and end > start:
                batches[TP(tp.topic, tp.partition)] = RecordBatch(tp.topic, tp.partition, start, end, records)
                room -= len(records)
            if tp in fetched:
                fetched.move_to_end(tp)  # what it has left waits until all others had their turn
        return batches

    def seek_if_assigned(self, tp: TP, offset: int) -> None:
        """Runs in this thread: between two polls."""
        with suppress(IllegalStateError):
            self.seek(tp, offset)

    def refusal(self) -> BaseException | None:
        """Why the group won't have this consumer, if it won't. aiokafka joins no more then, and tells who polls it by a call
        that Faust does not make. Safe in any thread."""
        coordinator = self._consumer._coordinator if self._consumer is not None else None
        return getattr(coordinator, "_pending_exception", None)

    async def commit_if_assigned(self, tp: TP, offset: int) -> bool:
        """Runs in this thread. False if the group gave the partition away."""
        try:
            await self._ensure_consumer().commit({TopicPartition(*tp): offset})
        except (CommitFailedError, IllegalStateError):
            return False
        return True


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Turns a RecordBatch into one Faust message; Faust's own bookkeeping of offsets is switched off."""

    held: Set[TP] = frozenset()
    """The partitions of which nothing is delivered for now.

    A receiver that has enough of one sets this, so that it need not block those of others; what is fetched of it stays,
    bounded, in aiokafka's buffers. Nothing is paused, sought or lost.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NothingRead()

    @Service.task  # type: ignore[untyped-decorator]
    async def _end_when_refused(self) -> None:
        """Ends the application with the cause when its group won't have it: it would live on and do nothing."""
        while not self.should_stop:
            if (refusal := self._thread.refusal()) is not None:
                await self.crash(refusal)
                return
            await self.sleep(_REFUSAL_LOOK_S)

    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: RecordBatch) -> ConsumerMessage:
        timestamp = record[-1].timestamp / 1000 if record else None
        return ConsumerMessage(
            record.topic, record.partition, record.end - 1, timestamp, None, None,
            None, record, None, None, None, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def seek(self, partition: TP, offset: int) -> None:
        """Makes a later poll begin at `offset`; batches polled before still come. Nothing if it is not assigned."""
        await self._thread.call_thread(self._thread.seek_if_assigned, partition, offset)

    async def commit_batch(self, batch: RecordBatch) -> bool:
        """Tells the group that all before the batch's end is processed; False if the partition is somebody else's now.

        Raises KafkaError when Kafka does not take it.
        """
        tp = TP(batch.topic, batch.partition)
        return bool(await self._thread.call_thread(self._thread.commit_if_assigned, tp, batch.end))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Livelock is watched by the receiver, who knows what was applied."""


class Transport(driver.Transport):  # type: ignore[misc]
    """The aiokafka transport with the batching consumer."""

    Consumer = Consumer

    # How long a broker may hold a fetch that has nothing to return. Faust hard-codes 1500, in which an idle partition
    # stalls the busy ones that share its fetch.
    fetch_wait_ms: ClassVar[int] = 100


class _NothingRead(dict[TP, int | None]):
    """Faust's memory of what it read last, in which it drops what comes at a lower offset: also what was sought."""

    def __getitem__(self, tp: TP) -> int | None:
        return None


def positions(consumer: Consumer) -> dict[Any, int]:
    """{topic-partition: fetch position} of a started consumer; empty before it has an assignment."""
    aiokafka_consumer = consumer._thread._consumer if consumer._thread is not None else None
    if aiokafka_consumer is None:
        return {}
    found = {tp: _position(aiokafka_consumer, tp) for tp in aiokafka_consumer._subscription.assigned_partitions()}
    return {tp: position for tp, position in found.items() if position is not None}


def _position(consumer: Any, tp: Any) -> int | None:
    """The offset that is fetched next, None if it is not assigned or not known yet."""
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None:
        return None
    state = subscription.assignment.state_value(tp)
    return state.position if state is not None and state.has_valid_position else None


async def _wait_for_records(fetcher: Any, seconds: float) -> None:
    """Until something was fetched. Raises what the coordinator passes to those who wait."""
    waiter = fetcher._create_fetch_waiter()
    await asyncio.wait([waiter], timeout=seconds)
    if waiter.done():
        waiter.result()
    else:
        waiter.cancel()
