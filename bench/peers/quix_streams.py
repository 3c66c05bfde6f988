"""Quix Streams: both topics as one StreamingDataFrame, its RocksDB state with changelog, exactly-once checkpoints.

State, changelog and offsets change together, once a checkpoint. ClickHouse is written before the checkpoint commits, so
after a crash the rows of it are computed again and replace the first ones; a zombie's late rows would win, since the
clock is all that orders them. Panes are kept by partition, like posventa's, in the same store beneath the public State,
which knows the message's key only: grouping by pane in the public way would send every pane through another topic.
"""

from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.sinks import BaseSink

from bench.peers.job import (
    FLUSH_S,
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
from streams.changelog import records
from streams.unit.rows import Rows


class _RowSink(BaseSink):  # type: ignore[misc]
    """Quix hands over each record's rows as they come, and flushes when it makes a checkpoint."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def add(self, value: Any, key: Any, timestamp: int, headers: Any, topic: str, partition: int, offset: int) -> None:
        self._sink.put(partition, value)
        self._sink.applied(topic, partition, offset + 1)

    def flush(self) -> None:
        self._sink.flush()


def make_app(given: Arguments) -> Application:
    """The application: one pipeline over both topics, with a checkpoint each flush."""
    app = Application(
        broker_address=given.kafka,
        consumer_group="bench-quix",
        state_dir=given.directory,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=FLUSH_S,
        consumer_poll_timeout=0.1,
    )
    sales, feedback = (
        app.dataframe(app.topic(name, key_deserializer="bytes", value_deserializer="bytes"))
        for name in (given.sales, given.feedback)
    )
    both = sales.concat(feedback)
    makers = row_makers()

    def apply(value: bytes, state: State) -> Rows:
        at = message_context()
        rows, version = makers[at.partition], now_version()
        effect = handle(state.get_bytes("customer"), decode(at.topic == given.sales, value), rows, version)
        if effect is None:
            return {}
        state.set_bytes("customer", effect.state)
        checkpoint = both.processing_context.checkpoint
        shared = checkpoint.get_store_transaction(stream_id=both.stream_id, partition=at.partition).as_state(
            prefix=b"p"
        )
        changed = effect.rows
        for pane, added in effect.delta.panes.items():
            key = records.pack_key(records.PANE, pane)
            measures = records.pack_measures(add_up(shared.get_bytes(key), added))
            shared.set_bytes(key, measures)
            rows.packed(changed, key, measures, version)
        for topic, added in effect.delta.topics.items():
            key = records.pack_key(records.TOPIC, topic)
            answers = records.pack(add_up_topic(shared.get_bytes(key), added))
            shared.set_bytes(key, answers)
            rows.packed(changed, key, answers, version)
        return changed

    both.apply(apply, stateful=True).sink(_RowSink(Sink(given.clickhouse, "quix")))
    return app


if __name__ == "__main__":
    make_app(arguments()).run()
