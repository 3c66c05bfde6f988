"""The work of verify, in tasks that any process may do: a partition's topics, a shelf of customers, a shelf of panes.

Owns the comparison. Invariant: a row is compared with the events below its own moment, all of them and no others.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.errors import CustomerFull
from schemas.events import Event, customer_of
from streams.brokers.logs import read
from streams.brokers.topics import SALES, SOURCES
from streams.generations.logs import SourceLayout
from streams.recount.asking import (
    COMMENT_ROWS,
    LETTER_ROWS,
    OF_CUSTOMERS,
    PANES,
    REVERSAL_ROWS,
    SALES_ROWS,
    TOPICS,
    Cells,
    Kept,
    Key,
    Range,
)
from streams.recount.logs import home_of, judge
from streams.recount.moments import Moment, holding
from streams.recount.numbers import Numbers, Rules, recount
from streams.recount.rows import Row
from streams.recount.shelves import Shelves, shelf_of
from streams.settings import Settings

LETTERS: Final = "letters"
_EVENTS: Final = "events"
_EXPECTED: Final = {PANES: "expected panes", TOPICS: "expected topics"}


class Difference(NamedTuple):
    """A value that is not what the topics say. `column` is '' where a whole row is missing, or should not be there."""

    table: str
    key: dict[str, Any]
    column: str
    expected: Any
    found: Any


@dataclass(frozen=True)
class Job:
    """What every task is told."""

    settings: Settings
    rules: Rules
    directory: Path
    shelves: int
    layout: SourceLayout
    chosen: Range
    moments: tuple[Moment, ...]
    asked: Mapping[str, range]  # by table: at which of the moments its rows were asked for
    listed_max: int  # differences that a task tells; it counts all

    def shelved(self, what: str) -> Shelves:
        """The shelves of a kind of record."""
        return Shelves(self.directory / what)

    def shelf_of(self, kept: Kept, key: Key) -> int:
        """Where a row lies: with its customer's events, with its source partition's letters, or by its key."""
        if kept is LETTER_ROWS:
            return int(key[1]) % self.layout.logs
        return shelf_of(self.shelves, *(key[:2] if kept in OF_CUSTOMERS else key))


class Part:
    """What a task came to."""

    def __init__(self, listed_max: int) -> None:
        self.events = 0
        self.keys = 0
        self.differing = 0
        self.differences: list[Difference] = []
        self._listed_max = listed_max

    def differ(self, kept: Kept, key: Key, column: str, expected: Any, found: Any) -> None:
        """Notes a difference."""
        self.differing += 1
        if len(self.differences) < self._listed_max:
            self.differences.append(
                Difference(kept.name, dict(zip(kept.key, key, strict=True)), column, expected, found)
            )

    def compare(self, kept: Kept, key: Key, expected: Row | None, found: Cells | None) -> None:
        """Compares a row, column by column."""
        self.keys += 1
        if expected is None or found is None:
            if expected is not None or found is not None:
                shown = None if found is None else dict(zip(kept.values, found, strict=True))
                self.differ(kept, key, "", expected, shown)
            return
        if [expected[column] for column in kept.values] == list(found):
            return
        for column, value in zip(kept.values, found, strict=True):
            if expected[column] != value:
                self.differ(kept, key, column, expected[column], value)


def read_partition(job: Job, partition: int) -> Part:
    """Lays the events of a source partition with their customers, and compares what was refused.

    They belong to one partition of the state, or to several where there were fewer source partitions once.
    """
    part = Part(job.listed_max)
    events = job.shelved(_EVENTS)
    letters = {(topic, offset): (reason, at) for topic, offset, reason, at in job.shelved(LETTERS).take(partition)}
    refused = dict(letters)
    for source, topic in enumerate(SOURCES):
        end = _end(job, topic, source, partition)
        for record in (record for records in read(job.settings, topic, partition, end) for record in records):
            judged = judge(record, job.layout)
            found = refused.pop((topic, record.offset), ("", 0))[0]
            if isinstance(judged, tuple) and found in ("", CustomerFull.reason):
                home = home_of(record.key, job.layout.partitions)
                is_read = job.layout.is_read(home, partition)
                moment = holding(job.moments, home, source, record.offset) if is_read else 0
                if not found and moment < len(job.moments):
                    number = shelf_of(job.shelves, *customer_of(judged))
                    events.put(number, (moment, source, home, record.value))
                    part.events += 1
            elif (expected := judged if isinstance(judged, str) else "") != found:
                key = (topic, partition, record.offset)
                part.differ(LETTER_ROWS, key, "reason of the dead letter", expected, found)
    events.flush()
    _compare_letters(job, partition, letters, part)
    return part


def _end(job: Job, topic: str, source: int, log: int) -> int:
    """Up to where a log is in the state that is compared."""
    readers = [number for number in range(job.layout.partitions) if job.layout.is_read(number, log)]
    reached = [m[number].applied[source] for m in job.moments for number in readers if number in m]
    cuts = [raised.cuts[topic][log] for raised in job.layout.raises if log < raised.before]
    return max([0, *reached, *cuts])


def _compare_letters(job: Job, partition: int, letters: Mapping[tuple[str, int], tuple[str, int]], part: Part) -> None:
    found = {key: (moment, values) for moment, key, values in job.shelved(LETTER_ROWS.name).take(partition)}
    first = job.asked[LETTER_ROWS.name].start
    expected = {(topic, partition, offset): letter for (topic, offset), letter in letters.items()}
    for key in expected.keys() | found.keys():
        moment, values = found.get(key, (first, None))
        reason, refused_at = expected.get(key, ("", 0))
        is_below = bool(reason) and holding(job.moments, partition, SOURCES.index(key[0]), key[2]) <= moment
        if values is not None or (is_below and job.chosen.holds(refused_at)):
            part.compare(LETTER_ROWS, key, {"reason": reason} if is_below else None, values)


class _History:
    """A customer's events, and what they amount to at any moment."""

    def __init__(self, rules: Rules) -> None:
        self.home = 0  # the source partition; of one without events it does not matter
        self._events: list[tuple[int, Event]] = []  # with the first moment that holds each
        self._last = 0  # the greatest of these
        self._rules = rules
        self._known: dict[int, Numbers] = {}

    def add(self, moment: int, event: Event) -> None:
        """Adds an event that `moment` is the first to hold."""
        self._events.append((moment, event))
        self._last = max(self._last, moment)

    def at(self, moment: int) -> Numbers:
        """The numbers at a moment; the same object while nothing changes."""
        moment = min(moment, self._last)
        numbers = self._known.get(moment)
        if numbers is None:
            own = [event for first, event in self._events if first <= moment]
            numbers = self._known[moment] = recount(own, self._rules)
        return numbers


