"""META: the record that closes every unit, and the checks of a claim against it.

Owns what a partition's state says about itself. Never repairs anything: what does not fit is refused with what to do.
Invariant: the applied offsets are those of exactly the events that the state holds.
"""

from dataclasses import asdict, dataclass, replace
from typing import Final

import msgpack

from streams.brokers.topics import SOURCES, STATE
from streams.domain.state import FORMAT
from streams.errors import Misuse, StateRefused

_REBUILD: Final = (
    f"Either restore what was there before, or start from nothing: stop the workers, delete the topic {STATE} "
    "and the ClickHouse database posventa, and let a worker read the source topics anew."
)
# What of the ground a deployment chooses by a setting.
_SETTINGS: Final = {"pane_s": "POSVENTA_PANE", "attribution_window_ms": "POSVENTA_ATTRIBUTION_WINDOW"}


@dataclass(frozen=True, slots=True)
class Applied:
    """How far one source topic's partition is in the state."""

    offset: int  # the next offset to read
    timestamp: int = 0  # broker time of the last record below it, epoch ms; 0 before the first


@dataclass(frozen=True, slots=True)
class Ground:
    """What must not change under the state's feet."""

    partitions: int
    pane_s: int
    attribution_window_ms: int
    sales_topic_id: str
    feedback_topic_id: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Meta:
    """`claims` counts the owners the partition has had, so that what a later owner reports outranks an earlier one's."""

    ground: Ground
    claims: int
    applied: dict[str, Applied]  # by source topic

    @property
    def version(self) -> int:
        """Grows with every unit that applied an event; the version of the rows in ClickHouse."""
        return sum(applied.offset for applied in self.applied.values())

    def claimed(self) -> "Meta":
        """The META of the next owner."""
        return replace(self, claims=self.claims + 1)

    def advanced(self, applied: dict[str, Applied]) -> "Meta":
        """The META after a unit."""
        return replace(self, applied=self.applied | applied)


@dataclass(frozen=True, slots=True)
class Log:
    """The offsets at which a topic-partition's log starts and ends."""

    start: int
    end: int


def encode(meta: Meta) -> bytes:
    """Canonical bytes of a META."""
    applied = [(meta.applied[topic].offset, meta.applied[topic].timestamp) for topic in SOURCES]
    data: bytes = msgpack.packb((sorted(asdict(meta.ground).items()), meta.claims, applied))
    return data


def decode(data: bytes) -> Meta:
    """The META that encode() wrote."""
    ground, claims, applied = msgpack.unpackb(data, use_list=False)
    return Meta(Ground(**dict(ground)), claims, {t: Applied(*a) for t, a in zip(SOURCES, applied, strict=True)})


def first(ground: Ground, logs: dict[str, Log]) -> Meta:
    """The META of a partition that nobody has owned yet: nothing applied, from where the logs start today."""
    return Meta(ground, 0, {topic: Applied(logs[topic].start) for topic in SOURCES})


def check(partition: int, meta: Meta, ground: Ground, logs: dict[str, Log]) -> None:
    """Refuses a state that belongs to other settings, which is Misuse, or to other topics, which is StateRefused."""
    for name, now in asdict(ground).items():
        then = getattr(meta.ground, name)
        if then != now:
            found = f"partition {partition}: the state was made with {name}={then}, today it is {name}={now}"
            if name in _SETTINGS:
                raise Misuse(f"{found}: set {_SETTINGS[name]} to what it was. {_REBUILD}")
            raise StateRefused(f"{found}. {_REBUILD}")
    for topic in SOURCES:
        offset, log = meta.applied[topic].offset, logs[topic]
        if not log.start <= offset <= log.end:
            raise StateRefused(
                f"{topic}[{partition}]: {offset} is the next offset to read, but the log holds {log.start} to {log.end}: "
                f"records were lost or the topic is another one. {_REBUILD}"
            )


def check_changelog(partition: int, log: Log) -> None:
    """Refuses a changelog of which something was deleted; compaction keeps the start. Raises StateRefused."""
    if log.start > 0:
        raise StateRefused(
            f"{STATE}[{partition}] starts at offset {log.start}, expected 0: a part of the state was deleted; "
            f"its cleanup.policy must be compact and nothing else. {_REBUILD}"
        )


def check_sink(partition: int, meta: Meta, changelog_end: int, sink_offset: int, sink_version: int) -> None:
    """Refuses a ClickHouse that is ahead of the state. Raises StateRefused."""
    if sink_offset > changelog_end or sink_version > meta.version:
        raise StateRefused(
            f"partition {partition}: ClickHouse has rows up to changelog offset {sink_offset}, version {sink_version}, "
            f"but the changelog ends at {changelog_end}, version {meta.version}: "
            f"Kafka was wiped or restored under a kept ClickHouse. {_REBUILD}"
        )
