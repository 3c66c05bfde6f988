"""What a worker says of itself at a scrape, read from the counters that its parts keep.

Never changes anything. Called in the worker's event loop, so nothing moves meanwhile. What is not known is left out.
"""

from collections.abc import Iterator, Mapping

from schemas.errors import REASONS
from sinks.tables import FRESHNESS, TABLES
from streams.brokers.topics import BY_SALE, SOURCES
from streams.delivery.outbox import Outbox
from streams.histogram import Histogram
from streams.monitoring import catalogue
from streams.monitoring.exposition import Sample
from streams.partition.owner import Owner
from streams.partition.unit_counts import UnitCounts


def figures(owners: Mapping[int, Owner], outbox: Outbox, counts: UnitCounts, rebalances: Histogram) -> Iterator[Sample]:
    """Everything but who it is that runs."""
    yield from _of_units(counts)
    yield from _of_claims(counts)
    yield Sample(catalogue.REBALANCES, (), rebalances.seen())
    for number, owner in owners.items():
        yield from _of_owner(str(number), owner)
    yield from _of_flushes(outbox)


def _of_units(counts: UnitCounts) -> Iterator[Sample]:
    for number, records in counts.records.items():
        yield Sample(catalogue.RECORDS, (str(number),), records)
    for reason in REASONS:
        yield Sample(catalogue.REFUSED, (reason,), counts.refused[reason])
    for topic in (*SOURCES, BY_SALE):
        yield Sample(catalogue.REROUTED, (topic,), counts.rerouted[topic])
    yield Sample(catalogue.TOMBSTONES, (), counts.tombstones)
    yield Sample(catalogue.UNIT_RECORDS, (), counts.sizes.seen())
    yield Sample(catalogue.UNIT_SECONDS, (), counts.seconds.seen())


def _of_claims(counts: UnitCounts) -> Iterator[Sample]:
    for number in counts.claims | counts.failures:
        yield Sample(catalogue.CLAIMS, (str(number),), counts.claims[number])
        yield Sample(catalogue.FAILURES, (str(number),), counts.failures[number])
    yield Sample(catalogue.CLAIM_SECONDS, (), counts.claim_s.seen())


def _of_owner(number: str, owner: Owner) -> Iterator[Sample]:
    yield Sample(catalogue.OWNS, (number,), owner.makes_units)
    stopped = owner.stopped()
    for topic in SOURCES:
        yield Sample(catalogue.WAITING, (topic, number), owner.waiting(topic).records)
        if owner.makes_units:
            yield Sample(catalogue.STOPPED, (topic, number), topic in stopped)
    if (remaining := owner.recovery_remaining()) is not None:
        yield Sample(catalogue.RECOVERY, (number,), remaining)
    if (size := owner.state_size()) is not None:
        yield Sample(catalogue.STATE_KEYS, (number,), size.keys)
        yield Sample(catalogue.STATE_BYTES, (number,), size.size_bytes)


def _of_flushes(outbox: Outbox) -> Iterator[Sample]:
    for table in TABLES:
        if table is not FRESHNESS:
            yield Sample(catalogue.ROWS, (table.name,), outbox.counts.rows[table.name])
    for outcome, seconds in outbox.counts.seconds.items():
        yield Sample(catalogue.FLUSH_SECONDS, (outcome,), seconds.seen())
    for stage, (rows, size_bytes) in outbox.held().items():
        yield Sample(catalogue.BUFFERED_ROWS, (stage,), rows)
        yield Sample(catalogue.BUFFERED_BYTES, (stage,), size_bytes)
    yield Sample(catalogue.WAITS, (), outbox.waits_for_clickhouse())
    for number, account in outbox.accounts.items():
        for topic, gauge in account.gauges.items():
            if gauge.complete_up_to:  # 0: not reported yet
                complete_s = gauge.complete_up_to / 1000
                yield Sample(catalogue.WORKER_COMPLETE, (topic, str(number)), complete_s)
    yield Sample(catalogue.QUERYABLE, (), outbox.counts.queryable_after_s.seen())
