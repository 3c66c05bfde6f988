"""Kafka's side of transactions: logs, epochs, markers, stable offsets, the group's offsets, compaction.

Owns what is committed. Never waits: a call is one instant at the broker. Invariants: a producer of an old epoch changes
nothing; a transaction's outcome is decided in one instant, and its markers reach the logs afterwards, one by one.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiokafka.errors import ProducerFenced

TP = tuple[str, int]


@dataclass(slots=True, eq=False)
class Transaction:
    """`decided` is None while it is open."""

    transactional_id: str
    epoch: int
    logs: list["Log"] = field(default_factory=list)
    offsets: dict[TP, int] = field(default_factory=dict)
    decided: bool | None = None

    def of(self, log: "Log") -> list["Entry"]:
        """Its records in a log."""
        return [entry for entry in log.entries if entry.transaction is self and not entry.is_marker]


@dataclass(slots=True)
class Entry:
    """One offset of a log: a record, or a marker (without a key or value, `is_marker`)."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()
    transaction: Transaction | None = None
    is_marker: bool = False
    is_removed: bool = False  # by compaction


@dataclass(slots=True, eq=False)
class Log:
    """One topic-partition. Offsets are positions in `entries`."""

    topic: str
    partition: int
    entries: list[Entry] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)  # id of an open transaction: its first offset

    @property
    def end(self) -> int:
        """The high watermark."""
        return len(self.entries)

    @property
    def stable(self) -> int:
        """Below it everything is decided, and its markers are written."""
        return min(self.open.values(), default=self.end)

    def committed(self, start: int, end: int) -> list[Entry]:
        """The records that a read_committed consumer sees."""
        return [
            entry
            for entry in self.entries[start:end]
            if not entry.is_marker
            and not entry.is_removed
            and (entry.transaction is None or entry.transaction.decided is True)
        ]

    def compact(self, below: int, deletions_before_ms: int) -> None:
        """Removes what a later record below that offset replaces, and deletions that are old enough."""
        newest: dict[bytes | None, Entry] = {}
        for entry in self.committed(0, min(below, self.stable)):
            if entry.key in newest:
                newest[entry.key].is_removed = True
            newest[entry.key] = entry
        for entry in newest.values():
            entry.is_removed = entry.value is None and entry.timestamp < deletions_before_ms


class Kafka:
    """The brokers. `on_commit` is called at the instant in which a transaction with records is decided to be committed."""

    def __init__(
        self, now_ms: Callable[[], int], later: Callable[[Callable[[], None], float], None], on_commit: Any,
        transaction_s_max: float,
    ) -> None:  # fmt: skip
        self.group: dict[TP, int] = {}
        self.logs: dict[TP, Log] = {}
        self._now_ms = now_ms
        self._later = later  # calls back after so many seconds and a little
        self._transaction_s_max = transaction_s_max
        self._on_commit = on_commit
        self._epochs: dict[str, int] = {}
        self._current: dict[str, Transaction] = {}

    def log(self, topic: str, partition: int) -> Log:
        """A log; it begins empty."""
        return self.logs.setdefault((topic, partition), Log(topic, partition))

    def init_producer(self, transactional_id: str) -> int:
        """The next epoch: earlier producers are fenced, what they left open is aborted, what is decided is completed."""
        current = self._current.get(transactional_id)
        if current is not None and current.decided is None:
            self._decide(current, False)
        self._complete(transactional_id)
        self._epochs[transactional_id] = self._epochs.get(transactional_id, -1) + 1
        return self._epochs[transactional_id]

    def append(self, topic: str, partition: int, records: Iterable[tuple[Any, Any, Any]]) -> int:
        """Records without a transaction: (key, value, headers). Returns the first offset."""
        return self._append(self.log(topic, partition), records, None)

    def append_in_transaction(
        self, transactional_id: str, epoch: int, tp: TP, records: Iterable[tuple[Any, Any, Any]]
    ) -> int:
        """Records of an open transaction, which begins with its first one. Returns the first offset."""
        transaction, log = self._transaction(transactional_id, epoch), self.log(*tp)
        if id(transaction) not in log.open:
            log.open[id(transaction)] = log.end
            transaction.logs.append(log)
        return self._append(log, records, transaction)

    def add_offsets(self, transactional_id: str, epoch: int, offsets: dict[TP, int]) -> None:
        """Offsets of the group, as part of the open transaction."""
        self._transaction(transactional_id, epoch).offsets.update(offsets)

    def end_transaction(self, transactional_id: str, epoch: int, commit: bool) -> None:
        """Decides the open transaction."""
        self._check(transactional_id, epoch)
        current = self._current.get(transactional_id)
        if current is not None and current.decided is None:
            self._decide(current, commit)

    def _check(self, transactional_id: str, epoch: int) -> None:
        if self._epochs.get(transactional_id) != epoch:
            raise ProducerFenced("a newer producer has this transactional id")

    def _transaction(self, transactional_id: str, epoch: int) -> Transaction:
        self._check(transactional_id, epoch)
        current = self._current.get(transactional_id)
        if current is None or current.decided is not None:
            self._complete(transactional_id)
            current = self._current[transactional_id] = Transaction(transactional_id, epoch)
            self._later(partial(self._expire, current), self._transaction_s_max)
        return current

    def _expire(self, transaction: Transaction) -> None:
        """A transaction that stays open for too long is aborted, and its producer fenced."""
        if transaction.decided is None:
            self.init_producer(transaction.transactional_id)

    def _append(self, log: Log, records: Iterable[tuple[Any, Any, Any]], transaction: Transaction | None) -> int:
        first = log.end
        for key, value, headers in records:
            log.entries.append(
                Entry(log.topic, log.partition, log.end, key, value, self._now_ms(), tuple(headers or ()), transaction)
            )
        return first

    def _decide(self, transaction: Transaction, commit: bool) -> None:
        transaction.decided = commit
        if commit:
            self._on_commit(transaction)
        for log in transaction.logs:
            self._later(partial(self._mark, log, transaction), 0)
        self._later(partial(self._mark_group, transaction), 0)

    def _complete(self, transactional_id: str) -> None:
        transaction = self._current.get(transactional_id)
        if transaction is not None:
            for log in transaction.logs:
                self._mark(log, transaction)
            self._mark_group(transaction)

    def _mark(self, log: Log, transaction: Transaction) -> None:
        if log.open.pop(id(transaction), None) is not None:
            log.entries.append(
                Entry(log.topic, log.partition, log.end, None, None, self._now_ms(), (), transaction, is_marker=True)
            )

    def _mark_group(self, transaction: Transaction) -> None:
        if transaction.decided:
            self.group.update(transaction.offsets)
        transaction.offsets = {}

    def compact(self, topic: str, delete_retention_ms: int, rng: random.Random) -> None:
        """The cleaner passes over a topic, up to anywhere."""
        for (name, _), log in self.logs.items():
            if name == topic and log.stable:
                log.compact(rng.randrange(log.stable) + 1, self._now_ms() - delete_retention_ms)
