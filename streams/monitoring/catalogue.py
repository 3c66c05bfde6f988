"""Every metric that posventa serves: its name, kind and labels, what it means, and what to do about it.

The one list. docs/reference/metrics.md and the alerts are held against it by tests. Base units are those of Prometheus:
seconds, records, and times as seconds since 1970. What is unknown is absent, never -1 or 0.
"""

from typing import Final, Literal, NamedTuple


class Metric(NamedTuple):
    """`name` is as a scrape shows it: a counter's with its `_total`, a histogram's without what follows it there."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    meaning: str
    turn: str  # what to look at, or which knob to turn


# What dashboards made for the usual lag exporters ask for, with the labels that they have there.
_PLACE: Final = ("cluster_name", "topic", "partition")
_GROUP: Final = ("cluster_name", "group", "topic", "partition", "member_host", "consumer_id", "client_id")

LATEST_OFFSET: Final = Metric(
    "kafka_partition_latest_offset", "gauge", _PLACE,
    "offset at which a source partition's log ends: that of the next record",
    "its rate is what publishers write",
)  # fmt: skip
EARLIEST_OFFSET: Final = Metric(
    "kafka_partition_earliest_offset", "gauge", _PLACE,
    "offset of the oldest record that a source partition's log still holds",
    "above 0: records were deleted; retention.ms of the source topics must be -1",
)  # fmt: skip
GROUP_OFFSET: Final = Metric(
    "kafka_consumergroup_group_offset", "gauge", _GROUP,
    "offset of the next record that a worker reads; absent until one told it",
    "its rate is what workers read",
)  # fmt: skip
GROUP_LAG: Final = Metric(
    "kafka_consumergroup_group_lag", "gauge", _GROUP,
    "records that wait in a source partition",
    "grows: more workers (up to one a partition), or look at the status for what is in their way",
)  # fmt: skip
GROUP_LAG_SECONDS: Final = Metric(
    "kafka_consumergroup_group_lag_seconds", "gauge", _GROUP,
    "age of the next unread record by the broker's clock; 0 when nothing waits",
    "as for the lag in records",
)  # fmt: skip
TRIMMED: Final = Metric(
    "posventa_trimmed_records", "gauge", ("topic", "partition"),
    "records that were deleted from a source partition before a worker read them",
    "above 0: the numbers lack them; mend the topic's retention, then publish them again",
)  # fmt: skip
STATUS: Final = Metric(
    "posventa_status", "gauge", ("topic", "partition", "status"),
    "1 for the status that a source partition has, 0 for the others: idle, ok, behind, stalled, no worker",
    "stalled or no worker: posventa lag, then the worker's log",
)  # fmt: skip
COMPLETE_UP_TO: Final = Metric(
    "posventa_complete_up_to_timestamp_seconds", "gauge", ("topic", "partition"),
    "everything that reached the broker before this time is in ClickHouse",
    "time() minus it is how old the numbers are; it stands still when nobody reports",
)  # fmt: skip
REPORTED: Final = Metric(
    "posventa_reported_timestamp_seconds", "gauge", ("topic", "partition"),
    "when the partition's owner last reported",
    "older than 15 s: no worker owns it, or it can't reach ClickHouse",
)  # fmt: skip
MEMBERS: Final = Metric(
    "posventa_group_members", "gauge", ("group",),
    "workers that the consumer group knows",
    "fewer than you started: one died less than POSVENTA_SESSION_TIMEOUT ago, or it does not start",
)  # fmt: skip
DEAD_LETTERS: Final = Metric(
    "posventa_dead_letters_total", "counter", ("reason",),
    "refused records, by reason, as the table dead_letters has them",
    "posventa dead-letters list --reason REASON",
)  # fmt: skip
GENERATION: Final = Metric(
    "posventa_generation", "gauge", (),
    "the generation of the tables that the views show",
    "it changes when a rebuild is switched to",
)  # fmt: skip
REACHED: Final = Metric(
    "posventa_reached", "gauge", ("server",),
    "1 when the monitor's last look got an answer from kafka, or clickhouse; else 0",
    "0: what that server knows is absent meanwhile",
)  # fmt: skip
LOOKED: Final = Metric(
    "posventa_looked_timestamp_seconds", "gauge", (),
    "when the monitor's last look ended",
    "older than a minute: a server keeps the monitor waiting",
)  # fmt: skip
LOOK_SECONDS: Final = Metric(
    "posventa_look_seconds", "gauge", (),
    "how long the monitor's last look took",
    "seconds: a server is slow to answer",
)  # fmt: skip

MONITORED: Final = (
    LATEST_OFFSET, EARLIEST_OFFSET, GROUP_OFFSET, GROUP_LAG, GROUP_LAG_SECONDS, TRIMMED, STATUS, COMPLETE_UP_TO,
    REPORTED, MEMBERS, DEAD_LETTERS, GENERATION, REACHED, LOOKED, LOOK_SECONDS,
)  # fmt: skip

ANSWERING: Final = Metric(
    "posventa_worker_answers", "gauge", (),
    "1 when the worker gave its figures for this scrape within 3 s; 0 while it starts, or hangs: then the others are absent",
    "0 for minutes: the worker's log; one that makes no progress ends itself after three minutes",
)  # fmt: skip
WORKER: Final = Metric(
    "posventa_worker_info", "gauge", ("version", "generation"),
    "always 1; the version that runs, and the generation whose numbers it makes",
    "other versions than you installed: a worker was not started again",
)  # fmt: skip
OWNS: Final = Metric(
    "posventa_worker_claimed", "gauge", ("partition",),
    "1 for a partition of this worker's that makes units, 0 for one that is being claimed; absent for those of others",
    "0 for long: it recovers, or fails; see recovery_remaining and failures",
)  # fmt: skip
RECORDS: Final = Metric(
    "posventa_worker_records_total", "counter", ("partition",),
    "records of both source topics in committed units; refused and rerouted ones and tombstones are among them",
    "its rate is the worker's speed; a partition with much more than others has a customer, or a brand, with as many events",
)  # fmt: skip
REFUSED: Final = Metric(
    "posventa_worker_dead_letters_total", "counter", ("reason",),
    "records that this worker refused, by reason",
    "posventa dead-letters list --reason REASON",
)  # fmt: skip
REROUTED: Final = Metric(
    "posventa_worker_rerouted_total", "counter", ("topic",),
    "records of a wrong key or partition, or without a customer, that were published again, by the topic to which",
    "sales or feedback grow: a publisher has another key or partitioner (docs/publishing.md), or not yet all partitions",
)  # fmt: skip
TOMBSTONES: Final = Metric(
    "posventa_worker_tombstones_total", "counter", (),
    "records without a value, which are passed over",
    "above 0: a publisher takes the topics for compacted ones; what it wants to take back is a withdrawal",
)  # fmt: skip
UNIT_RECORDS: Final = Metric(
    "posventa_worker_unit_records", "histogram", (),
    "records of a unit, one transaction of Kafka; its count is that of the units",
    "most at POSVENTA_UNIT_RECORDS_MAX: it is behind; most at 1: it has little to do, and transactions cost more than records",
)  # fmt: skip
UNIT_SECONDS: Final = Metric(
    "posventa_worker_unit_seconds", "histogram", (),
    "from the making of a unit until Kafka has committed it",
    "seconds: Kafka is slow to commit; or smaller units, by POSVENTA_UNIT_RECORDS_MAX",
)  # fmt: skip
WAITING: Final = Metric(
    "posventa_worker_waiting_records", "gauge", ("topic", "partition"),
    "records that were fetched and are in no unit yet",
    "stays high for one partition alone: look at its failures; for all: it is behind, see unit_seconds and buffered_rows",
)  # fmt: skip
STOPPED: Final = Metric(
    "posventa_worker_stopped", "gauge", ("topic", "partition"),
    "1 when the next batch can't be read: nothing of this topic and partition comes; 0 when it can; absent while being claimed",
    "1: a damaged batch, docs/operating.md",
)  # fmt: skip
ROWS: Final = Metric(
    "posventa_worker_rows_total", "counter", ("table",),
    "rows that ClickHouse acknowledged; what was sent again is counted again",
    "its rate against that of the records: fewer rows a record when units are greater",
)  # fmt: skip
FLUSH_SECONDS: Final = Metric(
    "posventa_worker_flush_seconds", "histogram", ("outcome",),
    "an attempt to write to ClickHouse: taken, refused (a row of some partition for good), or away (tried again)",
    "away: look after ClickHouse; refused: the worker's log names the row; taken but slow: a greater POSVENTA_FLUSH_MS",
)  # fmt: skip
BUFFERED_ROWS: Final = Metric(
    "posventa_worker_buffered_rows", "gauge", ("stage",),
    "committed rows that ClickHouse has not acknowledged: waiting for the next flush, or sending",
    "waiting stays at four times POSVENTA_FLUSH_ROWS: ClickHouse is too slow, and the worker waits for it",
)  # fmt: skip
BUFFERED_BYTES: Final = Metric(
    "posventa_worker_buffered_bytes", "gauge", ("stage",),
    "the bytes of these rows before compression, those included that newer ones of the same key have replaced",
    "as for the rows, with POSVENTA_FLUSH_BYTES",
)  # fmt: skip
WAITS: Final = Metric(
    "posventa_worker_waits_for_clickhouse", "gauge", (),
    "1 while no unit is made because ClickHouse is away, or the buffer is full; else 0",
    "1 for long: look after ClickHouse; nothing is lost meanwhile",
)  # fmt: skip
WORKER_COMPLETE: Final = Metric(
    "posventa_worker_complete_up_to_timestamp_seconds", "gauge", ("topic", "partition"),
    "everything that reached the broker before this time is in ClickHouse, as this worker last reported it; absent before",
    "time() minus it is how old the numbers of its partitions are",
)  # fmt: skip
QUERYABLE: Final = Metric(
    "posventa_worker_event_to_queryable_seconds", "histogram", (),
    "from a record's arrival at the broker until ClickHouse acknowledged what became of it, by the clocks of both machines; "
    "records whose rows had to be sent again by a later claim are not in it",
    "most is POSVENTA_FLUSH_MS, while not behind; else see unit_seconds, flush_seconds and the lag",
)  # fmt: skip
REBALANCES: Final = Metric(
    "posventa_worker_rebalance_seconds", "histogram", (),
    "how long nothing was fetched in a rebalance, the first one from the worker's start; its count is theirs",
    "many: workers come and go, or miss their session (POSVENTA_SESSION_TIMEOUT)",
)  # fmt: skip
CLAIMS: Final = Metric(
    "posventa_worker_claims_total", "counter", ("partition",),
    "claims of a partition that succeeded: one at a start or a rebalance, and one after each failure",
    "grows without rebalances: look at failures",
)  # fmt: skip
CLAIM_SECONDS: Final = Metric(
    "posventa_worker_claim_seconds", "histogram", (),
    "a claim that succeeded, recovery and what had to be sent again included",
    "minutes: keep POSVENTA_STATE_DIR between starts",
)  # fmt: skip
FAILURES: Final = Metric(
    "posventa_worker_failures_total", "counter", ("partition",),
    "claims and units that failed, after which the partition is claimed again",
    "grows: the worker's log names the partition, and the record if it is one",
)  # fmt: skip
STATE_KEYS: Final = Metric(
    "posventa_worker_state_keys_estimate", "gauge", ("partition",),
    "keys of the local copy, as RocksDB estimates them: too high by what was overwritten lately, some ten thousand at most",
    "it grows with customers and panes; docs/operating.md has sizes",
)  # fmt: skip
STATE_BYTES: Final = Metric(
    "posventa_worker_state_bytes", "gauge", ("partition",),
    "bytes of the local copy, in files and not yet in files",
    "room in POSVENTA_STATE_DIR",
)  # fmt: skip
RECOVERY: Final = Metric(
    "posventa_worker_recovery_remaining", "gauge", ("partition",),
    "offsets of the changelog to be read before the partition goes on, at least as many as records; absent before it is known",
    "does not shrink: Kafka is slow to read from, or away",
)  # fmt: skip

OF_A_WORKER: Final = (
    ANSWERING, WORKER, OWNS, RECORDS, REFUSED, REROUTED, TOMBSTONES, UNIT_RECORDS, UNIT_SECONDS, WAITING, STOPPED, ROWS,
    FLUSH_SECONDS, BUFFERED_ROWS, BUFFERED_BYTES, WAITS, WORKER_COMPLETE, QUERYABLE, REBALANCES, CLAIMS, CLAIM_SECONDS,
    FAILURES, STATE_KEYS, STATE_BYTES, RECOVERY,
)  # fmt: skip
