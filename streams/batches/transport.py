"""A Faust transport whose consumer delivers RecordBatches. Register: `TRANSPORTS.aliases["batch"] = TRANSPORT`.

Owns the fetch path only. Never acknowledges or commits: batches carry their positions and the receiver commits.
Invariant: consecutive batches of a topic-partition join without a gap unless a delivery was lost or a seek came between.
"""

import asyncio
from collections.abc import Set
from typing import Any, Final

import aiokafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list
from faust.types import TP, ConsumerMessage

from streams.batches.lenient import read_leniently
from streams.batches.record_batch import RecordBatch

TRANSPORT: Final = "streams.batches.transport:Transport"

# How long a broker may hold a fetch that has nothing to return. Faust hard-codes 1500, in which an idle partition
# stalls the busy ones that share its fetch.
_FETCH_WAIT_MS: Final = 100


# How soon to look again which partitions are still held.
_HELD_WAIT_S: Final = 0.05


class Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The consumer's own thread, which heartbeats also while agents are blocked."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        read_leniently()
        conf = self.app.conf
        # Range over topics of equal partition counts gives partition p of every topic to one owner.
        self._assignor = RangePartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=getattr(self.app, "group_instance_id", None),
            bootstrap_servers=server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            isolation_level="read_committed",
            **credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, list[RecordBatch]]:
        before = _positions(consumer)
        if held := self.consumer.held:
            active_partitions = active_partitions - held
            timeout = min(timeout or _HELD_WAIT_S, _HELD_WAIT_S)
            if not active_partitions:
                await asyncio.sleep(timeout)
                return {}
        fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        after = _positions(consumer)
        moved = {tp for tp, position in after.items() if position > before.get(tp, position)} | set(fetched)
        batches = {}
        for tp in moved:
            records = fetched.get(tp, [])
            end = max(after.get(tp, 0), records[-1].offset + 1 if records else 0)
            # Without a position before the read nothing was ever committed: the group starts here.
            start = before.get(tp, records[0].offset if records else end)
            batches[TP(tp.topic, tp.partition)] = [RecordBatch(tp.topic, tp.partition, start, end, records)]
        return batches


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Turns a RecordBatch into one Faust message; everything about acknowledging is switched off."""

    held: Set[TP] = frozenset()
    """The partitions of which nothing is delivered for now. A receiver that has enough of one sets this, so that it need not
    block those of others; what is fetched of it stays, bounded, in aiokafka's buffers. Nothing is paused, sought or lost."""

    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: RecordBatch) -> ConsumerMessage:
        timestamp = record[-1].timestamp / 1000 if record else None
        return ConsumerMessage(
            record.topic, record.partition, record.end - 1, timestamp, None, None,
            None, record, None, None, None, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets of batches are never consecutive: Faust's gap bookkeeping has nothing to note."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Livelock is watched by the receiver, who knows what was applied."""

    def track_message(self, message: Any) -> None:
        """Nothing to acknowledge."""


class Transport(driver.Transport):  # type: ignore[misc]
    """The aiokafka transport with the batching consumer."""

    Consumer = Consumer


def positions(consumer: Consumer) -> dict[Any, int]:
    """{topic-partition: fetch position} of a started consumer; empty before it has an assignment."""
    thread = consumer._thread
    return _positions(thread._consumer) if thread is not None and thread._consumer is not None else {}


def _positions(consumer: Any) -> dict[Any, int]:
    """{topic-partition: fetch position} of what is assigned and has a position."""
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None:
        return {}
    positions = {}
    for tp in subscription.assignment.tps:
        state = subscription.assignment.state_value(tp)
        if state is not None and state.has_valid_position:
            positions[tp] = state.position
    return positions
