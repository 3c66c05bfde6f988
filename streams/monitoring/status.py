"""What is to be said of one source partition: the contract's words for it.

Pure. Owns the words and what makes them true; the owner's own word is made by the view freshness_now.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from streams.brokers.lag import Lag
from streams.brokers.topics import TopicPartition

STATUSES: Final = ("idle", "ok", "behind", "stalled", "no worker", "unknown")  # from best to worst

_BEHIND_S: Final = 60  # contract: behind when the lag is over a minute
_NO_REPORT_S: Final = 15  # contract: stalled when there was no report for so long


def status_of(found: Lag, reports: Mapping[TopicPartition, Mapping[str, Any]] | None, now: datetime) -> str:
    """What the owner reports, unless Kafka knows better. `reports` are rows of freshness_now by topic and partition; None
    when ClickHouse does not tell."""
    if reports is None:
        return "unknown"
    report = reports.get((found.topic, found.partition))
    if report is None:
        return "no worker"
    if report["status"] == "stalled":
        is_silent = (now - report["as_of"]).total_seconds() > _NO_REPORT_S
        return "no worker" if is_silent and not found.lag_records else "stalled"
    if found.lag_seconds > _BEHIND_S:
        return "behind"
    return "ok" if found.lag_records and report["status"] == "idle" else str(report["status"])
