"""The generation in use, and the settings that hold for it.

Owns what of the settings belongs to a generation, and so is not the environment's to say any more once one was made by
`posventa rebuild`. Invariant: whoever computes numbers asks here what with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sinks.client import connected
from sinks.generations import Recipe, Register, read_register
from streams.brokers.logs import ends_of
from streams.brokers.topics import SALES, Names
from streams.generations.logs import SourceLayout
from streams.settings import Settings, in_units, variable


@dataclass(frozen=True, slots=True)
class Current:
    """`settings` are those with which the generation in use is computed."""

    settings: Settings
    register: Register

    @property
    def names(self) -> Names:
        """What belongs to it."""
        return Names(self.register.in_use)


def current(settings: Settings) -> Current:
    """Asks ClickHouse. Raises SinkError."""
    with connected(settings.clickhouse.get_secret_value()) as client:
        register = read_register(client)
    return Current(with_recipe(settings, register.recipe), register)


def source_layout(found: Current) -> SourceLayout:
    """Which logs the generation in use is made of. Raises Unavailable when its first workers' settings must be asked of Kafka,
    and that is away."""
    register = found.register
    coming = register.coming
    if register.recipe is not None:
        partitions = register.recipe.partitions
    elif coming is not None:
        partitions = coming.partitions_before
    else:
        partitions = len(ends_of(found.settings, SALES))
    return SourceLayout(partitions, partitions, register.raises(register.in_use))


def with_recipe(settings: Settings, recipe: Recipe | None) -> Settings:
    """The settings, with what the generation was made with instead of what the environment says."""
    if recipe is None:
        return settings
    return settings.model_copy(update=_chosen(recipe))


def contradictions(settings: Settings, recipe: Recipe | None) -> Iterator[str]:
    """A line for each variable that is set to something else than the generation was made with: it does nothing."""
    for name, value in (_chosen(recipe) if recipe else {}).items():
        found = getattr(settings, name)
        if name in settings.model_fields_set and found != value:
            yield (
                f"{variable(name)} does nothing: the generation in use was made with {_shown(name, value)}; unset it, or make "
                f"another: posventa rebuild --{name.replace('_', '-')} {_shown(name, found)}"
            )


def _chosen(recipe: Recipe) -> dict[str, int]:
    """By setting."""
    return {
        "partitions": recipe.partitions,
        "pane": recipe.pane_s,
        "attribution_window": recipe.attribution_window_s,
    }


def _shown(name: str, value: int) -> str:
    if name == "pane":
        return f"{value // 60}m"
    return str(value) if name == "partitions" else in_units(value)
