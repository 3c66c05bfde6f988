"""What a worker tells at a scrape: all of its list and nothing else, and what it does not know is absent."""

import asyncio
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from schemas.codec import encode
from schemas.events import record_key
from sinks.errors import SinkUnavailable
from sinks.tables import COMMENTS, TABLES, Table, pack_row
from sinks.writer import SinkPosition
from streams.batches.damage import DamagedBatch
from streams.brokers.topics import FEEDBACK, SALES, SOURCES
from streams.delivery.freshness import LogEnd
from streams.delivery.outbox import Outbox
from streams.domain.rules import Rules
from streams.embedded.child import free_port
from streams.errors import Misuse
from streams.histogram import SECONDS, Histogram
from streams.monitoring import catalogue
from streams.monitoring.exposition import Sample
from streams.partition.unit_counts import UnitCounts
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.marks import marker
from streams.unit.rows import RowMaker
from streams.unit.unit import UnitMaker
from streams.worker import metrics as listener
from streams.worker.assignment import Assignment
from streams.worker.figures import figures
from streams.worker.metrics import Metrics, listen
from tests.support.doubles import Feed, NoClickHouse, World, doubled, until
from tests.support.tricky import tricky_events

COST_MAX = 0.02  # of what a record costs
NAMES = {metric.name for metric in catalogue.OF_A_WORKER}

Scrape = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scraped(metrics: Metrics) -> Scrape:
    """A whole scrape, read as Prometheus reads it: by name, by labels."""
    registry = CollectorRegistry()
    registry.register(metrics)
    found: Scrape = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def names(scrape: Scrape) -> set[str]:
    """Of the metrics: a histogram's three are one."""
    histograms = {name.removesuffix("_bucket") for name in scrape if name.endswith("_bucket")}
    parts = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
    return (set(scrape) - parts) | histograms


def value(scrape: Scrape, name: str, **labels: str) -> float | None:
    """The sum over all with these labels; None where there is none."""
    found = [n for held, n in scrape.get(name, {}).items() if labels.items() <= dict(held).items()]
    return sum(found) if found else None


def worked(
    monkeypatch: pytest.MonkeyPatch, steps: Callable[[World, Assignment, Callable[[], Any]], Any], **changes: Any
) -> None:
    """Runs an assignment over doubled partitions, and hands on how to scrape it meanwhile."""
    world = doubled(monkeypatch, **changes)
    assignment, rebalances = world.assignment(), Histogram(SECONDS)

    def read() -> list[Sample]:
        who = Sample(catalogue.WORKER, ("1", "1"), 1)
        return [who, *figures(assignment.owners, world.outbox, world.counts, rebalances)]

    async def scenario() -> None:
        metrics = Metrics()
        metrics.answer_from(asyncio.get_running_loop(), read)
        flushing = asyncio.create_task(world.outbox.run())
        await steps(world, assignment, lambda: asyncio.to_thread(scraped, metrics))
        await assignment.stop()
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)

    asyncio.run(scenario())


def comments(number: int, records: Sequence[Any]) -> dict[Table, dict[object, bytes]]:
    """One row a record."""
    return {COMMENTS: {r.offset: pack_row((1, "b", "c", str(r.offset), "", "", 1)) for r in records}}


