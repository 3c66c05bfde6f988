"""Every fact that should be otherwise is a trouble that says what to type, and no other fact is."""

from typing import Any

import pytest

from streams.brokers.creation import bytes_max
from streams.brokers.inspection import Described
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.doctor import judging, running
from streams.doctor.disks import ROOM_MIN, Disk, judge_disks, local_disks
from streams.doctor.generations import changelog_of, changelogs_in, group_of, groups_in
from streams.doctor.looking import Broker, ClockReading, Group, GroupMember, OpenTransaction, Topic
from streams.doctor.querying import Guest, own_migrations
from streams.doctor.rights import clickhouse_rights, judge_rights, kafka_rights
from streams.doctor.telling import ERROR, WARNING, Seen, counted, few_of

NAMES = (SALES, FEEDBACK, DEAD_LETTERS, STATE)
KAFKA = "127.0.0.1:9092"


def topics(**changes: dict[str, str]) -> dict[str, Topic]:
    """The four as we create them, but for changes of their configuration."""
    plain = {
        "retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete", "max.message.bytes": "1048588",
        "message.timestamp.type": "LogAppendTime", "min.insync.replicas": "1",
    }  # fmt: skip
    sized = {name: {"max.message.bytes": str(size)} for name, size in bytes_max().items()}
    configs = {name: plain | sized.get(name, {}) for name in NAMES}
    configs[STATE]["cleanup.policy"] = "compact"
    short = {"sales": SALES, "state": STATE}
    for name, change in changes.items():
        configs[short[name]] |= change
    return {name: Topic(Described(name, configs[name], 1), 8, 0, frozenset()) for name in NAMES}


def one(seen: Seen, severity: str, *words: str) -> None:
    """Exactly one trouble, with these words in it."""
    [trouble] = seen.findings
    assert trouble.severity == severity
    told = f"{trouble.found} | {trouble.expected} | {trouble.do}"
    assert all(word in told for word in words), told
    assert all((trouble.found, trouble.expected, trouble.do))


def fine(seen: Seen) -> None:
    assert seen.findings == ()
    assert seen.found


def test_old_servers_are_told() -> None:
    fine(judging.judge_brokers(KAFKA, [Broker(1, (4, 1)), Broker(2, (2, 4))]))
    one(judging.judge_brokers(KAFKA, [Broker(1, (4, 1)), Broker(2, (2, 3))]), ERROR, "broker 2", "2.3", "2.4")
    fine(judging.judge_clickhouse("h:8123", "26.3.1.10"))
    fine(judging.judge_clickhouse("h:8123", "27.1.2"))
    one(judging.judge_clickhouse("h:8123", "25.12.1"), ERROR, "25.12.1", "26.3 or newer")


def test_migrations_that_are_missing_or_anothers_are_told() -> None:
    own = own_migrations()
    assert sorted(own) == list(range(1, len(own) + 1))
    fine(judging.judge_migrations(own, own))
    one(
        judging.judge_migrations({n: d for n, d in own.items() if n > 1}, own),
        ERROR,
        "migrations 1 were not run",
        "migrate",
    )
    one(judging.judge_migrations(own | {99: "x"}, own), ERROR, "99", "newer")
    one(judging.judge_migrations(own | {1: "edited"}, own), ERROR, "migrations 1 are not those", "newer")


def test_topics_that_are_missing_uneven_or_out_of_reach_are_told() -> None:
    sound = topics()
    fine(judging.judge_topics(NAMES, sound, 8))
    one(judging.judge_topics(NAMES, {n: t for n, t in sound.items() if n != STATE}, 8), ERROR, STATE, "start a worker")
    one(judging.judge_topics(NAMES, sound | {SALES: sound[SALES]._replace(partitions=9)}, 8), ERROR, f"{SALES} has 9")
    one(judging.judge_topics(NAMES, sound, 12), ERROR, "POSVENTA_PARTITIONS=12", "set POSVENTA_PARTITIONS")
    one(
        judging.judge_topics(NAMES, sound | {SALES: sound[SALES]._replace(offline=3)}, 8),
        ERROR,
        "3 partitions have no leader",
    )


