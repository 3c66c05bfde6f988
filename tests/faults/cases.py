"""The cases of the matrix: each hurts a running stream in one way, at moments that a seed chooses.

A case is called with an empty stage; when it returns, everything is published and nothing hurts any more, so that the
stream can settle. It returns how many faults it proved to have happened, and raises Broken when one did not.
"""

import random
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from sinks.tables import AFFILIATE_PANES, ANSWERS, COMMENTS, FRESHNESS, JOURNEYS, REVERSALS, TOPIC_PANES
from tests.faults.full_disks import clickhouse_disk_full, kafka_disk_full, state_disk_full, state_disk_full_and_killed
from tests.faults.points import ACTIONS, POINTS, Plan
from tests.faults.proxy import Mischief, Proxy
from tests.faults.rebuilding import MOMENTS, Rebuilding
from tests.faults.stage import Broken, Stage, at_some_point, empty_tables, is_held_back
from tests.faults.three_brokers import ThreeBrokers

Case = Callable[[Stage, random.Random], int]


def hurt_at(name: str, action: str) -> Case:
    """A worker is killed, paused past its session, or terminated at the n-th passing of a point; others go on."""

    def case(stage: Stage, rng: random.Random) -> int:
        point = POINTS[name]
        faults = 1
        publish_rest = stage.publish_tail
        stage.publish_head()
        if point.needs == "records astray":
            stage.publish_tail()
            publish_rest = _nothing
        elif point.needs != "nothing":
            faults += earlier_life(stage, rng, lose_state=point.needs == "lost state" or rng.random() < 0.5)
        hurt(stage, Plan(name, rng.randint(1, point.passings_max), action, stage.run_directory / "hit"))
        if action == "pause":
            let_others_take_over(stage, rng, publish_rest)
        else:
            publish_rest()
        return faults

    return case


def _nothing() -> None:
    """What is left to publish when all is published."""


def hurt(stage: Stage, plan: Plan) -> None:
    """Starts worker 0 with a planted fault and waits for it."""
    worker = stage.start_worker(0, plan)
    stage.wait_for(lambda: worker.hit or not worker.running, plan.point)
    if not worker.hit:
        raise Broken(f"passing {plan.passing} of '{plan.point}' was not reached\n{stage.said()}")


def earlier_life(stage: Stage, rng: random.Random, lose_state: bool) -> int:
    """A worker that dies with units committed that ClickHouse lacks. Returns the faults."""
    point = "sink: before affiliate_panes"
    hurt(stage, Plan(point, rng.randint(1, 3), "kill", stage.run_directory / "earlier hit"))
    stage.workers[0].end()
    if lose_state:
        shutil.rmtree(stage.state(0))
    return 1 + lose_state


def let_others_take_over(stage: Stage, rng: random.Random, publish_rest: Callable[[], None]) -> None:
    """Worker 0 is paused; worker 1 gets its partitions; worker 0 wakes up soon after, or when everything is done."""
    zombie = stage.workers[0]
    stage.wait_for(lambda: zombie.paused, "the pause")
    claims = stage.claims()
    stage.start_worker(1)
    if rng.random() < 0.5:
        stage.wait_for(lambda: stage.claims() > claims, "another owner")
        zombie.signal(signal.SIGCONT)
        publish_rest()
    else:
        publish_rest()
        stage.settle()
        claims = stage.claims()
        zombie.signal(signal.SIGCONT)
        # It did, by then, what it was about to do.
        stage.wait_for(lambda: stage.claims() > claims, "the paused worker, or one in its place, to own partitions")


def terminated(stage: Stage, rng: random.Random) -> int:
    """SIGTERM in mid-stream, as in a deployment, twice."""
    stage.publish_head()
    for part in (stage.publish_tail, _nothing):
        worker = stage.start_worker(0)
        at_some_point(stage, rng)
        worker.signal(signal.SIGTERM)
        if not worker.wait(20):
            raise Broken("SIGTERM did not end a worker within 20 s")
        part()
    stage.start_worker(0)
    return 2