def test_a_worker_that_works_shows_every_metric_of_the_list_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(world: World, assignment: Assignment, scrape: Callable[[], Any]) -> None:
        feed, world.rows = Feed(), comments
        world.outbox.ends = {(topic, n): LogEnd(5, 5, 60_000) for topic in SOURCES for n in (3, 4)}
        await assignment.become({3, 4})
        await assignment.offer(feed.batch(3, 5))
        await assignment.offer(feed.batch(4, 2, FEEDBACK))
        await until(lambda: world.outbox.counts.queryable_after_s.seen().buckets[-1][1] == 7)
        found = await scrape()
        assert names(found) == NAMES
        assert value(found, "posventa_worker_answers") == 1
        assert value(found, "posventa_worker_records_total", partition="3") == 5
        assert value(found, "posventa_worker_records_total", partition="4") == 2
        assert value(found, "posventa_worker_unit_records_sum") == 7
        assert value(found, "posventa_worker_unit_seconds_count") == value(found, "posventa_worker_unit_records_count")
        assert value(found, "posventa_worker_rows_total", table="comments") == 7
        assert value(found, "posventa_worker_rows_total", table="answers") == 0
        assert value(found, "posventa_worker_complete_up_to_timestamp_seconds", topic=SALES, partition="3") == 60
        assert value(found, "posventa_worker_claims_total", partition="4") == 1
        assert value(found, "posventa_worker_failures_total", partition="4") == 0
        assert value(found, "posventa_worker_claimed") == 2
        assert value(found, "posventa_worker_recovery_remaining", partition="3") == 0
        assert value(found, "posventa_worker_waits_for_clickhouse") == 0

    worked(monkeypatch, steps, writer=Remembers())


def test_counters_stay_when_a_partition_goes_to_another_worker_and_gauges_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(world: World, assignment: Assignment, scrape: Callable[[], Any]) -> None:
        feed = Feed()
        await assignment.become({3, 4})
        await assignment.offer(feed.batch(3, 5))
        await until(lambda: world.done(3) == 5)
        await assignment.become({4})
        found = await scrape()
        assert value(found, "posventa_worker_records_total", partition="3") == 5
        for gone in ("claimed", "waiting_records", "state_bytes", "complete_up_to_timestamp_seconds"):
            assert value(found, f"posventa_worker_{gone}", partition="3") is None

    worked(monkeypatch, steps)


def test_what_is_not_known_while_a_partition_is_claimed_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(world: World, assignment: Assignment, scrape: Callable[[], Any]) -> None:
        world.claiming[3] = asyncio.Event()
        await assignment.become({3})
        await until(lambda: assignment.owners[3].recovery_remaining() is not None)
        found = await scrape()
        assert value(found, "posventa_worker_claimed", partition="3") == 0
        assert value(found, "posventa_worker_recovery_remaining", partition="3") == 9
        unknown = ("stopped", "state_bytes", "state_keys_estimate", "complete_up_to_timestamp_seconds")
        assert not found.keys() & {f"posventa_worker_{name}" for name in unknown}
        world.claiming[3].set()

    worked(monkeypatch, steps)


def test_a_failure_names_its_partition_and_a_damaged_batch_its_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(world: World, assignment: Assignment, scrape: Callable[[], Any]) -> None:
        feed = Feed()

        def fail(records: list[Any]) -> None:
            if records[0].partition == 4:
                raise ValueError("poison")

        world.make = fail
        await assignment.become({3, 4})
        await assignment.offer(feed.batch(4, 5))
        damaged = feed.batch(3, 1, FEEDBACK)
        damaged.damage = DamagedBatch(FEEDBACK, 3, 0, "its bytes do not fit its checksum")
        await assignment.offer(damaged)
        await until(lambda: world.counts.failures[4] > 1 and assignment.owners[3].stopped() == {FEEDBACK})
        found = await scrape()
        assert value(found, "posventa_worker_failures_total", partition="4")
        assert value(found, "posventa_worker_failures_total", partition="3") == 0
        assert value(found, "posventa_worker_stopped", partition="3", topic=FEEDBACK) == 1
        assert value(found, "posventa_worker_stopped", partition="3", topic=SALES) == 0

    worked(monkeypatch, steps, timing=Timing(unit_every_s=0, claim_again_s_first=0.001, claim_again_s_max=0.001))


class Remembers(NoClickHouse):
    """Answers what it was told."""

    def report(self, rows: Any) -> None:
        """Keeps positions."""
        for _, _, partition, claim, report, offset, version, *_ in rows:
            self.found[partition] = SinkPosition(partition, offset, claim, report, version)

    def repeat(self, position: SinkPosition, *_: Any) -> None:
        """Keeps it."""
        self.found[position.partition] = position

    def positions(self, partitions: Any) -> dict[int, SinkPosition]:
        """Those of which it heard."""
        return {number: self.found[number] for number in partitions if number in self.found}