def test_configurations_that_hurt_are_told_with_the_command_that_mends_them() -> None:
    fine(judging.judge_configs(KAFKA, STATE, topics()))
    short = judging.judge_configs(KAFKA, STATE, topics(sales={"retention.ms": "604800000"}))
    one(short, WARNING, "retention.ms is 604800000", "kafka-configs.sh", f"--topic {SALES}", "retention.ms=-1")
    one(
        judging.judge_configs(KAFKA, STATE, topics(sales={"message.timestamp.type": "CreateTime"})),
        ERROR,
        "LogAppendTime",
    )
    younger = topics(state={"cleanup.policy": "delete"})
    of_two = changelog_of(2)
    younger[of_two] = younger[STATE]._replace(described=younger.pop(STATE).described._replace(name=of_two))
    one(judging.judge_configs(KAFKA, of_two, younger), ERROR, of_two, "compact")


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (ClockReading(1000, 1010, 1020), ""),
        (ClockReading(1000, 500, 30_000), ""),
        (ClockReading(1000, 6021, 1020), "5.0 s ahead of this machine's"),
        (ClockReading(10_000, 4_000, 10_020), "6.0 s behind this machine's"),
        (ClockReading(1000, 6020, 1020), ""),
    ],
)
def test_clocks_apart_are_told_as_far_as_the_answers_time_lets_tell(clock: ClockReading, words: str) -> None:
    seen = judging.judge_clocks({"Kafka": clock, "ClickHouse": ClockReading(0, 0, 0)})
    if words:
        one(seen, WARNING, "Kafka", words)
    else:
        fine(seen)


def test_refusals_of_a_day_are_told_by_reason() -> None:
    fine(judging.judge_letters({}))
    one(judging.judge_letters({"undecodable": 2, "customer_full": 1200}), WARNING, "1,200 customer_full, 2 undecodable")


def test_disks_share_their_room_and_a_full_one_is_an_error() -> None:
    room = 10 * ROOM_MIN
    fine(judge_disks([Disk("a", ROOM_MIN, room, 1), Disk("b", ROOM_MIN, room, 1)]))
    one(judge_disks([Disk("a", 5 * ROOM_MIN, room, 1), Disk("b", 5 * ROOM_MIN, room, 1)]), WARNING, "a, b", "11.0 GB")
    fine(judge_disks([Disk("a", 5 * ROOM_MIN, room, 1), Disk("b", 5 * ROOM_MIN, room, 2)]))
    one(judge_disks([Disk("a", 0, ROOM_MIN - 1, 1)]), ERROR, "1.0 GB or more")


def test_local_copies_that_are_not_there_take_nothing(tmp_path: Any) -> None:
    (tmp_path / "there" / "deep").mkdir(parents=True)
    (tmp_path / "there" / "deep" / "file").write_bytes(bytes(100_000))
    [disk] = local_disks([tmp_path / "there", tmp_path / "not"])
    assert 100_000 <= disk.used < 200_000
    assert disk.total > disk.free > 0


def test_rights_that_are_lacking_are_told_with_the_acl_or_grant() -> None:
    needed = list(kafka_rights(STATE, "posventa", 2))
    assert len(needed) == 3 * 4 + 3 + 1 + 2
    fine(judge_rights(KAFKA, [], []))
    one(judge_rights(KAFKA, [r for r in needed if r.kind == "group"], []), ERROR, "--operation Read --group posventa")
    of_configs = [right for right in needed if right.operation == "DESCRIBE_CONFIGS"][:1]
    one(judge_rights(KAFKA, of_configs, []), ERROR, f"--operation DescribeConfigs --topic {SALES}")
    of_ids = [right for right in needed if right.name == "posventa-1"]
    one(judge_rights(KAFKA, of_ids, []), ERROR, "--operation Write --transactional-id posventa-1")
    one(judge_rights(KAFKA, [], clickhouse_rights()[:1]), ERROR, "GRANT SELECT ON posventa.")


