"""Pathway: a table of customers folded by a stateful reducer, their contributions flattened, panes as sums of them.

When a customer changes, Pathway takes the old contributions back and adds the new ones: its own way to the same
difference. What was read is persisted once a second, and comes at least once after a restart. Not like the others: all
state is in memory, and is computed again from the persisted reads after a restart; comments are not written; panes are
not apart by source partition, since Pathway does not tell a reducer where a record came from.
"""

from collections.abc import Callable
from typing import Any

import msgpack
import pathway as pw

from bench.peers.job import RULES, Arguments, Sink, arguments, decode, load, now_version
from schemas.measures import MEASURES, TOPIC_MEASURES
from streams.changelog import records
from streams.domain import state as states
from streams.domain.contributions import Answer, GivenBack, Journey, contributions
from streams.domain.fold import fold
from streams.unit.rows import RowMaker, Rows

# Batches of at most so many records of a topic, so often: without a limit all that waits becomes one batch, shown when
# all of it is done.
_BATCH_MS = 250
_SNAPSHOT_MS = 1000
_BACKLOG_MAX = 5_000
_ROWS = RowMaker(1, 0, RULES)

Row = dict[str, Any]


@pw.reducers.stateful_many  # type: ignore[untyped-decorator]
def fold_all(state: bytes | None, rows: list[tuple[list[Any], int]]) -> bytes:
    """A customer's bytes after more of their events."""
    events = [decode(is_sale, value) for (is_sale, value), _ in rows]
    customer = load(state, events[0])
    for event in events:
        fold(customer, event, RULES)
    return states.encode(customer)


@pw.udf(deterministic=True)  # type: ignore[untyped-decorator]
def owned(state: bytes) -> tuple[list[tuple[bytes, list[int]]], list[tuple[bytes, list[int]]], list[bytes]]:
    """What a customer adds to which pane and topic, and their journeys, reversals and answers."""
    all_of_it = contributions(states.decode(state), RULES)
    return (
        [(records.pack_key(records.PANE, key), added) for key, added in all_of_it.panes.items()],
        [(records.pack_key(records.TOPIC, key), added) for key, added in all_of_it.topics.items()],
        [
            records.pack(row)
            for own in (all_of_it.journeys, all_of_it.given_back, all_of_it.answers)
            for row in own.values()
        ],
    )


class _Output:
    """Changes of several tables. Their times end one by one: flushed, and counted, is what has ended for all of them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._ended: dict[str, int] = {}
        self._counts: dict[int, int] = {}  # records by time

    def add(self, name: str, table: Any, on_row: Callable[[Row], None], on_gone: Callable[[Row], None]) -> None:
        """Subscribes: `on_row` for what is new, `on_gone` for what has gone without anything in its place."""
        self._ended[name] = -1
        came: set[Any] = set()
        went: dict[Any, Row] = {}

        def on_change(key: Any, row: Row, time: int, is_addition: bool) -> None:
            if is_addition:
                came.add(key)
                on_row(row)
            else:
                went[key] = row

        def on_time_end(time: int) -> None:
            for key, row in went.items():
                if key not in came:
                    on_gone(row)
            came.clear()
            went.clear()
            self._end(name, time)

        pw.io.subscribe(table, on_change, on_time_end=on_time_end)

    def add_count(self, table: Any) -> None:
        """Subscribes to the count of all records."""
        self._ended["count"] = -1

        def on_change(key: Any, row: Row, time: int, is_addition: bool) -> None:
            if is_addition:
                self._counts[time] = row["count"]

        pw.io.subscribe(table, on_change, on_time_end=lambda time: self._end("count", time))

    def _end(self, name: str, time: int) -> None:
        self._ended[name] = time
        ended = min(self._ended.values())
        for counted in sorted(at for at in self._counts if at <= ended):
            self._sink.applied("all", 0, self._counts.pop(counted))
        if ended == time:
            self._sink.flush()


def build(given: Arguments) -> None:
    """The whole graph."""
    events = pw.Table.concat_reindex(_read(given, given.sales, True), _read(given, given.feedback, False))
    customers = events.groupby(pw.this.key).reduce(pw.this.key, state=fold_all(pw.this.is_sale, pw.this.data))
    everything = customers.select(owned=owned(pw.this.state))
    panes = _flat(everything, 0).select(key=pw.this.one[0], added=pw.this.one[1])
    # A column each: the sum of arrays misses changes that leave the number of rows as it was (Pathway 0.33.0).
    sums = {measure: pw.reducers.sum(pw.this.added[at]) for at, measure in enumerate(MEASURES)}
    panes = panes.groupby(pw.this.key).reduce(pw.this.key, **sums)
    topics = _flat(everything, 1).select(key=pw.this.one[0], added=pw.this.one[1])
    counts = {measure: pw.reducers.sum(pw.this.added[at]) for at, measure in enumerate(TOPIC_MEASURES)}
    topics = topics.groupby(pw.this.key).reduce(pw.this.key, **counts)
    counted = events.reduce(count=pw.reducers.count())

    sink = Sink(given.clickhouse, "pathway")
    output = _Output(sink)
    output.add("panes", panes, lambda row: sink.put(0, _pane(row["key"], [row[measure] for measure in MEASURES])),
               lambda row: sink.put(0, _pane(row["key"], [0] * len(MEASURES))))  # fmt: skip
    output.add("topics", topics, lambda row: sink.put(0, _topic(row["key"], [row[name] for name in TOPIC_MEASURES])),
               lambda row: sink.put(0, _topic(row["key"], [0] * len(TOPIC_MEASURES))))  # fmt: skip
    # A sale or a feedback that is known stays known.
    output.add("rows", _flat(everything, 2), lambda row: sink.put(0, _row(row["one"])), lambda _: None)
    output.add_count(counted)


def _read(given: Arguments, topic: str, is_sale: bool) -> Any:
    kafka = {
        "bootstrap.servers": given.kafka,
        "group.id": "bench-pathway",
        "auto.offset.reset": "earliest",
        "session.timeout.ms": "6000",
    }
    table = pw.io.kafka.read(
        kafka,
        topic=topic,
        format="raw",
        autogenerate_key=True,
        autocommit_duration_ms=_BATCH_MS,
        max_backlog_size=_BACKLOG_MAX,
        name=topic,
    )
    return table.select(pw.this.key, pw.this.data, is_sale=is_sale)


def _flat(everything: Any, part: int) -> Any:
    return everything.select(one=pw.this.owned[part]).flatten(pw.this.one)


def _pane(key: bytes, measures: list[int]) -> Rows:
    return _packed(key, records.pack_measures(measures))


def _topic(key: bytes, counts: list[int]) -> Rows:
    return _packed(key, records.pack(counts))


def _packed(key: bytes, value: bytes) -> Rows:
    rows: Rows = {}
    _ROWS.packed(rows, key, value, now_version())
    return rows


def _row(packed: bytes) -> Rows:
    values = msgpack.unpackb(packed, use_list=False)
    rows: Rows = {}
    _ROWS.of_cases(
        rows,
        (
            [values] if len(values) == len(Journey._fields) else [],
            [values] if len(values) == len(GivenBack._fields) else [],
            [values] if len(values) == len(Answer._fields) else [],
        ),
        now_version(),
    )
    return rows


if __name__ == "__main__":
    started_with = arguments()
    build(started_with)
    backend = pw.persistence.Backend.filesystem(str(started_with.directory))
    pw.run(
        monitoring_level=pw.MonitoringLevel.NONE,
        persistence_config=pw.persistence.Config(backend, snapshot_interval_ms=_SNAPSHOT_MS),
    )
