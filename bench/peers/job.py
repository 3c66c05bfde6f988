"""The job as every peer does it: one event into a customer's state, what changes by it, and rows to ClickHouse.

Owns what must be equal for all peers. Never touches Kafka or keeps state: each peer does that in its own way.
"""

import argparse
import time
from pathlib import Path
from typing import Final, NamedTuple

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.events import Event, Feedback, customer_of
from sinks.writer import Writer
from streams.changelog import records
from streams.delivery.buffer import Load
from streams.domain import state
from streams.domain.cases import cases
from streams.domain.contributions import Contributions, difference
from streams.domain.fold import Change, comment_of, fold
from streams.domain.rules import Rules
from streams.unit.rows import RowMaker, Rows

PARTITIONS: Final = 8
FLUSH_S: Final = 1.0  # between two flushes: fuller batches than posventa's 250 ms allow
RULES: Final = Rules()


class Arguments(NamedTuple):
    """What every peer is started with."""

    kafka: str
    clickhouse: str
    directory: Path
    sales: str
    feedback: str
    tuned: bool  # settings chosen for speed instead of the peer's own, where there is a choice


class Effect(NamedTuple):
    """What one event does: the customer's new bytes, the difference, and rows that follow from the event itself."""

    state: bytes
    delta: Contributions
    rows: Rows


def arguments() -> Arguments:
    """From the command line."""
    parser = argparse.ArgumentParser()
    for name in ("kafka", "clickhouse", "sales", "feedback"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--tuned", action="store_true")
    return Arguments(**vars(parser.parse_args()))


def decode(is_sale: bool, value: bytes) -> Event:
    """The event of a record."""
    return decode_of_sales(value) if is_sale else decode_of_feedback(value)


def load(raw: bytes | None, event: Event) -> state.Customer:
    """A customer from the stored bytes, if there are any."""
    return state.decode(raw) if raw else state.Customer(*customer_of(event))


def handle(raw: bytes | None, event: Event, rows: RowMaker, version: bytes) -> Effect | None:
    """Folds one event into a customer's stored bytes; None when it changes nothing."""
    customer = load(raw, event)
    before = cases(customer, RULES)
    change = fold(customer, event, RULES)
    if not change:
        return None
    delta = difference(before, cases(customer, RULES), RULES)
    changed: Rows = {}
    rows.of_cases(
        changed, ([*delta.journeys.values()], [*delta.given_back.values()], [*delta.answers.values()]), version
    )
    if change is Change.COMMENT and isinstance(event, Feedback):
        key = records.pack_key(records.COMMENT, (*customer_of(event), event.feedback_id))
        rows.packed(changed, key, records.pack(comment_of(event) or ("", "")), version)
    return Effect(state.encode(customer), delta, changed)


def add_up(held: bytes | None, added: list[int]) -> list[int]:
    """A pane's measures after a difference."""
    return [a + b for a, b in zip(records.unpack_measures(held), added, strict=True)] if held else added


def add_up_topic(held: bytes | None, added: list[int]) -> list[int]:
    """A topic's counts after a difference."""
    return [a + b for a, b in zip(records.unpack_topic(held), added, strict=True)] if held else added


def row_makers() -> list[RowMaker]:
    """One for each source partition."""
    return [RowMaker(1, partition, RULES) for partition in range(PARTITIONS)]


def now_version() -> bytes:
    """Rows replace older ones: without one line of units, the clock must say which is newer."""
    return records.pack(time.time_ns())


class Sink:
    """Rows on their way to ClickHouse, newest per key, and how far the peer is. Not for several threads."""

    def __init__(self, clickhouse: str, peer: str) -> None:
        self._writer = Writer(clickhouse)
        self._peer = peer
        self._load = Load()
        self._applied: dict[tuple[str, int], int] = {}

    def put(self, partition: int, rows: Rows) -> None:
        """Takes rows; nothing is sent yet."""
        self._load.put(partition, rows)

    def applied(self, topic: str, partition: int, offset: int) -> None:
        """Notes that the rows of everything below an offset have been put."""
        self._applied[topic, partition] = offset

    def flush(self) -> None:
        """Sends everything, then reports how far it reaches: the same table as posventa's, with what peers know."""
        load, self._load = self._load, Load()
        applied, self._applied = self._applied, {}
        for table, rows in load.rows.items():
            self._writer.insert(table, [row for own in rows.values() for row in own.values()])
        now = time.time_ns()
        now_ms = now // 1_000_000
        self._writer.report(
            [
                (1, topic, partition, 0, now, 0, 0, offset, 0, 0, 0, 0.0, now_ms, now_ms, now_ms, self._peer)
                for (topic, partition), offset in applied.items()
            ]
        )
