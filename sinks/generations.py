"""The register of generations: which one the views show, what each was made with, and how far the next one is.

Owns the questions to, and the rows of, the tables generations and generation_steps. Never decides what comes next.
Invariant: one inserted row switches every view; every other row is read by workers and by `posventa rebuild` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors

# The steps of a generation, in their order. After the last of them it is in use, or given up.
BUILDING: Final = "building"  # it reads the topics beside the one in use
CUTTING: Final = "cutting"  # the workers of the one in use let go
CUT: Final = "cut"  # it is known how far they came: that far it goes, too
ABANDONED: Final = "given up"
DROPPED: Final = "dropped"  # it is in use, and nothing is left of those before

_COLUMNS: Final = (
    "generation", "step", "partitions", "partitions_before", "pane_s", "attribution_window_s", "format", "handed_over",
    "cuts",
)  # fmt: skip
_STEPS: Final = f"SELECT {', '.join(_COLUMNS)} FROM generation_steps ORDER BY generation, at"  # noqa: S608 - names only
_IN_USE: Final = "SELECT greatest(1, max(g.generation)) FROM generations AS g"

Offsets = Mapping[str, tuple[int, ...]]  # by topic and partition
NO_OFFSETS: Final[Offsets] = MappingProxyType({})


class Recipe(NamedTuple):
    """What a generation is made with, and what is never changed within it."""

    partitions: int
    pane_s: int
    attribution_window_s: int
    format: int


class Step(NamedTuple):
    """A step that a generation has made."""

    generation: int
    name: str
    recipe: Recipe
    partitions_before: int
    handed_over: Offsets = NO_OFFSETS  # where the one before ended
    cuts: Offsets = NO_OFFSETS  # up to where records lie by `partitions_before`


class Raise(NamedTuple):
    """The topics got more partitions: what lies below the cuts was judged by the count of before."""

    before: int
    cuts: Offsets


@dataclass(frozen=True, slots=True)
class Register:
    """What is known of all generations. Without any row the first one is in use."""

    in_use: int = 1
    steps: tuple[Step, ...] = ()

    def step(self, generation: int, name: str) -> Step | None:
        """The first row of that step."""
        return next((step for step in self.steps if (step.generation, step.name) == (generation, name)), None)

    @property
    def coming(self) -> Step | None:
        """The last step of a generation that is not in use yet and not given up; None when there is no such."""
        begun = {step.generation for step in self.steps if step.generation > self.in_use}
        for generation in sorted(begun, reverse=True):
            if self.step(generation, ABANDONED) is None:
                found = (self.step(generation, name) for name in (CUT, CUTTING, BUILDING))
                return next(step for step in found if step is not None)
        return None

    @property
    def recipe(self) -> Recipe | None:
        """What the one in use is made with; None of the first, whose recipe its workers' settings are."""
        step = self.step(self.in_use, BUILDING)
        return step.recipe if step else None

    @property
    def next_number(self) -> int:
        """A number that no generation ever had."""
        return max([self.in_use, *(step.generation for step in self.steps)]) + 1

    @property
    def is_handing_over(self) -> bool:
        """Whether the workers of the one in use must let go."""
        return self.coming is not None and self.coming.name != BUILDING

    def raises(self, up_to: int) -> tuple[Raise, ...]:
        """How often the topics got more partitions on the way to a generation, in order."""
        cut = [step for step in self.steps if step.name == CUT and step.generation <= up_to]
        lasting = [step for step in cut if self.step(step.generation, ABANDONED) is None]
        first = {step.generation: step for step in reversed(lasting)}
        return tuple(
            Raise(step.partitions_before, step.cuts)
            for _, step in sorted(first.items())
            if step.recipe.partitions != step.partitions_before
        )


def read_register(client: Client) -> Register:
    """What is there now. Raises SinkError."""
    with sink_errors("reading the generations"):
        steps = [
            Step(row[0], row[1], Recipe(row[2], *row[4:7]), row[3], _offsets(row[7]), _offsets(row[8]))
            for row in client.query(_STEPS).result_rows
        ]
        return Register(int(client.query(_IN_USE).result_rows[0][0]), tuple(steps))


def enter(client: Client, step: Step) -> None:
    """Adds a step. Raises SinkError; entered twice it is the same."""
    row = [
        step.generation, step.name, step.recipe.partitions, step.partitions_before, *step.recipe[1:],
        {topic: list(offsets) for topic, offsets in step.handed_over.items()},
        {topic: list(offsets) for topic, offsets in step.cuts.items()},
    ]  # fmt: skip
    with sink_errors("entering a step of a generation"):
        client.insert("generation_steps", [row], column_names=_COLUMNS)


def switch(client: Client, generation: int) -> None:
    """From now on the views show this one. Raises SinkError; switched twice it is the same."""
    with sink_errors("switching to a generation"):
        client.insert("generations", [[generation]], column_names=["generation"])


def _offsets(found: Mapping[str, list[int]]) -> Offsets:
    return {topic: tuple(offsets) for topic, offsets in found.items()}