def count_customers(job: Job, number: int) -> Part:
    """Counts the customers of a shelf, compares their rows, and lays down what they add to panes and topics."""
    part = Part(job.listed_max)
    histories: dict[tuple[str, str], _History] = defaultdict(lambda: _History(job.rules))
    for moment, source, partition, value in job.shelved(_EVENTS).take(number):
        event: Event = decode_of_sales(value) if SOURCES[source] == SALES else decode_of_feedback(value)
        history = histories[customer_of(event)]
        history.home = partition
        history.add(moment, event)
    for kept in OF_CUSTOMERS:
        _compare_rows(job, kept, number, histories, part)
    sums: dict[Kept, dict[tuple[int, Key], dict[str, int]]] = {PANES: {}, TOPICS: {}}
    for history in histories.values():
        for kept, into in sums.items():
            _add_sums(job.asked[kept.name], kept, history, into)
    for kept, into in sums.items():
        shelved = job.shelved(_EXPECTED[kept])
        for (moment, key), measures in into.items():
            shelved.put(job.shelf_of(kept, key), (moment, key, measures))
        shelved.flush()
    return part


def _compare_rows(job: Job, kept: Kept, number: int, histories: Mapping[tuple[str, str], _History], part: Part) -> None:
    if kept is COMMENT_ROWS and job.chosen != Range():
        return  # a comment has no time of its own
    found: dict[tuple[str, str], dict[Key, tuple[int, Cells]]] = defaultdict(dict)
    for moment, key, values in job.shelved(kept.name).take(number):
        found[key[:2]][key] = moment, values
    first = job.asked[kept.name].start
    for customer in histories.keys() | found.keys():
        history = histories[customer]
        rows = found.get(customer, {})
        for key in _rows_of(kept, history.at(first)).keys() | rows.keys():
            moment, values = rows.get(key, (first, None))
            expected = _rows_of(kept, history.at(moment)).get(key)
            if kept is COMMENT_ROWS:
                _compare_comment(key, expected or {("", "")}, values or ("", ""), part)
            elif values is not None or (expected and job.chosen.holds(*(expected[name] for name in kept.times))):
                part.compare(kept, key, expected, values)


def _compare_comment(key: Key, expected: set[tuple[str, str]], found: Cells, part: Part) -> None:
    """Never tells a comment: only that it is another one."""
    part.keys += 1
    if tuple(found) not in expected:
        part.differ(COMMENT_ROWS, key, "comment", "what the customer wrote", "something else")


def _rows_of(kept: Kept, numbers: Numbers) -> Mapping[Any, Any]:
    if kept is COMMENT_ROWS:
        return numbers.comments
    if kept is REVERSAL_ROWS:
        return numbers.reversals
    return numbers.journeys if kept is SALES_ROWS else numbers.answers


def _add_sums(asked: range, kept: Kept, history: _History, into: dict[tuple[int, Key], dict[str, int]]) -> None:
    """What the customer adds at the first moment, and what changes at each later one."""
    before = Numbers()
    for moment in asked:
        numbers = history.at(moment)
        if numbers is before:
            continue
        for sign, counted in ((-1, before), (1, numbers)):
            for key, measures in _sums_of(kept, counted):
                total = into.setdefault((moment, (*key, history.home)), {})
                for name, value in measures.items():
                    total[name] = total.get(name, 0) + sign * value
        before = numbers


def _sums_of(kept: Kept, numbers: Numbers) -> Iterator[tuple[Key, Mapping[str, int]]]:
    if kept is PANES:
        yield from numbers.panes.items()
    else:
        yield from numbers.topics.items()


def compare_sums(job: Job, number: int) -> Part:
    """Compares a shelf of panes and of topics."""
    part = Part(job.listed_max)
    for kept, laid in _EXPECTED.items():
        first = job.asked[kept.name].start
        found = {key: (moment, values) for moment, key, values in job.shelved(kept.name).take(number)}
        expected: dict[Key, list[tuple[int, dict[str, int]]]] = defaultdict(list)
        for moment, key, measures in job.shelved(laid).take(number):
            expected[key].append((moment, measures))
        zeros = (0,) * len(kept.values)
        for key in expected.keys() | found.keys():
            bucket_s = key[kept.key.index("bucket")]
            if not job.chosen.holds(bucket_s * 1000):
                continue
            moment, values = found.get(key, (first, zeros))
            row: Row = dict.fromkeys(kept.values, 0)
            for since, measures in expected.get(key, ()):
                if since <= moment:
                    row |= {name: row[name] + value for name, value in measures.items()}  # type: ignore[operator]
            part.compare(kept, key, row, values)
    return part
