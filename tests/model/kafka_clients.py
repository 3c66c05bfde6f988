"""What the runtime sees of aiokafka: a producer and a consumer over the modelled brokers.

Owns the requests and when they fail. Never keeps a record. Invariant: after a producer's call has failed, all its later
calls fail, as aiokafka's do until the application makes another producer.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaTimeoutError

from tests.model.kafka import Entry, Kafka, Log
from tests.model.loop import Loop
from tests.model.network import Lane, Network, Weather


@dataclass(frozen=True, slots=True)
class Way:
    """How clients come to the brokers; `batch_records_max` stands for max_batch_size."""

    loop: Loop
    network: Network
    kafka: Kafka
    weather: Weather
    batch_records_max: int
    poll_records_max: int

    def begin(self, effect: Any, lane: Lane | None = None) -> asyncio.Future[Any]:
        """One request to the brokers."""
        return self.network.begin(effect, self.weather, lambda: KafkaTimeoutError("no answer"), lane)

    async def call(self, effect: Any) -> Any:
        """One request to the brokers, and its answer."""
        return await self.begin(effect)


class Batch:
    """aiokafka's BatchBuilder."""

    def __init__(self, records_max: int) -> None:
        self.records: list[tuple[Any, Any, Any]] = []
        self._records_max = records_max

    def append(self, *, key: bytes, value: bytes | None, timestamp: int | None, headers: Any) -> object | None:
        """None when it is full; the first record always fits."""
        if len(self.records) == self._records_max:
            return None
        self.records.append((key, value, headers))
        return self

    def close(self) -> None:
        """Nothing may be added."""

    def record_count(self) -> int:
        """How many records there are."""
        return len(self.records)


class Producer:
    """aiokafka's producer, transactional or not."""

    def __init__(self, way: Way, **settings: Any) -> None:
        self._way = way
        self._id: str | None = settings.get("transactional_id")
        self._epoch = -1
        self._lane = Lane()

    async def start(self) -> None:
        """InitProducerId, when it is transactional."""
        if self._id is not None:
            self._epoch = await self._call(lambda: self._way.kafka.init_producer(str(self._id)))

    async def begin_transaction(self) -> None:
        """Says nothing to the brokers yet."""
        await asyncio.sleep(0)

    def create_batch(self) -> Batch:
        """An empty one."""
        return Batch(self._way.batch_records_max)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """The answer is awaited apart."""
        return self._send(topic, partition, batch.records)

    async def send(
        self, topic: str, value: Any, *, key: Any, partition: int, headers: Any
    ) -> asyncio.Future[Any]:  # fmt: skip
        """The answer is awaited apart."""
        return self._send(topic, partition, [(key, value, headers)])

    def _send(self, topic: str, partition: int, records: list[tuple[Any, Any, Any]]) -> asyncio.Future[Any]:
        kafka = self._way.kafka

        def effect() -> Any:
            if self._id is None:
                return SimpleNamespace(offset=kafka.append(topic, partition, records))
            offset = kafka.append_in_transaction(self._id, self._epoch, (topic, partition), records)
            return SimpleNamespace(offset=offset)

        return self._way.begin(effect, self._lane)

    async def send_offsets_to_transaction(self, offsets: dict[Any, int], _group: str) -> None:
        """The group's offsets become part of the transaction."""
        plain = {(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
        await self._call(lambda: self._way.kafka.add_offsets(str(self._id), self._epoch, plain))

    async def commit_transaction(self) -> None:
        """EndTxn."""
        await self._call(lambda: self._way.kafka.end_transaction(str(self._id), self._epoch, True))

    async def stop(self) -> None:
        """An open transaction stays open until the next epoch."""
        if self._way.loop.is_running():
            await asyncio.sleep(0)

    async def _call(self, effect: Any) -> Any:
        return await self._way.begin(effect, self._lane)


class Consumer:
    """aiokafka's consumer without a group."""

    def __init__(self, way: Way, **settings: Any) -> None:
        self._way = way
        self._is_committed = settings.get("isolation_level") == "read_committed"
        self._positions: dict[Any, int] = {}
        self._paused: set[Any] = set()

    async def start(self) -> None:
        """Asks for the metadata."""
        await self._way.call(lambda: None)

    async def stop(self) -> None:
        """Nothing is left behind."""
        if self._way.loop.is_running():
            await asyncio.sleep(0)

    def assign(self, tps: list[Any]) -> None:
        """From the beginnings."""
        self._positions = dict.fromkeys(tps, 0)

    def pause(self, *tps: Any) -> None:
        """Polls leave these out."""
        self._paused.update(tps)

    def resume(self, *tps: Any) -> None:
        """Polls take these again."""
        self._paused.difference_update(tps)

    def seek(self, tp: Any, offset: int) -> None:
        """The next poll reads from there."""
        self._positions[tp] = offset

    async def position(self, tp: Any) -> int:
        """The next offset to read."""
        await asyncio.sleep(0)
        return self._positions[tp]

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        """Compaction keeps the start."""
        return dict(await self._way.call(lambda: dict.fromkeys(tps, 0)))

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        """The last stable offsets, or the high watermarks; of each partition at another moment, from another broker."""
        asked = {tp: self._way.begin(partial(self._end, self._way.kafka.log(tp.topic, tp.partition))) for tp in tps}
        return {tp: await answer for tp, answer in asked.items()}

    def _end(self, log: Log) -> int:
        return log.stable if self._is_committed else log.end

    async def getmany(self, *tps: Any, timeout_ms: int = 0, max_records: int | None = None) -> dict[Any, list[Entry]]:
        """What a poll brings; positions pass what is not for applications."""
        found: dict[Any, list[Entry]] = {}
        most = min(max_records or self._way.poll_records_max, self._way.poll_records_max)
        for tp in [tp for tp in tps or self._positions if tp not in self._paused]:
            records, self._positions[tp] = await self._way.call(
                lambda tp=tp: read(self._way.kafka, tp, self._positions[tp], most)
            )
            if records:
                found[tp] = records
        if not found:
            await asyncio.sleep(timeout_ms / 1000)
        return found


def read(kafka: Kafka, tp: Any, start: int, records_max: int) -> tuple[list[Entry], int]:
    """The committed records from `start` on, and the position after them."""
    log = kafka.log(tp.topic, tp.partition)
    records = log.committed(start, log.stable)
    if len(records) > records_max:
        return records[:records_max], records[records_max - 1].offset + 1
    return records, max(start, log.stable)
