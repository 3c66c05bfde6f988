"""The steps of a rebuild, one after the other, each entered in the register before what it promises is done.

Owns their order. Invariants: the views show the old generation until the new one holds all that the old one held, and was
verified; killed anywhere, the same command goes on; before the topics get more partitions it can be given up.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.client import connected
from sinks.errors import sink_errors
from sinks.generations import (
    ABANDONED,
    BUILDING,
    CUT,
    CUTTING,
    DROPPED,
    NO_OFFSETS,
    Offsets,
    Register,
    Step,
    enter,
    read_register,
    switch,
)  # fmt: skip
from sinks.tables import TABLES
from streams.brokers.creation import ensure_changelog
from streams.brokers.topics import SOURCES, Names
from streams.errors import Misuse
from streams.rebuild.builder import Order
from streams.rebuild.closing import close_all, open_all
from streams.rebuild.crew import Crew, shares
from streams.rebuild.kafka import add_partitions, delete_group_and_changelog, source_logs
from streams.rebuild.plan import RebuildPlan
from streams.rebuild.reached import by_log, how_far, needed, offsets_in, silent_for, versions_in
from streams.recount.asking import Range
from streams.recount.numbers import PlainRules
from streams.recount.verify import Tell, Verdict, verify
from streams.settings import Settings

log = logging.getLogger(__name__)

_LISTED_MAX: Final = 100  # differences that a task of the verification lists
_LOOK_S: Final = 0.5
_CLOSE_ENOUGH: Final = 0.999  # of what the one in use holds: the rest comes while it is verified
_LET_GO_S: Final = 6.0  # workers that know of generations let go within that: a look, and a last flush
_QUIET_S: Final = 6.0  # builders report every two seconds: whoever is silent for so long is gone
_QUIET_S_MAX: Final = 20.0
_READERS_DONE_S: Final = 30.0  # a query that began before the switch has its rows by then, and keeps them until it ends
_COPIES: Final = "rebuild"  # the builders' local copies, in the state directory


def carry_out(plan: RebuildPlan, tell: Tell, readers_done_s: float = _READERS_DONE_S) -> Verdict | None:
    """Carries a plan out. Returns what was verified; None where that was done before.

    What differs from the topics is not switched to. Raises Misuse when another process builds, Unavailable, SinkError,
    StateRefused; the same call goes on after any of them.
    """
    with connected(plan.settings.clickhouse.get_secret_value()) as client:
        return _Rebuild(plan, client, tell).run(readers_done_s)


class _Rebuild:
    def __init__(self, plan: RebuildPlan, client: Client, tell: Tell) -> None:
        self._plan = plan
        self._client = client
        self._tell = tell
        settings = plan.settings
        self._settings = settings.model_copy(update={"state_dir": str(Path(settings.state_dir) / _COPIES)})
        self._old, self._new = Names(plan.in_use), Names(plan.generation)

    def run(self, readers_done_s: float) -> Verdict | None:
        self._alone()
        verdict = None
        ensure_changelog(self._settings, self._new, self._plan.recipe.partitions)
        self._enter(BUILDING)
        with self._building() as crew:
            if self._register().step(self._plan.generation, CUT) is None:
                self._until_caught_up(crew)
                verdict = self._verified(crew)
                if verdict.differing:
                    return verdict
                self._cut()
            self._until_complete(crew)
        switch(self._client, self._plan.generation)
        log.info("generation %d is in use", self._plan.generation)
        drop_older(self._plan.settings, self._client, self._tell, readers_done_s)
        return verdict

    def _register(self) -> Register:
        return read_register(self._client)

    def _enter(self, name: str, handed_over: Offsets = NO_OFFSETS, cuts: Offsets = NO_OFFSETS) -> None:
        plan = self._plan
        if self._register().step(plan.generation, name) is None:
            enter(self._client, Step(plan.generation, name, plan.recipe, plan.layout.logs, handed_over, cuts))

    def _alone(self) -> None:
        """Waits until no builder of before reports any more. Raises Misuse when one goes on."""
        deadline = time.monotonic() + _QUIET_S_MAX
        while True:
            found = silent_for(self._client, self._plan.generation)
            if found is None or found[0] > _QUIET_S:
                return
            if time.monotonic() > deadline:
                raise Misuse(
                    f"generation {self._plan.generation} is being built by {found[1]}, who reported {found[0]:.0f} s ago: wait "
                    "for that rebuild, or end it and say this again"
                )
            self._tell("waiting for builders of before", 0, 1)
            time.sleep(_LOOK_S)

    @contextmanager
    def _building(self) -> Iterator[Crew]:
        plan = self._plan
        level = logging.getLogger().getEffectiveLevel()
        crew = Crew(
            [
                Order(self._settings, plan.generation, numbers, plan.layout, level)
                for numbers in shares(plan.layout.partitions)
            ]
        )
        crew.start()
        try:
            yield crew
        finally:
            crew.stop()

    def _until_caught_up(self, crew: Crew) -> None:
        while True:
            crew.tend()
            wanted = needed(self._plan.layout, offsets_in(self._client, self._plan.in_use))
            found = how_far(versions_in(self._client, self._plan.generation), wanted)
            self._tell("building", found.done, found.of)
            if found.done >= found.of * _CLOSE_ENOUGH:
                return
            time.sleep(_LOOK_S)

    def _verified(self, crew: Crew) -> Verdict:
        recipe = self._plan.recipe
        rules = PlainRules(recipe.pane_s, recipe.attribution_window_s * 1000)
        if not versions_in(self._client, self._plan.generation):  # there is nothing yet
            return Verdict.of_nothing()

        def tell(doing: str, done: int, of: int) -> None:
            crew.tend()
            self._tell(f"verifying: {doing}", done, of)

        return verify(self._plan.settings, rules, self._plan.generation, self._plan.layout, Range(), _LISTED_MAX, tell)

    def _cut(self) -> None:
        """Ends the line of the old generation, and fixes how far the new one must come."""
        self._enter(CUTTING)
        self._tell("taking over", 0, 1)
        self._until_let_go()
        handed_over = close_all(self._settings, self._old, self._plan.before.partitions, self._plan.generation)
        cuts: Offsets = handed_over
        if self._plan.adds_partitions:
            add_partitions(self._settings, self._plan.recipe.partitions)
            ends = source_logs(self._settings)
            cuts = {topic: tuple(span.end for span in ends[topic][: self._plan.layout.logs]) for topic in SOURCES}
        self._enter(CUT, handed_over, cuts)

    def _until_let_go(self) -> None:
        """Workers that know of generations stop by themselves, which is gentler than to be fenced."""
        deadline = time.monotonic() + _LET_GO_S
        while time.monotonic() < deadline:
            found = silent_for(self._client, self._plan.in_use)
            if found is None or found[0] > _LET_GO_S / 2:
                return
            time.sleep(_LOOK_S)

    def _until_complete(self, crew: Crew) -> None:
        """Until ClickHouse has all that is below the cuts, and META says of each partition that it reads its own log."""
        step = self._register().step(self._plan.generation, CUT)
        assert step is not None
        ends = by_log(step.cuts)
        wanted = needed(self._plan.layout, ends)
        while True:
            crew.tend()
            found = versions_in(self._client, self._plan.generation)
            done = how_far(found, wanted)
            self._tell("taking over", done.done, done.of)
            own = offsets_in(self._client, self._plan.generation)
            is_own = all(
                own.get((topic, number), -1) == ends.get((topic, number), 0)
                for topic in SOURCES
                for number in range(self._plan.recipe.partitions)
            )
            if is_own and all(found.get(number, -1) == version for number, version in wanted.items()):
                return
            time.sleep(_LOOK_S / 2)


def give_up(settings: Settings, tell: Tell) -> int | None:
    """Takes a generation away that is not in use yet. Returns its number; None when there is none. Raises Misuse when it can
    only go on."""
    with connected(settings.clickhouse.get_secret_value()) as client:
        register = read_register(client)
        step = register.coming
        if step is None:
            return None
        if (step.name == CUT and step.recipe.partitions != step.partitions_before) or _has_more(settings, step):
            raise Misuse(
                f"generation {step.generation}: the topics have {step.recipe.partitions} partitions by now, and Kafka takes "
                "none away; it can only go on: posventa rebuild"
            )
        old = Names(register.in_use)
        if step.name != BUILDING:
            open_all(settings, old, step.partitions_before)
        enter(client, Step(step.generation, ABANDONED, step.recipe, step.partitions_before))
        tell("taking it away", 0, 1)
        time.sleep(2 * _LOOK_S)  # builders of it end by themselves
        _drop(settings, client, step.generation)
        shutil.rmtree(Path(settings.state_dir) / _COPIES, ignore_errors=True)
        return step.generation


def _has_more(settings: Settings, step: Step) -> bool:
    return any(len(found) > step.partitions_before for found in source_logs(settings).values())


def drop_older(settings: Settings, client: Client, tell: Tell, readers_done_s: float = _READERS_DONE_S) -> None:
    """Takes away what is left of the generations before the one in use. Safe to repeat."""
    register = read_register(client)
    steps = {step.generation: step for step in register.steps}
    if register.in_use == 1 or register.step(register.in_use, DROPPED) is not None:
        return
    begun, done = time.monotonic(), 0.0
    while (done := time.monotonic() - begun) < readers_done_s:
        tell("waiting for readers of the old rows", round(done), round(readers_done_s))
        time.sleep(_LOOK_S)
    for generation in range(1, register.in_use):
        given_up = register.step(generation, ABANDONED) is not None
        tell("dropping the old generation", generation - 1, register.in_use - 1)
        if not given_up or generation == register.in_use - 1:
            _drop(settings, client, generation)
    shutil.rmtree(Path(settings.state_dir) / _COPIES, ignore_errors=True)
    enter(client, steps[register.in_use]._replace(name=DROPPED, handed_over=NO_OFFSETS, cuts=NO_OFFSETS))


def _drop(settings: Settings, client: Client, generation: int) -> None:
    delete_group_and_changelog(settings, Names(generation))
    for table in TABLES:
        with sink_errors(f"dropping generation {generation} of {table.name}"):
            partitions = client.query(
                "SELECT DISTINCT p.partition_id FROM system.parts AS p WHERE p.database = currentDatabase() AND p.active "
                "AND p.table = {table:String} AND (p.partition = {one:String} OR startsWith(p.partition, {many:String}))",
                parameters={"table": table.name, "one": str(generation), "many": f"({generation},"},
            ).result_rows
            for (partition_id,) in partitions:
                client.command(
                    f"ALTER TABLE {table.name} DROP PARTITION ID {{id:String}}", parameters={"id": partition_id}
                )
