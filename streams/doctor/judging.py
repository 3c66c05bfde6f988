"""What the facts of servers, topics, clocks and refusals mean.

Pure. Owns what is expected of them. Never asks anybody.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from streams.brokers.creation import bytes_max
from streams.brokers.inspection import faults
from streams.brokers.topics import STATE
from streams.doctor.looking import Broker, ClockReading, Topic
from streams.doctor.telling import Seen, Trouble, counted, error, few_of, seen, warning

# Static members can be taken out of a group from 2.4 on (LeaveGroup v3 by an administrator, KIP-345).
BROKER_LEAST: Final = (2, 4)
CLICKHOUSE_LEAST: Final = (26, 3)
_CLOCKS_APART_MS: Final = 5000  # freshness is judged by seconds; NTP keeps clocks within milliseconds


def judge_brokers(kafka: str, brokers: Sequence[Broker]) -> Seen:
    """Whether each is new enough."""
    findings = [
        error(
            f"broker {b.number} is of version {_dotted(b.version)}", f"{_dotted(BROKER_LEAST)} or newer", "upgrade it"
        )
        for b in brokers
        if b.version < BROKER_LEAST
    ]
    versions = {_dotted(broker.version) for broker in brokers}
    return seen(f"{len(brokers)} at {kafka}, version {few_of(sorted(versions))}", findings)


def judge_clickhouse(address: str, version: str) -> Seen:
    """Whether it is new enough."""
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    findings = (
        [error(f"version {version}", f"{_dotted(CLICKHOUSE_LEAST)} or newer", "upgrade ClickHouse")]
        if parts < CLICKHOUSE_LEAST
        else []
    )
    return seen(f"{address}, version {version}", findings)


def judge_migrations(applied: Mapping[int, str], own: Mapping[int, str]) -> Seen:
    """Whether the tables are those of this version."""
    findings = []
    if missing := sorted(own.keys() - applied.keys()):
        findings.append(
            error(
                f"the migrations {few_of(missing)} were not run",
                "the tables of this version",
                "posventa migrate, or start a worker",
            )
        )
    if others := sorted(n for n, digest in applied.items() if own.get(n) != digest):
        findings.append(
            error(
                f"the migrations {few_of(others)} are not those of this version",
                "tables that this version or an older one made",
                "use the version that made them, or a newer one",
            )
        )
    return seen(f"{len(applied)} run", findings)


def judge_topics(names: Sequence[str], topics: Mapping[str, Topic], partitions: int) -> Seen:
    """Whether all are there, whole, and with as many partitions as the settings say. `names` end with the changelog."""
    findings: list[Trouble] = []
    if missing := [name for name in names if name not in topics]:
        findings.append(
            error(
                f"there is no {few_of(missing)}, or none that this user may see",
                "all four topics",
                "start a worker, which creates them",
            )
        )
    counts = {name: topic.partitions for name, topic in topics.items()}
    shown = ", ".join(f"{name} has {count}" for name, count in sorted(counts.items()))
    if len(set(counts.values())) > 1:
        findings.append(error(shown, "equal partition counts", "make the odd ones anew (docs/operating.md)"))
    elif counts and partitions not in counts.values():
        findings.append(
            error(shown, f"POSVENTA_PARTITIONS={partitions}", "set POSVENTA_PARTITIONS to what the topics have")
        )
    findings += [
        error(f"{name}: {topic.offline} partitions have no leader", "all in reach", "start the brokers that hold them")
        for name, topic in topics.items()
        if topic.offline
    ]
    return seen(f"{len(topics)} of {len(names)}, {few_of(sorted(set(counts.values())))} partitions each", findings)


def judge_configs(kafka: str, changelog: str, topics: Mapping[str, Topic]) -> Seen:
    """Whether they keep what they must, by whose clock, and take records of enough bytes."""
    described = {STATE if name == changelog else name: topic.described for name, topic in topics.items()}
    findings = [
        (error if fault.is_fatal else warning)(
            f"{fault.topic}: {fault.name} is {fault.found}, so {fault.why}",
            fault.expected,
            fault.told(kafka).partition("; mend it with: ")[2],
        )
        for fault in faults(described, bytes_max())
    ]
    return seen("retention, clock, clean-up and sizes", findings)


def judge_clocks(clocks: Mapping[str, ClockReading]) -> Seen:
    """Whether they agree, as far as the time that the answer took lets anybody tell."""
    findings = []
    shown = []
    for name, clock in clocks.items():
        off_ms = max(clock.before - clock.theirs, 0) - max(clock.theirs - clock.after, 0)
        ahead = "ahead of" if off_ms < 0 else "behind"
        shown.append(
            f"{name} {abs(off_ms) / 1000:.1f} s {ahead} this machine" if off_ms else f"{name} as this machine's"
        )
        if abs(off_ms) > _CLOCKS_APART_MS:
            findings.append(
                warning(
                    f"the clock of {name} is {abs(off_ms) / 1000:,.1f} s {ahead} this machine's",
                    f"at most {_CLOCKS_APART_MS / 1000:.0f} s apart",
                    "set the clocks (NTP): lag and status are told by them, and what is from the future by Kafka's",
                )
            )
    return seen(", ".join(shown) or "no other clock could be read", findings)


def judge_letters(reasons: Mapping[str, int]) -> Seen:
    """What was refused within a day."""
    if not reasons:
        return seen("none in the last day")
    return seen(
        counted(reasons),
        [
            warning(
                f"refused in the last day: {counted(reasons)}",
                "none",
                "posventa dead-letters list shows them; once the cause is mended, posventa dead-letters replay",
            )
        ],
    )


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))
