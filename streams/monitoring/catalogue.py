"""Every metric that posventa serves: its name, kind and labels, what it means, and what to do about it.

The one list. docs/reference/metrics.md and the alerts are held against it by tests. Base units are those of Prometheus:
seconds, records, and times as seconds since 1970. What is unknown is absent, never -1 or 0.
"""

from typing import Final, Literal, NamedTuple


class Metric(NamedTuple):
    """`name` is as a scrape shows it, a counter's with its `_total`."""

    name: str
    kind: Literal["gauge", "counter"]
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