class Away(NoClickHouse):
    """Takes nothing."""

    def insert(self, table: Any, rows: Any) -> None:
        """Fails."""
        raise SinkUnavailable("away")


def test_a_clickhouse_that_is_away_shows_in_the_flushes_and_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(world: World, assignment: Assignment, scrape: Callable[[], Any]) -> None:
        feed, world.rows = Feed(), comments
        await assignment.become({3})
        await assignment.offer(feed.batch(3, 5))
        await until(world.outbox.waits_for_clickhouse)
        found = await scrape()
        assert value(found, "posventa_worker_flush_seconds_count", outcome="away")
        assert value(found, "posventa_worker_waits_for_clickhouse") == 1
        assert value(found, "posventa_worker_buffered_rows") == 5
        assert value(found, "posventa_worker_buffered_bytes", stage="sending")
        assert value(found, "posventa_worker_event_to_queryable_seconds_count") == 0
        assert value(found, "posventa_worker_rows_total") == 0

    worked(monkeypatch, steps, writer=Away())


def test_every_table_of_numbers_has_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(world: World, assignment: Assignment, scrape: Callable[[], Any]) -> None:
        tables = {dict(labels)["table"] for labels in (await scrape())["posventa_worker_rows_total"]}
        assert tables == {table.name for table in TABLES} - {"freshness"}

    worked(monkeypatch, steps)


def test_a_worker_that_starts_or_hangs_or_ends_answers_without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_ANSWER_S_MAX", 0.05)
    metrics = Metrics()
    nothing = {"posventa_worker_answers": {(): 0.0}}
    assert scraped(metrics) == nothing

    async def scenario() -> None:
        metrics.answer_from(asyncio.get_running_loop(), list)
        scrape = asyncio.get_running_loop().run_in_executor(None, scraped, metrics)
        time.sleep(0.3)  # noqa: ASYNC251 - the hang itself
        assert await scrape == nothing

    asyncio.run(scenario())
    assert scraped(metrics) == nothing


def test_an_address_that_is_taken_is_misuse_and_says_which_setting() -> None:
    address = f"127.0.0.1:{free_port()}"
    listen(Metrics(), address)
    with pytest.raises(Misuse, match=rf"POSVENTA_METRICS_LISTEN={address}: Address already in use; choose another"):
        listen(Metrics(), address)


def test_counting_costs_little_beside_the_making_of_a_unit() -> None:
    """A unit of as many records as one may hold, each of which arrived in a millisecond of its own: the worst there is."""
    events = tricky_events(3, 500, 1_700_000_000_000)
    topic_of = {True: FEEDBACK, False: SALES}
    records: list[Any] = [
        Arrived(topic_of[type(event).__name__ == "Feedback"], n, record_key(event), encode(event))
        for n, event in enumerate(events)
    ]
    rules = Rules()
    maker = UnitMaker(0, 1, rules, RowMaker(1, 0, rules), marker("s", "f"))
    outbox = Outbox(Settings(), Timing(), NoClickHouse(), 1, "test")
    units = UnitCounts()

    def make() -> Any:
        return maker.make(lambda keys: [None] * len(keys), 1, records, 1_800_000_000_000)

    unit = make()

    def count() -> None:
        arrivals = sorted(map(attrgetter("timestamp"), records))
        units.committed(0, len(records), unit, 0.1)
        outbox.counts.queryable([(0, arrivals)], (), 1_800_000_000_000)

    cost, whole = quickest(count), quickest(make)
    assert cost < COST_MAX * whole, f"{cost / whole:.1%} of a unit of {len(records)} records"


def quickest(work: Callable[[], Any]) -> float:
    """CPU seconds of the best of some runs: whatever else the machine does only adds."""
    took = []
    for _ in range(7):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


class Arrived:
    """A streams.unit.record.Record."""

    partition = 0
    headers = ()

    def __init__(self, topic: str, offset: int, key: bytes, value: bytes) -> None:
        self.topic, self.offset, self.key, self.value = topic, offset, key, value
        self.timestamp = 1_790_000_000_000 + offset
