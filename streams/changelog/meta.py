"""META: the record that closes every unit, and the checks of a claim against it.

Owns what a partition's state says about itself. Never repairs anything: what does not fit is refused with what to do.
Invariant: the applied offsets are those of exactly the events that the state holds.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

import msgpack

from streams.brokers.topics import SOURCES
from streams.domain.state import FORMAT
from streams.errors import Misuse, StateRefused

_RESTORE: Final = (
    "Restore what was there before; where that is gone, start from nothing (docs/operating.md): what the topics still hold is "
    "counted anew."
)
# What of the ground a deployment chooses by a setting, and the option with which it chooses again.
_SETTINGS: Final = {
    "pane_s": ("POSVENTA_PANE", "--pane"),
    "attribution_window_ms": ("POSVENTA_ATTRIBUTION_WINDOW", "--attribution-window"),
}
_HANDED_OVER: Final = "handed over to generation"


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
    format: int | str = FORMAT  # a text of handed_over(): nobody goes on with this state


class Inherited(NamedTuple):
    """What a partition's state took from another log: records that lay there when there were fewer partitions."""

    log: int  # its partition
    offsets: tuple[int, ...]  # by source topic: everything below that is of this partition's keys is in the state


@dataclass(frozen=True, slots=True)
class Meta:
    """`claims` counts the owners the partition has had, so that what a later owner reports outranks an earlier one's."""

    ground: Ground
    claims: int
    applied: dict[str, Applied]  # by source topic, of the log that is being read: this partition's own, in the end
    inherited: tuple[Inherited, ...] = ()

    @property
    def version(self) -> int:
        """Grows with every unit that applied an event; the version of the rows in ClickHouse."""
        own = sum(applied.offset for applied in self.applied.values())
        return own + sum(sum(taken.offsets) for taken in self.inherited)

    def claimed(self) -> "Meta":
        """The META of the next owner."""
        return replace(self, claims=self.claims + 1)

    def advanced(self, applied: dict[str, Applied]) -> "Meta":
        """The META after a unit."""
        return replace(self, applied=self.applied | applied)

    def moved_on(self, log: int) -> "Meta":
        """The META once all that is to be taken from another log is taken, and the next one is begun."""
        taken = Inherited(log, tuple(self.applied[topic].offset for topic in SOURCES))
        return replace(self, applied=dict.fromkeys(SOURCES, Applied(0)), inherited=(*self.inherited, taken))


@dataclass(frozen=True, slots=True)
class Log:
    """The offsets at which a topic-partition's log starts and ends."""

    start: int
    end: int


def encode(meta: Meta) -> bytes:
    """Canonical bytes of a META."""
    applied = [(meta.applied[topic].offset, meta.applied[topic].timestamp) for topic in SOURCES]
    inherited = (
        [meta.inherited] if meta.inherited else []
    )  # left out where there is none, as it was before there was any
    data: bytes = msgpack.packb((sorted(asdict(meta.ground).items()), meta.claims, applied, *inherited))
    return data


def decode(data: bytes) -> Meta:
    """The META that encode() wrote."""
    ground, claims, applied, *more = msgpack.unpackb(data, use_list=False)
    inherited = tuple(Inherited(*taken) for taken in (more[0] if more else ()))
    own = {topic: Applied(*found) for topic, found in zip(SOURCES, applied, strict=True)}
    return Meta(Ground(**dict(ground)), claims, own, inherited)


def handed_over(data: bytes, generation: int) -> bytes:
    """The last META of a state that another generation takes over: whoever claims it is refused, also a version that knows
    nothing of generations, and shows what stands here. Of a META of whatever format."""
    ground, *rest = msgpack.unpackb(data, use_list=False)
    fields = dict(ground)
    fields["format"] = (
        f"{format_of(data)} ({_HANDED_OVER} {generation} by posventa rebuild: start workers of the version that it was run "
        "with, and delete nothing)"
    )
    packed: bytes = msgpack.packb((sorted(fields.items()), *rest))
    return packed


