"""However often there came more partitions, each record is of exactly one partition of the state, which reads it."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from sinks.generations import Raise
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import SALES, SOURCES
from streams.generations.logs import SourceLayout
from tests.support.examples import examples


class Written(NamedTuple):
    """A record in a log, and whether its publisher was right."""

    key: bytes
    log: int
    offset: int
    is_right: bool


class Topic:
    """Logs that get more partitions now and then, as Kafka has it: what lies there stays."""

    def __init__(self, partitions: int) -> None:
        self.ends = [0] * partitions
        self.records: list[Written] = []
        self.raises: list[Raise] = []

    def write(self, key: bytes, by_chance: int | None) -> None:
        """To its partition, or to any."""
        count = len(self.ends)
        log = partition_for(key, count) if by_chance is None else by_chance % count
        self.records.append(Written(key, log, self.ends[log], log == partition_for(key, count)))
        self.ends[log] += 1

    def add_partitions(self, times: int) -> None:
        """So many times as many."""
        self.raises.append(Raise(len(self.ends), dict.fromkeys(SOURCES, tuple(self.ends))))
        self.ends += [0] * (len(self.ends) * (times - 1))


WRITTEN = st.tuples(st.binary(min_size=1, max_size=4), st.one_of(st.none(), st.integers(0, 63)))
STAGES = st.lists(st.tuples(st.lists(WRITTEN, max_size=12), st.integers(2, 3)), min_size=1, max_size=3)


def published(partitions: int, stages: Sequence[tuple[Sequence[tuple[bytes, int | None]], int]]) -> Topic:
    topic = Topic(partitions)
    for number, (records, times) in enumerate(stages):
        if number:
            topic.add_partitions(times)
        for key, by_chance in records:
            topic.write(key, by_chance)
    return topic


def readers(layout: SourceLayout, record: Written) -> list[int]:
    """The partitions of the state that read a record: it lies in one of their spans."""
    return [
        number
        for number in range(layout.partitions)
        for span in layout.spans(number)
        if span.log == record.log and (span.ends is None or record.offset < span.ends[SOURCES.index(SALES)])
    ]


@examples(300)
@given(st.integers(1, 3), STAGES, st.integers(1, 3))
def test_each_record_is_read_once_where_its_key_belongs(
    partitions: int, stages: list[tuple[list[tuple[bytes, int | None]], int]], more: int
) -> None:
    topic = published(partitions, stages)
    logs = len(topic.ends)
    layout = SourceLayout(logs, logs * more, topic.raises)
    for record in topic.records:
        home = layout.home(record.key, SALES, record.log, record.offset)
        if record.is_right:
            assert home == partition_for(record.key, layout.partitions)
            assert readers(layout, record).count(home) == 1
        else:
            assert home is None
            assert partition_for(record.key, layout.partitions) not in readers(layout, record)


@given(st.integers(1, 4), st.integers(1, 4))
def test_without_more_partitions_each_reads_its_own_log_alone(partitions: int, more: int) -> None:
    layout = SourceLayout(partitions, partitions * more)
    assert [[span.log for span in layout.spans(n)] for n in range(partitions)] == [[n] for n in range(partitions)]
    assert [layout.spans(n)[0].log for n in range(partitions * more)] == [
        n % partitions for n in range(partitions * more)
    ]
    assert all(layout.is_read(n, n % partitions) for n in range(partitions * more))