def join_and_leave(stage: Stage, rng: random.Random) -> int:
    """A second worker comes in mid-stream, gets its share, and goes again, by SIGTERM or SIGKILL."""
    stage.publish_head()
    stage.start_worker(0)
    at_some_point(stage, rng)
    claims = stage.claims()
    second = stage.start_worker(1)
    if rng.random() < 0.7:
        stage.publish_tail()
        stage.wait_for(lambda: stage.claims() > claims, "the second worker's share")
    else:
        stage.wait_for(lambda: stage.claims() > claims, "the second worker's share")
        stage.publish_tail()
    del stage.workers[1]
    second.signal(rng.choice((signal.SIGTERM, signal.SIGKILL)))
    if not second.wait(20):
        raise Broken("a leaving worker did not end within 20 s")
    return 2


def kafka_killed(stage: Stage, rng: random.Random) -> int:
    """SIGKILL to the only broker in mid-stream; it comes back within seconds."""
    stage.publish_head()
    stage.start_worker(0)
    at_some_point(stage, rng)
    stage.kafka.kill()
    time.sleep(rng.uniform(0, 2))
    stage.kafka.start()
    stage.publish_tail()
    return 1


def one_broker_of_three_killed(stage: Stage, rng: random.Random) -> int:
    """SIGKILL to one of three; the others go on, and it comes back only when everything is done."""
    assert isinstance(stage.kafka, ThreeBrokers)
    stage.publish_head()
    stage.start_worker(0)
    at_some_point(stage, rng)
    stage.kafka.kill_one(rng.randrange(3))
    stage.publish_tail()
    stage.settle()
    stage.kafka.start()
    return 1


def clickhouse_killed(stage: Stage, rng: random.Random) -> int:
    """SIGKILL to ClickHouse in mid-stream; it comes back within seconds."""
    stage.publish_head()
    stage.start_worker(0)
    at_some_point(stage, rng)
    stage.clickhouse.kill()
    stage.publish_tail()
    time.sleep(rng.uniform(0, 2))
    stage.clickhouse.start()
    return 1


def everything_killed(stage: Stage, rng: random.Random) -> int:
    """SIGKILL to the worker, to Kafka and to ClickHouse, all at once."""
    stage.publish_head()
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    worker.end()
    stage.kafka.kill()
    stage.clickhouse.kill()
    stage.kafka.start()
    stage.clickhouse.start()
    stage.publish_tail()
    return 3


def answer_lost(stage: Stage, rng: random.Random) -> int:
    """ClickHouse takes an insert, and the connection breaks before its answer is there."""
    tables = (AFFILIATE_PANES, TOPIC_PANES, JOURNEYS, REVERSALS, ANSWERS, COMMENTS, FRESHNESS)
    mischief = Mischief(cut_table=rng.choice(tables).name, cut_passing=rng.randint(1, 3))
    through_a_proxy(stage, mischief)
    stage.publish_head()
    stage.publish_tail()
    stage.start_worker(0)
    stage.wait_for(lambda: mischief.times > 0, f"a cut answer of {mischief.cut_table}")
    return mischief.times


def clickhouse_slow(stage: Stage, rng: random.Random) -> int:
    """Every answer of ClickHouse takes a second or two, for some seconds."""
    return for_some_seconds(stage, rng, Mischief(delay_s=rng.uniform(0.5, 2)))


def clickhouse_refuses(stage: Stage, rng: random.Random) -> int:
    """ClickHouse, or a proxy before it, takes nothing for some seconds: memory, parts, disk, or nobody there."""
    code, status = rng.choice(_REFUSALS)
    return for_some_seconds(stage, rng, Mischief(refuse_code=code, refuse_status=status))


