"""The real code with one rule broken at a time. A simulation that does not notice is too weak.

Owns the list. A mutant is a replacement in the source of one function, so that one which no longer applies says so. Never
active outside `applied`.
"""

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError

from streams.changelog.meta import Meta
from streams.errors import OwnershipLost
from streams.partition.partition import Claimed
from streams.unit.unit import Unit
from tests.model import law
from tests.model.law import Violation
from tests.model.network import Lane
from tests.model.simulation import simulate
from tests.model.sweep import LATE, Sweep, steps_of


@dataclass(frozen=True, slots=True)
class Mutant:
    """`function` is module:Class.name; `old` stands in it once. One of `laws` catches it in runs with faults of `kinds`, or,
    where `swept` names the fault of a sweep, in that of the history `swept_seed`."""

    name: str
    function: str
    old: str
    new: str
    laws: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    swept: str = ""
    swept_seed: int = 0


_MOVES: Final = ("kill", "pause", "rebalance")

MUTANTS: Final = (
    Mutant(
        "a new owner does not fence the earlier ones",
        "streams.partition.partition:Partition.__init__",
        "transactional_id=cluster.names.transactional_id(number)",
        'transactional_id=f"{cluster.names.transactional_id(number)}-{timing.clock.monotonic()}"',
        (law.ONE_LINE, law.FUNCTION_OF_EVENTS, law.LOCAL_COPY, law.NO_ERROR),
        _MOVES,
    ),
    Mutant(
        "a new owner reads first and fences afterwards",
        "streams.partition.partition:Partition.claim",
        """\
        await self._producer.start()  # InitProducerId: earlier owners are fenced and their open work aborted
        async with self._reading(self._tps) as reader:
            logs = await reader.logs(self._tps)
            metas.check_changelog(self._number, self._changelog, logs[self._changelog])
            local, read = await self._recover(reader, logs[self._changelog].end)
""",
        """\
        async with self._reading(self._tps) as reader:
            logs = await reader.logs(self._tps)
            metas.check_changelog(self._number, self._changelog, logs[self._changelog])
            local, read = await self._recover(reader, logs[self._changelog].end)
        await self._producer.start()
""",
        (law.ONE_LINE, law.LOCAL_COPY),
        _MOVES,
    ),
    Mutant(
        "a new owner trusts its local copy and does not read the changelog",
        "streams.partition.partition:Partition._recover",
        "reader.chunks(start, end)",
        "reader.chunks(end, end)",
        (law.ONE_LINE, law.LOCAL_COPY, law.NO_ERROR),  # the claim's own checks refuse the old state in most runs
        _MOVES,
    ),
    Mutant(
        "a claim that another one overtook reads on",
        "streams.partition.partition:Partition._recover",
        "if got[-1].offset >= end:",
        "if False:",
        (law.NO_ERROR,),
        swept="long pause",
    ),
    Mutant(
        "a local copy too old to have seen every deletion is used",
        "streams.partition.partition:Partition._recover",
        "changelog_delete_retention_ms // 2",
        "changelog_delete_retention_ms * 9",
        (law.LOCAL_COPY,),
        ("kill", "disk", "compaction", "rebalance", "leave"),
    ),
    Mutant(
        "a local copy that was half read counts as one that has seen everything",
        "streams.partition.partition:Partition._recover",
        "as_of_ms = min(got[-1].timestamp, now_ms)",
        "as_of_ms = now_ms",
        (law.LOCAL_COPY,),
        swept=LATE,
        swept_seed=1,
    ),
    Mutant(
        "a zombie whose commit is refused goes on as if it were not",
        "streams.partition.partition:Claimed.commit",
        """raise OwnershipLost(f"partition {self._number}: a commit failed: {error!r}") from error""",
        "end = self.changelog_offset",
        (law.LOCAL_COPY, law.COMMITTED_ROWS),
        _MOVES,
    ),
    Mutant(
        "an unknown outcome is not settled by a new claim, only by another producer",
        "streams.partition.units:Units._apply",
        "    await claimed.commit(unit, meta)\n",
        """\
    if not await committed(claimed, unit, meta):
        self._desk.put_back(cut)
        return
""",
        (law.ONE_LINE, law.FUNCTION_OF_EVENTS, law.GROUP_OFFSETS),
        ("kafka",),
    ),
    Mutant(
        "the local copy is written before the commit",
        "streams.partition.partition:Claimed.commit",
        "        await self._producer.commit_transaction()\n",
        """\
        self.local.write(unit.changed.items(), end, self._clock.wall_ms())
        await self._producer.commit_transaction()
""",
        (law.LOCAL_COPY,),
        _MOVES,
    ),
    Mutant(
        "rows go to the outbox before the commit",
        "streams.partition.units:Units._apply",
        "    await claimed.commit(unit, meta)\n",
        """\
    self._shared.outbox.put(self._number, unit.rows)
    await claimed.commit(unit, meta)
""",
        (law.COMMITTED_ROWS,),
        _MOVES,
    ),
    Mutant(
        "META is ahead of the unit",
        "streams.partition.inbox:Inbox._cut_one",
        "Applied(batch.end,",
        "Applied(batch.end + 1,",
        (law.FUNCTION_OF_EVENTS,),
    ),
    Mutant(
        "the group's offsets are ahead of the unit",
        "streams.partition.partition:Claimed.commit",
        "aiokafka.TopicPartition(topic, self._number): applied.offset",
        "aiokafka.TopicPartition(topic, self._number): applied.offset + 1",
        (law.GROUP_OFFSETS,),
    ),
    Mutant(
        "a gap in what is delivered is not noticed",
        "streams.partition.inbox:Inbox._cut_one",
        "if batch.start > at.offset:",
        "if False:",
        (law.FUNCTION_OF_EVENTS,),
        ("deliveries",),
    ),
    Mutant(
        "what was not delivered is not fetched again",
        "streams.partition.units:Units._fetch_again",
        "await self._shared.seek(topic, self._number, offset)",
        "pass",
        (law.DRAINS,),
        ("deliveries",),
    ),
    Mutant(
        "what the state holds already is not skipped",
        "streams.partition.inbox:Inbox._cut_one",
        "if batch.start < at.offset:",
        "if False:",
        (law.LETTERS, law.FUNCTION_OF_EVENTS, law.ONE_LINE),
        ("deliveries",),
    ),
    Mutant(
        "the sink position is reported before the rows",
        "streams.delivery.flush:Flush.attempt",
        "    try:\n",
        """\
    self._report(standings, told)
    try:
""",
        (law.SINK_POSITION,),
    ),
    Mutant(
        "a partition of which a row is refused gets its report",
        "streams.delivery.flush:Flush.attempt",
        "withheld = {*moved, *refused}",
        "withheld = {*moved}",
        (law.SINK_POSITION,),
        ("refusals",),
    ),
    Mutant(
        "a later flush reports past a row that was refused",
        "streams.delivery.outbox:Outbox._flush",
        "self.close_account(partition)",
        "pass",
        (law.SINK_POSITION,),
        ("refusals", "rebalance", "slow"),
    ),
    Mutant(
        "a new owner does not send again from the sink position",
        "streams.partition.dispatch:Dispatch.begin",
        "self.claimed.changelog_from(offset)",
        "self.claimed.changelog_from(self.claimed.changelog_offset)",
        (law.SINK_POSITION,),
        _MOVES,
    ),
    Mutant(
        "reports are not ordered by claim",
        "streams.delivery.flush:Reached.position",
        "self.claim * _REPORTS_PER_CLAIM + report",
        "report",
        (law.DRAINS,),
        _MOVES,
    ),
    Mutant(
        "a restored ClickHouse is not noticed",
        "streams.delivery.flush:Flush.attempt",
        "if found.get(number) not in own.left",
        "if False",
        (law.SINK_POSITION,),
        ("restore",),
    ),
    Mutant(
        "while much is sent again, the position found is not made one's own",
        "streams.delivery.flush:Flush.attempt",
        "if number not in withheld}",
        "if number not in withheld and own.reached.applied}",
        (law.SINK_POSITION,),
        ("restore", "rebalance"),
    ),
    Mutant(
        "a refusal is forgotten before it is in ClickHouse",
        "streams.partition.kept_refusals:KeptRefusals.give_up",
        "for offset, key in self._kept if offset <= flushed_offset",
        "for offset, key in self._kept",
        (law.EQUAL,),
        ("kill", "clickhouse", "compaction"),
    ),
    Mutant(
        "a ClickHouse that lost the rows of refusals does not get them again",
        "streams.partition.dispatch:Dispatch.begin",
        "if self.claimed.gave_up_refusals_above(offset):",
        "if False:",
        (law.EQUAL,),
        ("restore", "compaction"),
    ),
    Mutant(
        "how far refusals were given up is not noted",
        "streams.partition.dispatch:Dispatch.give_up_refusals",
        "return given_up | {records.GIVEN_UP: records.pack(flushed_offset)} if given_up else {}",
        "return given_up",
        (law.EQUAL,),
        ("restore", "compaction"),
    ),
    Mutant(
        "what is astray is taken away and not published again",
        "streams.partition.units:Units._apply",
        "if unit.astray:",
        "if False:",
        (law.REROUTED,),
    ),
)


