"""What a rebuild would do, and why not: looked at before anything is begun.

Owns the checks. Changes nothing. Invariant: a plan that was made can be carried out by whoever makes it anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from sinks.client import connected
from sinks.errors import SchemaMissing, sink_errors
from sinks.generations import BUILDING, CUT, Recipe, Register, Step, read_register
from streams.brokers.topics import SOURCES, Names
from streams.changelog import meta as metas
from streams.changelog.meta import Log
from streams.domain.state import FORMAT
from streams.errors import Misuse, StateRefused
from streams.generations.current import with_recipe
from streams.generations.logs import SourceLayout
from streams.rebuild.closing import last_metas
from streams.rebuild.kafka import asking, has_topics, members_of, partitions_of, room_for, source_logs
from streams.settings import Settings, in_units

PARTITIONS_MAX: Final = 1024

_SIZE: Final = """
SELECT sum(p.bytes_on_disk) FROM system.parts AS p
WHERE p.database = 'posventa' AND p.active AND p.table NOT IN ('generations', 'generation_steps', 'schema_versions')
"""
_FREE: Final = "SELECT min(d.unreserved_space) FROM system.disks AS d"


class Wishes(NamedTuple):
    """What was asked for; None: as it is."""

    partitions: int | None = None
    pane_s: int | None = None
    attribution_window_s: int | None = None


@dataclass(frozen=True, slots=True)
class RebuildPlan:
    """A generation to build. `settings` have its recipe."""

    settings: Settings
    register: Register
    generation: int
    recipe: Recipe
    before: Recipe  # of the one in use
    stands_still: bool  # its state is of another format: no worker of this version goes on with it
    step: Step | None  # how far it is, if it was begun
    layout: SourceLayout
    records: int  # in the source topics now
    workers: int  # in the group of the one in use
    doubts: tuple[str, ...]

    @property
    def in_use(self) -> int:
        """The generation that it will replace."""
        return self.register.in_use

    @property
    def adds_partitions(self) -> bool:
        """Whether the topics get more."""
        return self.layout.partitions != self.layout.logs

    def lines(self) -> Iterator[str]:
        """For people."""
        old, new = self.before, self.recipe
        yield f"generation {self.generation} beside generation {self.in_use}, from {self.records:,} records"
        yield _change("partitions", str(old.partitions), str(new.partitions))
        yield _change("pane", in_units(old.pane_s), in_units(new.pane_s))
        yield _change("attribution window", in_units(old.attribution_window_s), in_units(new.attribution_window_s))
        yield _change("format", str(old.format), str(new.format))
        if self.step is not None:
            yield f"it was begun, and goes on from: {self.step.name}"
        if self.adds_partitions:
            yield (
                "once the topics have their new partitions it can only go on, and not be given up: Kafka takes none away"
            )
        yield from (f"note: {doubt}" for doubt in self.doubts)


def _change(name: str, old: str, new: str) -> str:
    return f"  {name}: {old}" if old == new else f"  {name}: {old} -> {new}"


def make_plan(settings: Settings, asked: Wishes) -> RebuildPlan:
    """Looks at everything. Raises Misuse for what can't be done, StateRefused for what would be wrong, Unavailable,
    SinkError."""
    with connected(settings.clickhouse.get_secret_value()) as client:
        try:
            register = read_register(client)
        except SchemaMissing:  # tables of a version that knew no generations
            register = Register()
        names = Names(register.in_use)
        before, stands_still = _before(settings, names)
        step = register.coming
        recipe = _resumed(step, asked) if step else _recipe(before, asked)
        partitions_before = step.partitions_before if step else before.partitions
        layout = SourceLayout(partitions_before, recipe.partitions, register.raises(register.in_use))
        logs = source_logs(settings)
        _check_logs(logs, layout, step)
        workers = members_of(settings, names.group)
        doubts = (
            *_check_room(settings, names, client, is_begun=step is not None),
            *_doubts(recipe, workers, asked, before, step),
        )
    records = sum(span.end - span.start for spans in logs.values() for span in spans)
    generation = step.generation if step else register.next_number
    chosen = with_recipe(settings, recipe)
    return RebuildPlan(
        chosen, register, generation, recipe, before, stands_still, step, layout, records, workers, tuple(doubts)
    )


def must_be_rebuilt(settings: Settings) -> bool:
    """Whether workers of this version can't go on: the state is of another format, or was handed over. Raises Unavailable,
    SinkError."""
    with connected(settings.clickhouse.get_secret_value()) as client:
        register = read_register(client)
    if register.is_handing_over:
        return True
    names = Names(register.in_use)
    with asking(settings) as admin:
        there = names.changelog in admin.list_topics()
        partitions = partitions_of(admin, names.changelog) if there else 0
    return any(metas.format_of(raw) != FORMAT for raw in last_metas(settings, names, partitions) if raw)


def _before(settings: Settings, names: Names) -> tuple[Recipe, bool]:
    """What the generation in use was made with, as its own META says, and whether this version can't go on with it."""
    if not has_topics(settings):
        raise Misuse(
            "there are no topics of posventa yet, so there is nothing to rebuild: start a worker, or posventa up"
        )
    with asking(settings) as admin:
        partitions = partitions_of(admin, names.changelog)
    found = [raw for raw in (last_metas(settings, names, partitions) if partitions else []) if raw]
    if len(found) < max(partitions, 1):
        raise Misuse(
            f"{names.changelog}: {partitions - len(found)} of {partitions} partitions were never owned by a worker, so there "
            "is no state to rebuild yet: start a worker, and wait until posventa lag shows all partitions"
        )
    grounds = [metas.ground_of(raw) for raw in found]
    ground: dict[str, Any] = grounds[0]
    recipe = Recipe(
        ground["partitions"], ground["pane_s"], ground["attribution_window_ms"] // 1000, int(ground["format"])
    )
    return recipe, any(int(g["format"]) != FORMAT for g in grounds)


