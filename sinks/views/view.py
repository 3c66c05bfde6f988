"""What a view is, for the modules that list them."""

from dataclasses import dataclass

from sinks.views.columns import Column


@dataclass(frozen=True, slots=True)
class View:
    """What BI sees of a view. Of one that has a parameter ClickHouse can't keep the columns' types and meanings."""

    name: str
    columns: tuple[Column, ...]
    comment: str
    template: str
    parameter: str = ""  # how it is asked, such as at = '2026-01-31 12:00:00'


def ending_at(view: View, comment: str) -> View:
    """The view of the same columns that takes the time `at` at which its windows end, and of which `view` is made."""
    name = f"{view.name}_at"
    asked = (
        f"{comment}, ending at a given time: {name}(at = '2026-01-31 12:00:00'), a DateTime in UTC. "
        f"Columns as in {view.name}."
    )
    return View(name, view.columns, asked, f"{name}.sql", "at = '2026-01-31 12:00:00'")
