"""The check-up: every check by itself, each within its time, whatever becomes of the others.

Owns the list of checks and what each needs to be possible at all. Never lets an error out: a server that is away or refuses is
a finding, and so is a fault of ours. Invariant: what is not possible for a reason that is told already is left out, not told
again.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from sinks.client import address, connect
from sinks.errors import SinkError
from sinks.generations import read_register
from sinks.reading import freshness
from sinks.tables import DATABASE
from streams.brokers.admission import knock, unanswered
from streams.brokers.clients import client_settings
from streams.brokers.logs import newest_records
from streams.brokers.topics import DEAD_LETTERS, SOURCES, STATE
from streams.doctor import judging, looking, querying, running, sampling
from streams.doctor.disks import judge_disks, local_disks
from streams.doctor.generations import changelog_of, changelogs_in, group_of, groups_in
from streams.doctor.rights import Right, clickhouse_rights, judge_rights, kafka_rights
from streams.doctor.telling import Seen, Trouble, error, seen
from streams.errors import PosventaError
from streams.generations.logs import SourceLayout
from streams.settings import Settings

_CHECK_S_MAX: Final = 25.0  # of one check; all run at once, after the two that others depend on
_ANSWER_S: Final = 15
_BOOTSTRAP_MS: Final = 8000
_SAMPLE_S: Final = 12.0

KAFKA, TOPICS, CLICKHOUSE, ROWS = "kafka", "topics", "clickhouse", "rows"  # what a check may need


class Check(NamedTuple):
    """One thing that is looked at."""

    name: str
    needs: frozenset[str]
    look: Callable[["Visit"], Seen]


class CheckResult(NamedTuple):
    """What a check came to; None where it was not possible."""

    check: str
    found: str | None
    findings: tuple[Trouble, ...]


@dataclass
class Visit:
    """What the checks of one check-up share. Filled by the first two; only read by the others, in threads of their own."""

    settings: Settings
    directories: tuple[Path, ...] = ()  # where workers may keep their local copies
    possible: set[str] = field(default_factory=set)
    generation: int | None = None  # in use; None while ClickHouse does not tell
    seen_topics: dict[str, looking.Topic] = field(default_factory=dict)
    hidden_topics: list[str] = field(default_factory=list)  # of which this user may not even know
    changelogs: dict[int, str] = field(default_factory=dict)
    _sample: tuple[list[Any], list[str]] | None = None
    _one_reads: threading.Lock = field(default_factory=threading.Lock)

    @property
    def current(self) -> int:
        """The generation in use. Before the views tell, the oldest of which there is a changelog: a rebuild is younger."""
        return self.generation or min(self.changelogs, default=1)

    @property
    def names(self) -> tuple[str, ...]:
        """The four topics, the changelog last."""
        return (*SOURCES, DEAD_LETTERS, changelog_of(self.current))

    @property
    def partitions(self) -> int:
        """Of the source topics."""
        return self.seen_topics[SOURCES[0]].partitions

    @property
    def has_authorizer(self) -> bool:
        """Whether Kafka keeps anything from this user: who may alter the changelog is an administrator, or everybody is."""
        return "ALTER" not in self.seen_topics[self.names[-1]].rights

    @contextmanager
    def kafka(self) -> Iterator[KafkaAdminClient]:
        """A client of its own for a check. Errors of Kafka come out as ours."""
        try:
            admin = KafkaAdminClient(
                **client_settings(self.settings),
                bootstrap_timeout_ms=_BOOTSTRAP_MS,
                request_timeout_ms=_ANSWER_S * 1000,
            )
            try:
                yield admin
            finally:
                admin.close()
        except KafkaError as failed:
            raise unanswered(self.settings, failed) from failed

    @contextmanager
    def clickhouse(self, database: str = DATABASE) -> Iterator[Client]:
        """A client of its own for a check."""
        client = connect(self.settings.clickhouse.get_secret_value(), database=database, answer_s=_ANSWER_S)
        try:
            yield client
        finally:
            client.close()

    def layout(self) -> SourceLayout:
        """Which partition a record belongs to. While ClickHouse does not tell of generations: as if there was but one."""
        try:
            with self.clickhouse() as client:
                raises = read_register(client).raises(self.current)
        except SinkError:
            raises = ()
        return SourceLayout(self.partitions, self.partitions, raises)

    def records(self) -> list[Any]:
        """The newest records that can be read."""
        return self.sample()[0]

    def sample(self) -> tuple[list[Any], list[str]]:
        """The newest records, and what of them is damaged; read once for all who ask."""
        with self._one_reads:
            if self._sample is None:
                counts = {topic: self.seen_topics[topic].partitions for topic in SOURCES}
                each = sampling.records_each(self.partitions)
                self._sample = newest_records(self.settings, counts, each, _SAMPLE_S)
            return self._sample


@dataclass(frozen=True)
class CheckUp:
    """What was found: the generation in use, None if nobody tells, and an outcome for each check."""

    generation: int | None
    current: int
    outcomes: tuple[CheckResult, ...]

    @property
    def findings(self) -> list[Trouble]:
        """All of them, in the order of the checks."""
        return [finding for outcome in self.outcomes for finding in outcome.findings]


def check_up(settings: Settings, directories: Iterable[Path] = ()) -> CheckUp:
    """Looks at everything. Raises nothing, and takes a minute at the very most."""
    visit = Visit(settings, tuple(directories))
    first = _at_once(AT_FIRST, visit)
    if KAFKA in visit.possible and set(visit.names) <= visit.seen_topics.keys():
        visit.possible.add(TOPICS)
    rest = _at_once([check for check in CHECKS if check.needs <= visit.possible], visit)
    done = {outcome.check: outcome for outcome in (*first, *rest)}
    outcomes = [done.get(check.name, CheckResult(check.name, None, ())) for check in (*AT_FIRST, *CHECKS)]
    return CheckUp(visit.generation, visit.current, tuple(outcomes))


def _at_once(checks: Iterable[Check], visit: Visit) -> list[CheckResult]:
    """Each in a thread that nobody waits for at the end: a server may keep it for ever."""
    running_now: list[tuple[Check, threading.Thread, list[CheckResult]]] = []
    for check in checks:
        outcomes: list[CheckResult] = []
        thread = threading.Thread(target=lambda c=check, o=outcomes: o.append(_outcome(c, visit)), daemon=True)
        thread.start()
        running_now.append((check, thread, outcomes))
    deadline = time.monotonic() + _CHECK_S_MAX
    for _, thread, _ in running_now:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [found[0] if found else _late(check) for check, _, found in running_now]


def _outcome(check: Check, visit: Visit) -> CheckResult:
    try:
        found, findings = check.look(visit)
    except (PosventaError, SinkError) as refusal:
        found, findings = "no answer", (error(str(refusal), "an answer", "as it says; then look again"),)
    except Exception as fault:
        say = f"{type(fault).__name__}: {fault}"
        found, findings = "it failed", (error(say, "no such error", "this is a fault of posventa: please report it"),)
    return CheckResult(check.name, found, tuple(finding._replace(check=check.name) for finding in findings))


def _late(check: Check) -> CheckResult:
    slow = error(f"no answer within {_CHECK_S_MAX:.0f} s", "an answer", "look after the servers; then look again")
    return CheckResult(check.name, "no answer", (slow._replace(check=check.name),))


def _kafka(visit: Visit) -> Seen:
    knock(visit.settings)
    with visit.kafka() as admin:
        brokers, _ = looking.brokers_of(admin)
        visit.changelogs = changelogs_in(admin.list_topics())
        names = (*SOURCES, DEAD_LETTERS, *(visit.changelogs.values() or (STATE,)))
        visit.seen_topics, visit.hidden_topics = looking.topics_of(admin, names)
    visit.possible.add(KAFKA)
    return judging.judge_brokers(visit.settings.kafka, brokers)


def _clickhouse(visit: Visit) -> Seen:
    with visit.clickhouse("default") as client:
        version = querying.server_version(client)
        if querying.has_tables(client):
            visit.generation = querying.generation_of(client)
            visit.possible.add(ROWS)
    visit.possible.add(CLICKHOUSE)
    return judging.judge_clickhouse(address(visit.settings.clickhouse.get_secret_value()), version)


def _migrations(visit: Visit) -> Seen:
    if ROWS not in visit.possible:
        return seen("none yet: a worker, or posventa migrate, makes the tables")
    with visit.clickhouse() as client:
        return judging.judge_migrations(querying.migrations_of(client), querying.own_migrations())


def _topics(visit: Visit) -> Seen:
    if visit.hidden_topics:
        unseen = [Right("DESCRIBE", "topic", name) for name in visit.hidden_topics]
        return judge_rights(visit.settings.kafka, unseen, [])
    if not visit.seen_topics:
        return seen("none yet: a worker creates them")
    found = {name: topic for name, topic in visit.seen_topics.items() if name in visit.names}
    return judging.judge_topics(visit.names, found, visit.settings.partitions)


def _configs(visit: Visit) -> Seen:
    found = {name: visit.seen_topics[name] for name in visit.names}
    if not all(topic.described.configs for topic in found.values()):
        return seen("not for this user to see")  # which is a trouble of its rights
    return judging.judge_configs(visit.settings.kafka, visit.names[-1], found)


def _damage(visit: Visit) -> Seen:
    return sampling.judge_damage(*visit.sample())


def _keys(visit: Visit) -> Seen:
    return sampling.judge_keys(visit.records(), visit.layout())


def _schemas(visit: Visit) -> Seen:
    return sampling.judge_schemas(visit.records())


def _rights(visit: Visit) -> Seen:
    group = group_of(visit.current)
    needed = list(kafka_rights(visit.names[-1], group, visit.partitions))
    ids = [right.name for right in needed if right.kind == "transactional id"]
    with visit.kafka() as admin:
        groups = looking.groups_of(admin, [group])
        ids_seen, _ = looking.transactions_of(admin, ids)
    may = {("topic", name): topic.rights for name, topic in visit.seen_topics.items()}
    # What nobody has used yet tells nothing. An id is seen by who may describe it, and so by who may write.
    may |= {("group", name): found.rights for name, found in groups.items()}
    if visit.has_authorizer and groups and not ids_seen:
        may |= {("transactional id", name): frozenset() for name in ids[:1]}
    lacking = [right for right in needed if right.operation not in may.get((right.kind, right.name), {right.operation})]
    in_clickhouse: list[str] = []
    if ROWS in visit.possible:
        with visit.clickhouse() as client:
            in_clickhouse = querying.lacking_rights(client, clickhouse_rights())
    return judge_rights(visit.settings.kafka, lacking, in_clickhouse)


def _clocks(visit: Visit) -> Seen:
    clocks: dict[str, looking.ClockReading] = {}
    if CLICKHOUSE in visit.possible:
        with visit.clickhouse("default") as client:
            clocks["ClickHouse"] = querying.server_clock(client)
    if KAFKA in visit.possible:
        with visit.kafka() as admin:
            clocks |= {"Kafka": clock} if (clock := looking.clock_of(admin)) else {}
    return judging.judge_clocks(clocks)


def _disks(visit: Visit) -> Seen:
    disks = list(local_disks(visit.directories))
    if ROWS in visit.possible:
        with visit.clickhouse() as client:
            disks += querying.server_disks(client)
    if TOPICS in visit.possible:
        with visit.kafka() as admin:
            disks += looking.disks_of(admin, list(visit.changelogs.values()))
    return judge_disks(disks)


def _guests(visit: Visit) -> Seen:
    with visit.clickhouse() as client:
        return running.judge_guests(querying.guests_of(client, visit.current))


def _unknown_sales(visit: Visit) -> Seen:
    answers = sampling.answers_naming_a_sale(visit.records())
    with visit.clickhouse() as client:
        return sampling.judge_links(querying.links_of(client, visit.current, answers))


def _letters(visit: Visit) -> Seen:
    with visit.clickhouse() as client:
        return judging.judge_letters(querying.letters_of(client, visit.current))


def _group(visit: Visit) -> Seen:
    name = group_of(visit.current)
    with visit.kafka() as admin:
        return running.judge_group(name, looking.groups_of(admin, [name]).get(name), visit.partitions)


def _progress(visit: Visit) -> Seen:
    with visit.clickhouse() as client:
        rows = [row for row in freshness(client) if row["partition"] >= 0]
    group = group_of(visit.current)
    with visit.kafka() as admin:
        _, open_ones = looking.transactions_of(admin, [f"{group}-{number}" for number in range(visit.partitions)])
        clock = looking.clock_of(admin)
    now_ms = clock.theirs if clock else time.time() * 1000
    return running.judge_progress(rows, open_ones, visit.partitions, now_ms)


def _leftovers(visit: Visit) -> Seen:
    with visit.clickhouse() as client:
        rows = querying.rows_by_generation(client)
    with visit.kafka() as admin:
        names = groups_in(looking.group_names(admin))
        groups = {group.name: bool(group.members) for group in looking.groups_of(admin, names.values()).values()}
    at_work = {generation: groups.get(name, False) for generation, name in names.items()}
    return running.judge_leftovers(visit.current, rows, visit.changelogs, at_work)


def _check(name: str, needs: str, look: Callable[[Visit], Seen]) -> Check:
    return Check(name, frozenset(needs.split()), look)


AT_FIRST: Final = (_check("kafka", "", _kafka), _check("clickhouse", "", _clickhouse))
CHECKS: Final = (
    _check("migrations", "clickhouse", _migrations),
    _check("topics", "kafka", _topics),
    _check("configuration", "topics", _configs),
    _check("damage", "topics", _damage),
    _check("keys", "topics", _keys),
    _check("schemas", "topics", _schemas),
    _check("rights", "topics", _rights),
    _check("clocks", "", _clocks),
    _check("disks", "", _disks),
    _check("guests", "rows", _guests),
    _check("unknown-sales", "rows topics", _unknown_sales),
    _check("dead-letters", "rows", _letters),
    _check("group", "topics", _group),
    _check("progress", "rows topics", _progress),
    _check("leftovers", "rows topics", _leftovers),
)