def clickhouse_slow_for_long(stage: Stage, rng: random.Random) -> int:
    """Every answer of ClickHouse takes seconds, for so long that the buffer is full and nothing is read any more."""
    return until_held_back(stage, rng, Mischief(delay_s=rng.uniform(2, 4)))


def clickhouse_refuses_for_long(stage: Stage, rng: random.Random) -> int:
    """ClickHouse takes nothing, for so long that the buffer is full and nothing is read any more: what follows is the same
    for minutes or hours, which `python -m tests.faults.long_outage` waits for."""
    code, status = rng.choice(_REFUSALS)
    return until_held_back(stage, rng, Mischief(refuse_code=code, refuse_status=status))


def until_held_back(stage: Stage, rng: random.Random, mischief: Mischief) -> int:
    """The mischief begins in mid-stream, and is over some seconds after the worker has stopped to read."""
    proxy = through_a_proxy(stage, Mischief())
    stage.publish_head()
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    proxy.mischief = mischief
    stage.publish_tail()
    stage.wait_for(lambda: is_held_back(stage), "reading to be held back")
    time.sleep(rng.uniform(2, 6))
    if stage.workers[0] is not worker or not worker.running:
        raise Broken(f"the worker ended\n{stage.said()}")
    proxy.mischief = Mischief()
    return 1


# MEMORY_LIMIT_EXCEEDED, TOO_MANY_PARTS, NOT_ENOUGH_SPACE, TOO_MANY_SIMULTANEOUS_QUERIES; a proxy's own answer.
_REFUSALS: Final = ((241, 500), (252, 500), (243, 500), (202, 500), (0, 503))


def for_some_seconds(stage: Stage, rng: random.Random, mischief: Mischief) -> int:
    """The mischief begins in mid-stream and is over after two to six seconds."""
    proxy = through_a_proxy(stage, Mischief())
    stage.publish_head()
    stage.start_worker(0)
    at_some_point(stage, rng)
    proxy.mischief = mischief
    stage.publish_tail()
    time.sleep(rng.uniform(2, 6))
    proxy.mischief = Mischief()
    if not mischief.times:
        raise Broken("ClickHouse was not asked meanwhile")
    return 1


def through_a_proxy(stage: Stage, mischief: Mischief) -> Proxy:
    """Workers started from now on reach ClickHouse through a proxy."""
    proxy = stage.closing.enter_context(Proxy(stage.clickhouse.url))
    proxy.mischief = mischief
    stage.sink = proxy.url
    return proxy


def state_deleted(stage: Stage, rng: random.Random) -> int:
    """The worker dies in mid-stream and its local state is gone."""
    stage.publish_head()
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    worker.end()
    shutil.rmtree(stage.state(0))
    stage.publish_tail()
    return 2


def state_from_an_older_run(stage: Stage, rng: random.Random) -> int:
    """The worker dies, goes on, dies again, and finds the local state that it had at its first death."""
    older = stage.run_directory / "older"
    stage.publish_head()
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    worker.end()
    shutil.copytree(stage.state(0), older)
    worker = stage.start_worker(0)
    stage.publish_tail()
    stage.wait_for(stage.applied_more_than(rng.uniform(0.6, 0.9)), "progress")
    worker.end()
    shutil.rmtree(stage.state(0))
    older.rename(stage.state(0))
    return 3


def all_published_twice(stage: Stage, rng: random.Random) -> int:
    """All events come once more, in another order, and the worker dies in between."""
    stage.publish_head()
    stage.publish_tail()
    stage.input.publish_again(stage.kafka.bootstrap, rng)
    worker = stage.start_worker(0)
    at_some_point(stage, rng)
    worker.end()
    return 2