def _recipe(before: Recipe, asked: Wishes) -> Recipe:
    partitions = before.partitions if asked.partitions is None else asked.partitions
    if asked.partitions == before.partitions:
        raise Misuse(f"--partitions {partitions}: there are as many already; leave it out to rebuild with as many")
    if partitions % before.partitions or not before.partitions <= partitions <= PARTITIONS_MAX:
        choices = ", ".join(str(before.partitions * k) for k in (2, 3, 4) if before.partitions * k <= PARTITIONS_MAX)
        raise Misuse(
            f"--partitions {partitions}: today there are {before.partitions}, expected a multiple of that, at most "
            f"{PARTITIONS_MAX}, such as {choices or 'none: there are as many as there can be'}; records stay where they are, "
            "so a key's new partition must follow from its old one, and Kafka takes no partition away"
        )
    return Recipe(
        partitions,
        before.pane_s if asked.pane_s is None else asked.pane_s,
        before.attribution_window_s if asked.attribution_window_s is None else asked.attribution_window_s,
        FORMAT,
    )


def _resumed(step: Step, asked: Wishes) -> Recipe:
    if step.recipe.format != FORMAT:
        raise Misuse(
            f"generation {step.generation} is being built by another version of posventa (format {step.recipe.format}, this "
            f"one makes {FORMAT}): go on with that version, or say posventa rebuild --give-up"
        )
    for name, wanted in asked._asdict().items():
        if wanted is not None and wanted != (found := getattr(step.recipe, name)):
            raise Misuse(
                f"generation {step.generation} is being built with {name}={found}, and not {wanted}: say posventa rebuild "
                "without options to go on with it, or posventa rebuild --give-up first"
            )
    return step.recipe


def _check_logs(logs: dict[str, list[Log]], layout: SourceLayout, step: Step | None) -> None:
    expected = {layout.logs, layout.partitions} if step and step.name != BUILDING else {layout.logs}
    for topic in SOURCES:
        if len(logs[topic]) not in expected:
            raise StateRefused(
                f"{topic} has {len(logs[topic])} partitions, the state of the generation in use has {layout.logs}: somebody "
                "added some by hand. Records written since lie where no worker looks for them; nothing here mends that"
            )
        for number, span in enumerate(logs[topic]):
            if span.start > 0:
                raise StateRefused(
                    f"{topic}[{number}] starts at offset {span.start}, expected 0: what was below it is gone from Kafka, and "
                    "would be gone from every number of a new generation. Restore it, or keep the generation in use"
                )


def _check_room(settings: Settings, names: Names, client: Client, is_begun: bool) -> Iterator[str]:
    """Raises Misuse where two generations do not fit; a rebuild that was begun has taken its part already."""
    room = room_for(settings, names.changelog)
    with sink_errors("asking for the room in ClickHouse"):
        taken = int(client.query(_SIZE).result_rows[0][0] or 0)
        free = int(client.query(_FREE).result_rows[0][0] or 0)
    yield f"{names.changelog} takes {_megabytes(room.taken_bytes)}, the tables {_megabytes(taken)}: twice, until it is done"
    if is_begun:
        return
    places = (("Kafka", room.taken_bytes, room.free_bytes), ("ClickHouse", taken, free))
    for place, needed, found in places:
        if found is not None and found < needed:
            raise Misuse(
                f"{place}'s disk has {_megabytes(found)} free, and a second generation takes about {_megabytes(needed)}: make "
                "room there first"
            )


def _doubts(recipe: Recipe, workers: int, asked: Wishes, before: Recipe, step: Step | None) -> Iterator[str]:
    if workers > recipe.partitions:
        yield f"{workers} workers for {recipe.partitions} partitions: {workers - recipe.partitions} will have nothing to do"
    if step is not None and step.name == CUT and step.recipe.partitions != step.partitions_before:
        yield "the topics have their new partitions: this can only go on"
    same = [name for name, wanted in asked._asdict().items() if wanted is not None and wanted == getattr(before, name)]
    if step is None and same:
        yield f"{', '.join(same)}: as it is already"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
