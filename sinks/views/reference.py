"""docs/reference/views.md, from what the views are made of.

Owns the layout of the page. Never says what a column means: that stands in the catalogue.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final

from schemas.measures import DEFINITIONS
from sinks.views.catalogue import VIEWS
from sinks.views.columns import EARNINGS, MEASURE_COLUMNS, NET, NPS_ANSWERS, RATES, Column, for_people
from sinks.views.render import functions
from sinks.views.view import View

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "views.md"

_KINDS: Final = {
    "count": "numbers",
    "money": "money, in the row's currency",
    "scores": "scores",
    "seconds": "seconds",
}
_TOP: Final = """# The views, column by column

<!-- Written by `python -m sinks.views`; a test says when it is out of date. -->

What to read and how is in [bi.md](../bi.md), and what is counted in [concepts.md](../concepts.md).
Every view is flat, and `DESCRIBE TABLE posventa.affiliate_rolling` tells a column's type and meaning in ClickHouse too.
*Null* says whether a column may be null; an absent text is `''`. Money is an exact decimal, and times are in UTC.
"""
_MEASURES: Final = """## Measures

All add up, over panes, days, windows, brands and affiliates; money only within one currency.
In this order they stand in every view that has *every measure*.
"""
_RATES: Final = """## Sums of measures, and rates

A rate does not add up: sum its measures and divide. `a / b` is null where b is 0.
"""
_FUNCTIONS: Final = f"""`{NPS_ANSWERS.name}` is {NPS_ANSWERS.formula}. The functions are these, in ClickHouse's SQL:
"""


def page() -> str:
    """The page, as it must stand in docs/."""
    parts = [
        _TOP,
        _MEASURES,
        _table(("measure", "type", "null", "meaning", "adds up"), _measures()),
        _RATES,
        _table(
            ("column", "type", "null", "meaning", "formula"),
            ((*_described(c), f"`{for_people(c)}`") for c in (NET, EARNINGS, *RATES)),
        ),
        _FUNCTIONS,
        f"```sql\n{functions()}\n```\n",
        "Where the formulas are from:\n",
        "".join(f"- {', '.join(names)}: {source}\n" for source, names in _sources()),
        *map(_section, VIEWS),
    ]
    return "\n".join(parts)


def _measures() -> Iterable[tuple[str, ...]]:
    return ((*_described(c), _KINDS[m.kind]) for c, m in zip(MEASURE_COLUMNS, DEFINITIONS, strict=True))


def _section(view: View) -> str:
    parameter = f"({view.parameter.partition(' = ')[0]} = …)" if view.parameter else ""
    title = f"## {view.name}{parameter}\n\n{view.comment}.\n".replace("..", ".")
    if view.parameter:
        return title
    return f"{title}\n{_table(('column', 'type', 'null', 'meaning'), _rows(view))}"


def _rows(view: View) -> Iterable[tuple[str, ...]]:
    """A row per column; one for all measures, and one for all rates, since these are described above."""
    for group, columns in groupby(view.columns, _group):
        if group:
            yield f"*{group}*", "", "", "as above"
        else:
            yield from map(_described, columns)


def _group(column: Column) -> str:
    if column in MEASURE_COLUMNS:
        return "every measure"
    return "net, earnings, and every rate" if column in (NET, EARNINGS, *RATES) else ""


def _described(column: Column) -> tuple[str, str, str, str]:
    """Name, type, whether it may be null, and meaning."""
    nullable = column.type.startswith("Nullable")
    kind = column.type.removeprefix("Nullable(").removesuffix(")") if nullable else column.type
    return f"`{column.name}`", f"`{kind}`", "yes" if nullable else "no", column.meaning


def _sources() -> Iterable[tuple[str, list[str]]]:
    """Each source with the columns that it is of."""
    sourced = [column for column in RATES if column.source]
    for source, columns in groupby(sourced, lambda column: column.source):
        yield source, [f"`{column.name}`" for column in columns]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(head), "|".join(["---"] * len(head)), *map(" | ".join, rows)]
    return "".join(f"|{line}|\n" if line.startswith("---") else f"| {line} |\n" for line in lines)