def clickhouse_emptied(stage: Stage, rng: random.Random) -> int:
    """The worker dies in mid-stream, and all tables are emptied before it comes back; in half of the runs once more later.
    (While it runs there is a moment in which it would not notice: docs/guarantees.md, what is not guaranteed.)"""
    times = rng.randint(1, 2)
    stage.publish_head()
    for part in (stage.publish_tail, _nothing)[:times]:
        worker = stage.start_worker(0)
        at_some_point(stage, rng)
        worker.end()
        empty_tables(stage.clickhouse.url)
        part()
    stage.start_worker(0)
    return 2 * times


def start_rebuild(stage: Stage) -> Rebuilding:
    """A new generation like the one in use, or whatever is left to do of one that was begun."""
    stage.rebuilding = Rebuilding(
        stage.environment(stage.run_directory / "rebuild"), stage.run_directory / "rebuild.log"
    )
    return stage.rebuilding


def is_rebuilding(stage: Stage) -> bool:
    """Whether one goes on."""
    return stage.rebuilding is not None and stage.rebuilding.running


def finish_rebuild(stage: Stage) -> None:
    """Until a rebuild came to its end."""
    for _ in range(_REBUILDS_MAX):
        process = start_rebuild(stage)
        stage.wait_for(lambda: not is_rebuilding(stage), "the rebuild")
        if process.is_done:
            return
    raise Broken(f"a rebuild ended {_REBUILDS_MAX} times\n{process.log.read_text()[-800:]}")


_REBUILDS_MAX: Final = 5


def rebuild_killed(stage: Stage, rng: random.Random) -> int:
    """A rebuild is killed at one to three moments, now and then with its workers, while the stream goes on."""
    stage.publish_head()
    stage.start_worker(0)
    stage.wait_for(lambda: stage.applied() > 0, "the first numbers")
    moments = sorted(rng.sample(range(len(MOMENTS)), rng.randint(1, 3)))
    faults, publish_rest = 0, stage.publish_tail
    for number in moments:
        moment = list(MOMENTS)[number]
        process = start_rebuild(stage)
        stage.wait_for(partial(_has_come_to, stage, moment), moment)
        time.sleep(rng.uniform(0, 1.5))
        publish_rest()
        publish_rest = _nothing
        faults += process.running
        process.end()
        if rng.random() < 0.3:
            stage.workers[0].signal(signal.SIGKILL)
            faults += 1
    finish_rebuild(stage)
    publish_rest()
    if not stage.number(MOMENTS["in use"]):
        raise Broken("no other generation is in use")
    return faults


def _has_come_to(stage: Stage, moment: str) -> bool:
    return stage.number(MOMENTS[moment]) != 0 or not is_rebuilding(stage)


CASES: Final[dict[str, Case]] = {
    **{f"{action} at {name}": hurt_at(name, action) for name in POINTS for action in ACTIONS},
    "SIGTERM in mid-stream": terminated,
    "a worker joins and leaves": join_and_leave,
    "Kafka killed": kafka_killed,
    "one broker of three killed": one_broker_of_three_killed,
    "ClickHouse killed": clickhouse_killed,
    "everything killed at once": everything_killed,
    "ClickHouse's answer lost": answer_lost,
    "ClickHouse slow": clickhouse_slow,
    "ClickHouse slow for long": clickhouse_slow_for_long,
    "ClickHouse refuses": clickhouse_refuses,
    "ClickHouse refuses for long": clickhouse_refuses_for_long,
    "ClickHouse emptied": clickhouse_emptied,
    "local state deleted": state_deleted,
    "local state from an older run": state_from_an_older_run,
    "all published twice, shuffled": all_published_twice,
    "ClickHouse's disk full": clickhouse_disk_full,
    "the local state's disk full": state_disk_full,
    "killed while its disk is full": state_disk_full_and_killed,
    "Kafka's disk full": kafka_disk_full,
    "a rebuild killed": rebuild_killed,
}

THREE_BROKERS: Final = frozenset({"one broker of three killed"})
NEEDS_MOUNT: Final = frozenset(
    {"ClickHouse's disk full", "the local state's disk full", "killed while its disk is full", "Kafka's disk full"}
)
