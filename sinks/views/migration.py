"""The next migration: what tables and views lack of what the sources say.

Owns which statements are needed and in which order. Never edits a file that is there: what is published ran somewhere.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sinks.migrate import MIGRATIONS
from sinks.tables import DATABASE, TABLES, Table
from sinks.views.catalogue import VIEWS
from sinks.views.published import Published, digest, in_words, published
from sinks.views.render import rendered

SUMS: Final = "SHA256SUMS"


class ByHand(Exception):
    """A difference that only a person can judge. The message says what was found and what to do."""


def write(name: str, directory: Path = MIGRATIONS) -> Path | None:
    """The file that was written; None when nothing changed. Raises ByHand."""
    files = sorted(directory.glob("*.sql"))
    statements = changes(published(files))
    if not statements:
        return None
    number = int(files[-1].name.partition("_")[0]) + 1
    file = directory / f"{number:04}_{name}.sql"
    file.write_text(
        "\n\n".join([f"-- Written by `python -m sinks.views {name}` from sinks/views.", *statements]) + "\n"
    )
    return file


def seal(directory: Path = MIGRATIONS) -> list[str]:
    """Enters files that are new into the list of those that no one may edit any more; returns their names."""
    sums = directory / SUMS
    sealed = sums.read_text().splitlines()
    known = {line.split()[1] for line in sealed}
    new = [file for file in sorted(directory.glob("*.sql")) if file.name not in known]
    sums.write_text("".join(f"{line}\n" for line in [*sealed, *map(digest, new)]))
    return [file.name for file in new]


def changes(so_far: Published) -> list[str]:
    """The statements that bring what is published to what the sources say: columns, then the views that read them."""
    wanted = {view.name: rendered(view) for view in VIEWS}
    return [
        *(statement for table in TABLES for statement in _new_columns(table, so_far.tables.get(table.name))),
        *(sql for name, sql in wanted.items() if so_far.views.get(name) != in_words(sql)),
        *(f"DROP VIEW IF EXISTS {DATABASE}.{name};" for name in so_far.views if name not in wanted),
    ]


def _new_columns(table: Table, there: dict[str, str] | None) -> Iterable[str]:
    if there is None:
        raise ByHand(
            f"table {table.name} of sinks/tables.py is in no migration: write its CREATE TABLE IF NOT EXISTS into a new "
            "file of sinks/migrations, with the engine and keys that suit how it is read, and run this again"
        )
    if gone := there.keys() - set(table.columns):
        raise ByHand(
            f"table {table.name}: column {', '.join(sorted(gone))} is in the migrations and not in sinks/tables.py: "
            "workers of the version before still write it, so leave it where it is"
        )
    before = table.columns[0]
    for name, kind in zip(table.columns, table.types, strict=True):
        if name not in there:
            yield f"ALTER TABLE {DATABASE}.{table.name} ADD COLUMN IF NOT EXISTS {name} {kind} AFTER {before};"
        elif there[name] != in_words(kind):
            raise ByHand(
                f"table {table.name}: column {name} is {there[name]} in the migrations and {kind} in sinks/tables.py: "
                "rows are there already, so write how they become the new type into a new file of sinks/migrations"
            )
        before = name