def taken_back(data: bytes) -> bytes:
    """What it was before handed_over()."""
    ground, *rest = msgpack.unpackb(data, use_list=False)
    packed: bytes = msgpack.packb((sorted((dict(ground) | {"format": format_of(data)}).items()), *rest))
    return packed


def is_handed_over(data: bytes) -> bool:
    """Whether nobody goes on with this state."""
    return isinstance(_ground(data)["format"], str)


def format_of(data: bytes) -> int:
    """The format of the state, whether or not it was handed over."""
    return int(str(_ground(data)["format"]).split(" ", 1)[0])


def applied_of(data: bytes) -> dict[str, int]:
    """The applied offsets, by source topic, of a META of whatever format."""
    return {topic: found[0] for topic, found in zip(SOURCES, msgpack.unpackb(data, use_list=False)[2], strict=False)}


def version_of(data: bytes) -> int:
    """The version of the state, of a META of whatever format."""
    _, _, applied, *more = msgpack.unpackb(data, use_list=False)
    version: int = sum(found[0] for found in applied) + sum(sum(offsets) for _, offsets in (more[0] if more else ()))
    return version


def ground_of(data: bytes) -> dict[str, Any]:
    """What the state was made with, by the names of Ground, of a META of whatever format."""
    return _ground(data) | {"format": format_of(data)}


def _ground(data: bytes) -> dict[str, Any]:
    return dict(msgpack.unpackb(data, use_list=False)[0])


def first(ground: Ground, logs: dict[str, Log]) -> Meta:
    """The META of a partition that nobody has owned yet: nothing applied, from where the logs start today."""
    return Meta(ground, 0, {topic: Applied(logs[topic].start) for topic in SOURCES})


def check_format(partition: int, data: bytes) -> None:
    """Refuses the META of another format, before anything else of it is read. Raises StateRefused."""
    if (found := _ground(data)["format"]) != FORMAT:
        raise _other_format(partition, found)


def _other_format(partition: int, found: object) -> StateRefused:
    return StateRefused(
        f"partition {partition}: the state was made with format={found}, today it is format={FORMAT}: say posventa rebuild, "
        "which makes it anew from the topics, beside the one in use"
    )


def check(partition: int, meta: Meta, ground: Ground, logs: dict[str, Log]) -> None:
    """Refuses a state that belongs to other settings, which is Misuse, or to other topics, which is StateRefused."""
    for name, now in asdict(ground).items():
        then = getattr(meta.ground, name)
        if then != now:
            found = f"partition {partition}: the state was made with {name}={then}, today it is {name}={now}"
            if name in _SETTINGS:
                variable, option = _SETTINGS[name]
                raise Misuse(
                    f"{found}: set {variable} to what it was, or make the state anew: posventa rebuild {option} …"
                )
            if name == "format":
                raise _other_format(partition, then)
            raise StateRefused(f"{found}. {_RESTORE}")
    for topic in SOURCES:
        offset, log = meta.applied[topic].offset, logs[topic]
        if not log.start <= offset <= log.end:
            raise StateRefused(
                f"{topic}[{partition}]: {offset} is the next offset to read, but the log holds {log.start} to {log.end}: "
                f"records were lost or the topic is another one. {_RESTORE}"
            )


def check_changelog(partition: int, topic: str, log: Log) -> None:
    """Refuses a changelog of which something was deleted; compaction keeps the start. Raises StateRefused."""
    if log.start > 0:
        raise StateRefused(
            f"{topic}[{partition}] starts at offset {log.start}, expected 0: a part of the state was deleted; "
            f"its cleanup.policy must be compact and nothing else. Say posventa rebuild, which makes the state anew"
        )


def check_sink(partition: int, meta: Meta, changelog_end: int, sink_offset: int, sink_version: int) -> None:
    """Refuses a ClickHouse that is ahead of the state. Raises StateRefused."""
    if sink_offset > changelog_end or sink_version > meta.version:
        raise StateRefused(
            f"partition {partition}: ClickHouse has rows up to changelog offset {sink_offset}, version {sink_version}, "
            f"but the changelog ends at {changelog_end}, version {meta.version}: "
            f"Kafka was wiped or restored under a kept ClickHouse. {_RESTORE}"
        )