def catch(mutant: Mutant, seeds: int) -> tuple[str, Violation | None]:
    """Where the mutant is caught first, and how."""
    with applied(mutant):
        if mutant.swept:
            violations = (
                (f"step {step}", Sweep(seed, mutant.swept, step).violation())
                for seed in (mutant.swept_seed,)
                for step in range(1, steps_of(seed, mutant.swept) + 1)
            )
        else:
            violations = ((f"seed {seed}", simulate(seed, mutant.kinds).violation) for seed in range(seeds))
        return next((found for found in violations if found[1] is not None), ("", None))


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """The code with the mutant's rule broken."""
    module_name, _, path = mutant.function.partition(":")
    module: Any = importlib.import_module(module_name)
    class_name, name = path.split(".")
    owner: Any = getattr(module, class_name)
    original = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(original))
    assert source.count(mutant.old) == 1, f"{mutant.function} has changed: adapt the mutant {mutant.name!r}"
    made: dict[str, Any] = {}
    exec(compile(source.replace(mutant.old, mutant.new), mutant.function, "exec"), vars(module), made)  # noqa: S102
    module.committed = _committed
    setattr(owner, name, made[name])
    try:
        yield
    finally:
        setattr(owner, name, original)
        del module.committed


async def _committed(claimed: Claimed, unit: Unit, meta: Meta) -> bool:
    """For one of the mutants: after a failure, what an application does that starts another producer and believes in its own
    state."""
    try:
        await claimed.commit(unit, meta)
    except OwnershipLost as lost:
        producer: Any = claimed._producer
        producer._lane = Lane()
        try:
            await producer.start()
        except KafkaError:
            raise lost from None
        return False
    return True
