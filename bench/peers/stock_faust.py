"""Stock Faust, in the simplest honest way: two agents, one table on RocksDB with its changelog, one event at a time.

An event is acknowledged when its rows are in ClickHouse, so it is delivered at least once. Not guaranteed: Faust writes
a customer and their panes as records of their own, without a transaction, and RocksDB ahead of the changelog. After a
crash between two of them, or between a table and ClickHouse, the event comes again, changes nothing any more, and what
was missing stays missing. (Faust's own exactly_once setting commits without flushing, so it is no help.)
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final

import faust
from faust.transport.producer import ProducerBuffer

from bench.peers.job import (
    FLUSH_S,
    PARTITIONS,
    Arguments,
    Sink,
    add_up,
    add_up_topic,
    arguments,
    decode,
    handle,
    now_version,
    row_makers,
)
from schemas.events import Event
from streams.changelog import records

_TUNED: Final[dict[str, Any]] = {
    "broker_max_poll_records": 4000,
    "producer_linger": 0.02,
    "producer_max_batch_size": 262_144,
    "stream_wait_empty": False,
}


def make_app(given: Arguments) -> faust.App:
    """The application."""
    if given.tuned:
        ProducerBuffer.max_messages = 10_000  # of 100: no setting, and the cause of the pauses
    app = faust.App(
        "bench-faust",
        broker=f"kafka://{given.kafka}",
        store="rocksdb://",
        datadir=str(given.directory),
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        **(_TUNED if given.tuned else {}),
    )
    table = app.Table("state", partitions=PARTITIONS, options={"driver": "rocksdict"})
    table.key_serializer = table.value_serializer = "raw"
    sink, makers, unacknowledged = Sink(given.clickhouse, "faust"), row_makers(), list[Any]()

    async def run(stream: Any, is_sale: bool) -> None:
        async for event in stream.noack().events():
            _apply(table, event, decode(is_sale, event.value), makers, sink)
            unacknowledged.append(event)

    @app.agent(app.topic(given.sales))  # type: ignore[untyped-decorator]
    async def sales(stream: Any) -> None:
        await run(stream, True)

    @app.agent(app.topic(given.feedback))  # type: ignore[untyped-decorator]
    async def feedback(stream: Any) -> None:
        await run(stream, False)

    @app.timer(FLUSH_S)  # type: ignore[untyped-decorator]
    async def flush() -> None:
        events = unacknowledged.copy()
        unacknowledged.clear()
        for event in events:
            sink.applied(event.message.topic, event.message.partition, event.message.offset + 1)
        await asyncio.to_thread(sink.flush)
        for event in events:
            event.ack()

    return app


def _apply(table: Any, event: Any, decoded: Event, makers: list[Any], sink: Sink) -> None:
    """One event into the table. No await in it, so the two agents never see half of it."""
    rows, version, key = makers[event.message.partition], now_version(), records.customer_key(event.key)
    effect = handle(_held(table, key), decoded, rows, version)
    if effect is None:
        return
    table[key] = effect.state
    for pane, added in effect.delta.panes.items():
        packed = records.pack_key(records.PANE, pane)
        measures = table[packed] = records.pack_measures(add_up(_held(table, packed), added))
        rows.packed(effect.rows, packed, measures, version)
    for topic, added in effect.delta.topics.items():
        packed = records.pack_key(records.TOPIC, topic)
        answers = table[packed] = records.pack(add_up_topic(_held(table, packed), added))
        rows.packed(effect.rows, packed, answers, version)
    sink.put(event.message.partition, effect.rows)


def _held(table: Any, key: bytes) -> bytes | None:
    get: Callable[[bytes], bytes | None] = table.get
    return get(key)


if __name__ == "__main__":
    started_with = arguments()
    sys.argv = [sys.argv[0], "worker", "--loglevel", "info", "--without-web"]
    make_app(started_with).main()