def group(*partitions: int, state: str = "Stable") -> Group:
    members = tuple(GroupMember(f"w{n}", "/host", count) for n, count in enumerate(partitions))
    return Group("posventa", state, members, frozenset())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (group(4, 4), ()),
        (None, (ERROR, "no members", "posventa worker")),
        (group(state="Empty"), (ERROR, "no members")),
        (group(4, 3), (ERROR, "7 of 8 partitions have an owner")),
        (group(8, 0), (WARNING, "w1 (/host)", "posventa worker --leave")),
        (group(4, 4, state="PreparingRebalance"), (WARNING, "PreparingRebalance")),
    ],
)
def test_partitions_without_owners_and_owners_without_partitions_are_told(
    found: Group | None, words: tuple[str, ...]
) -> None:
    seen = running.judge_group("posventa", found, 8)
    if words:
        one(seen, *words)
    else:
        fine(seen)


def reports(*statuses: str) -> list[dict[str, Any]]:
    return [{"topic": SALES, "partition": n, "status": status} for n, status in enumerate(statuses)]


def test_partitions_that_do_not_go_on_are_told() -> None:
    fine(running.judge_progress(reports("ok", "idle"), [], 1, 0))
    one(running.judge_progress(reports("ok", "stalled"), [], 1, 0), ERROR, f"stalled: {SALES}[1]", "posventa lag")
    one(running.judge_progress(reports("behind", "idle"), [], 1, 0), WARNING, f"{SALES}[0]")
    one(running.judge_progress(reports("ok"), [], 1, 0), ERROR, "1 of 2 partitions have ever reported")
    held = [OpenTransaction("posventa-3", 1000)]
    fine(running.judge_progress(reports("ok", "ok"), held, 1, 60_000))
    one(running.judge_progress(reports("ok", "ok"), held, 1, 500_000), ERROR, "posventa-3 is open for 499 s", "abort")


def test_who_seems_to_be_many_is_told() -> None:
    fine(running.judge_guests([]))
    one(running.judge_guests([Guest("acme", "guest", 4711)]), WARNING, "guest of acme with 4,711", "200 sales")


def test_names_belong_to_generations() -> None:
    assert [(changelog_of(n), group_of(n)) for n in (1, 12)] == [
        (STATE, "posventa"), (f"{STATE}.g12", "posventa-g12")
    ]  # fmt: skip
    assert changelogs_in([STATE, f"{STATE}.g2", f"{STATE}.x", SALES, f"{STATE}.g"]) == {1: STATE, 2: f"{STATE}.g2"}
    assert groups_in(["posventa", "posventa-g3", "posventa-gx", "other"]) == {1: "posventa", 3: "posventa-g3"}


def test_what_generations_left_is_told_but_not_one_that_is_being_built() -> None:
    both = {1: STATE, 2: changelog_of(2)}
    fine(running.judge_leftovers(1, {"journeys": {1: 10}}, {1: STATE}, {1: True}))
    building = running.judge_leftovers(1, {"journeys": {1: 10, 2: 5}}, both, {1: True, 2: True})
    fine(building)
    assert "2 being built" in building.found
    given_up = running.judge_leftovers(1, {"journeys": {1: 10, 2: 5}}, both, {1: True, 2: False})
    one(
        given_up, WARNING, "5 rows in journeys", "DELETE WHERE generation = 2",
        f"--delete --topic {STATE}.g2", "--delete --group posventa-g2",
    )  # fmt: skip
    one(
        running.judge_leftovers(2, {"answers": {1: 7, 2: 9}}, {2: changelog_of(2)}, {2: True}),
        WARNING,
        "generation = 1",
    )


def test_long_lists_are_cut_and_say_so() -> None:
    assert few_of(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert counted({"a": 1, "b": 2000}) == "2,000 b, 1 a"
