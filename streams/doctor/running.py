"""What the facts of workers, their partitions, and generations mean; and of customers that are many.

Pure. Owns what is expected of a running posventa. Never asks anybody.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from streams.doctor.generations import changelog_of, group_of
from streams.doctor.looking import Group, OpenTransaction
from streams.doctor.querying import GUEST_SALES_MAX, Guest
from streams.doctor.telling import Seen, Trouble, error, few_of, seen, warning

_OPEN_S_MAX: Final = 120  # a worker's transaction may last a minute, and the broker takes some seconds to end it
_STEADY: Final = frozenset({"Stable", "Empty"})


def judge_group(name: str, group: Group | None, partitions: int) -> Seen:
    """Whether workers own all partitions."""
    if group is None or not group.members:
        return seen("no members", [error(f"the group {name} has no members", "at least one worker", "posventa worker")])
    owned = sum(member.partitions for member in group.members)
    idle = [f"{member.name} ({member.host})" for member in group.members if not member.partitions]
    findings: list[Trouble] = []
    if group.state not in _STEADY:
        findings.append(
            warning(
                f"the group {name} is {group.state}",
                "Stable",
                "look again in a minute: workers come or go; else see their logs",
            )
        )
    elif owned < partitions:
        findings.append(
            error(f"{owned} of {partitions} partitions have an owner in {name}", "all of them", "see the workers' logs")
        )
    elif idle:
        findings.append(
            warning(
                f"{len(idle)} workers have no partition: {few_of(idle)}",
                f"at most {partitions} workers",
                "posventa worker --leave",
            )
        )
    return seen(f"{len(group.members)} workers, {group.state}", findings)


def judge_progress(
    rows: Sequence[Mapping[str, Any]], transactions: Iterable[OpenTransaction], partitions: int, now_ms: float
) -> Seen:
    """Whether every partition goes on. `rows` are those of freshness_now but the total."""
    worst: dict[str, list[str]] = {}
    for row in rows:
        worst.setdefault(str(row["status"]), []).append(f"{row['topic']}[{row['partition']}]")
    findings: list[Trouble] = []
    if stalled := worst.get("stalled"):
        findings.append(
            error(
                f"stalled: {few_of(stalled)}",
                "idle or ok",
                "posventa lag; the workers' logs name the record, or what they wait for (docs/operating.md)",
            )
        )
    if behind := worst.get("behind"):
        findings.append(
            warning(f"more than a minute behind: {few_of(behind)}", "idle or ok", "posventa lag --watch; more workers")
        )
    if len(rows) < 2 * partitions:
        findings.append(
            error(f"{len(rows)} of {2 * partitions} partitions have ever reported", "all of them", "posventa worker")
        )
    for held in transactions:
        open_s = (now_ms - held.began_ms) / 1000
        if open_s > _OPEN_S_MAX:
            findings.append(
                error(
                    f"the transaction of {held.transactional_id} is open for {open_s:,.0f} s, and holds back its readers",
                    f"at most {_OPEN_S_MAX} s",
                    "start its worker again; if that does not end it, kafka-transactions.sh find-hanging and abort",
                )
            )
    return seen(
        ", ".join(f"{len(places)} {status}" for status, places in sorted(worst.items())) or "no reports", findings
    )


def judge_guests(guests: Sequence[Guest]) -> Seen:
    """Whether a pseudonym stands for many people."""
    findings = []
    if guests:
        shown = few_of(f"{g.customer_id} of {g.brand_id} with {g.sales:,}" for g in guests)
        findings.append(
            warning(
                f"customers with more than {GUEST_SALES_MAX} sales in 30 days: {shown}",
                "a pseudonym for each person, and none for guests together",
                "let the publisher give each guest's order a customer of its own: shared, answers without a sale are linked "
                "to somebody else's, and the customer is full one day",
            )
        )
    return seen(f"{len(guests)} who seem to be many" if guests else "none shared", findings)


def judge_leftovers(
    current: int, rows: Mapping[str, Mapping[int, int]], changelogs: Mapping[int, str], groups: Mapping[int, bool]
) -> Seen:
    """What lies about of generations that are not in use. `groups` say whether somebody is at work in them."""
    known = {generation for of_table in rows.values() for generation in of_table} | changelogs.keys() | groups.keys()
    others = sorted(known - {current})
    findings = [_leftover(n, rows, changelogs, groups) for n in others if n < current or not groups.get(n)]
    building = [n for n in others if n > current and groups.get(n)]
    shown = f"generation {current} in use" + (f", {few_of(building)} being built" if building else "")
    return seen(shown, findings)


def _leftover(
    generation: int, rows: Mapping[str, Mapping[int, int]], changelogs: Mapping[int, str], groups: Mapping[int, bool]
) -> Trouble:
    tables = {table: of_table[generation] for table, of_table in rows.items() if of_table.get(generation)}
    found = [f"{count:,} rows in {table}" for table, count in tables.items()]
    found += [f"the topic {changelog_of(generation)}"] if generation in changelogs else []
    found += [f"the group {group_of(generation)}"] if generation in groups else []
    return warning(
        f"generation {generation} is not in use, and left {few_of(found)}",
        "nothing of it",
        "; ".join(_removal(generation, tables, generation in changelogs, generation in groups)),
    )


def _removal(generation: int, tables: Iterable[str], has_topic: bool, has_group: bool) -> Iterator[str]:
    yield "if no rebuild is under way, remove it"
    for table in tables:
        yield f"ALTER TABLE posventa.{table} DELETE WHERE generation = {generation}"
    if has_topic:
        yield f"kafka-topics.sh --delete --topic {changelog_of(generation)}"
    if has_group:
        yield f"kafka-consumer-groups.sh --delete --group {group_of(generation)}"
