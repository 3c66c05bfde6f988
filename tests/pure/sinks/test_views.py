"""The migrations make what the sources of the views say, none is edited afterwards, and the page shows the same."""

import shutil
from pathlib import Path

import pytest

import sinks.views.migration
from schemas.measures import DEFINITIONS, STANDING_ALONE
from sinks.migrate import MIGRATIONS
from sinks.tables import TABLES, Table
from sinks.views.catalogue import VIEWS
from sinks.views.columns import NET, RATES, for_people, of_row, of_rows
from sinks.views.migration import SUMS, ByHand, changes, seal, write
from sinks.views.published import digest, in_words, published, statements
from sinks.views.reference import PAGE, page
from sinks.views.render import rendered
from sinks.views.view import View

WRITE = "say `python -m sinks.views NAME`, where NAME says what changes, and commit what it writes"
LAST = len(list(MIGRATIONS.glob("*.sql")))
TODAY = published(MIGRATIONS.glob("*.sql"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the migrations, to add to."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_newest_statement_of_a_view_is_what_its_template_renders(view: View) -> None:
    assert TODAY.views.get(view.name) == in_words(rendered(view)), f"the SQL of {view.name} changed: {WRITE}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_migrations_give_a_table_the_columns_that_are_written(table: Table) -> None:
    columns = {name: in_words(kind) for name, kind in zip(table.columns, table.types, strict=True)}
    found = TODAY.tables.get(table.name)
    assert found == columns, f"table {table.name} of sinks/tables.py changed: {WRITE}"
    assert list(found) == list(columns), f"table {table.name} of sinks/tables.py has its columns in another order"


def test_nothing_else_is_to_be_changed() -> None:
    assert changes(TODAY) == [], f"these statements are in no migration: {WRITE}"


def test_the_page_shows_what_the_views_are_made_of() -> None:
    assert PAGE.read_text() == page(), f"docs/reference/{PAGE.name} is out of date: say `python -m sinks.views`"


def test_a_published_migration_is_never_edited() -> None:
    sealed = (MIGRATIONS / SUMS).read_text().splitlines()
    found = [digest(file) for file in sorted(MIGRATIONS.glob("*.sql"))]
    assert found == sealed, (
        f"sinks/migrations/{SUMS} holds what was published. If you edited one of these files, restore it and write the "
        f"change as the next file ({WRITE}); if you wrote a new file by hand, say `python -m sinks.views`"
    )


def test_what_stands_alone_is_a_count_and_all_else_is_a_part_of_it() -> None:
    """Else a sum of positive and negative numbers might be zero where there is something to see."""
    counts = {measure.name for measure in DEFINITIONS if measure.kind == "count"}
    assert set(STANDING_ALONE) <= counts, "schemas/measures.py: only a count may stand alone; say what this one is `of`"
    owners = {owner for measure in DEFINITIONS for owner in measure.of.split()}
    assert owners <= set(STANDING_ALONE), "schemas/measures.py: `of` names counts that stand alone themselves"


def test_what_is_as_it_was_needs_no_migration(directory: Path) -> None:
    before = sorted(directory.iterdir())
    assert write("nothing", directory) is None
    assert seal(directory) == []
    assert sorted(directory.iterdir()) == before


def test_a_new_column_gets_an_alter_and_a_changed_view_its_statement(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [panes] = [table for table in TABLES if table.name == "affiliate_panes"]
    place = panes.columns.index("unlinked_feedback") + 1
    grown = Table(
        panes.name,
        (*panes.columns[:place], "remnants", "resales", *panes.columns[place:]),
        (*panes.types[:place], "Int64", "Nullable(Int64)", *panes.types[place:]),
    )
    monkeypatch.setattr(sinks.views.migration, "TABLES", (grown,))
    monkeypatch.setattr(sinks.views.migration, "rendered", lambda view: _changed(view, "journey"))
    file = write("remnants", directory)
    assert file is not None
    assert file.name == f"{LAST + 1:04}_remnants.sql"
    assert [said[:95] for said in statements(file.read_text())] == [
        "ALTER TABLE posventa . affiliate_panes ADD COLUMN IF NOT EXISTS remnants Int64 AFTER unlinked_f",
        "ALTER TABLE posventa . affiliate_panes ADD COLUMN IF NOT EXISTS resales Nullable ( Int64 ) AFTE",
        in_words(rendered(next(view for view in VIEWS if view.name == "journey")))[:95],
    ]
    assert list(published(directory.glob("*.sql")).tables[panes.name]) == list(grown.columns)
    assert write("again", directory) is None
    assert seal(directory) == [file.name]


def _changed(view: View, name: str) -> str:
    return (
        rendered(view)
        if view.name != name
        else rendered(view).replace("j.answers AS answers", "j.answers + 0 AS answers")
    )


def test_a_view_that_has_no_template_any_more_is_dropped(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks.views.migration, "VIEWS", VIEWS[:-1])
    file = write("fewer", directory)
    assert file is not None
    assert statements(file.read_text()) == [f"DROP VIEW IF EXISTS posventa . {VIEWS[-1].name}"]
    assert write("again", directory) is None


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            Table("fashions", ("generation",), ("UInt32",)),
            r"table fashions .* is in no migration: write its CREATE TABLE",
        ),
        (Table("generations", ("generation",), ("UInt32",)), r"column current_since is in the migrations and not in"),
        (
            Table("generations", ("generation", "current_since"), ("UInt64", "DateTime64(3, 'UTC')")),
            r"column generation is UInt32 in the migrations and UInt64 in sinks/tables.py",
        ),
    ],
    ids=["a new table", "a column less", "another type"],
)
def test_what_only_a_person_can_judge_is_left_to_one(
    table: Table, told: str, monkeypatch: pytest.MonkeyPatch, directory: Path
) -> None:
    monkeypatch.setattr(sinks.views.migration, "TABLES", (table,))
    with pytest.raises(ByHand, match=told):
        write("anything", directory)
    assert len(list(directory.glob("*.sql"))) == LAST


def test_neither_layout_nor_comments_make_a_difference() -> None:
    sql = "SELECT a.b,\n    'it''s; -- (one' AS c -- a comment; with ' in it\nFROM d;\n\n-- the end\nSELECT 1.5;"
    assert statements(sql) == ["SELECT a . b , 'it''s; -- (one' AS c FROM d", "SELECT 1 . 5"]
    assert in_words("Nullable(Int64)") == in_words(" Nullable ( Int64 )\n")


def test_a_formula_serves_a_row_a_window_and_people() -> None:
    rates = {rate.name: rate for rate in RATES}
    assert of_row(rates["nps"], "w") == "ratio(100 * (w.promoters - w.detractors), w.nps_answers)"
    assert of_rows(rates["nps"], "d", "week") == (
        "ratio(100 * sum(d.promoters - d.detractors) OVER week, sum(d.nps_answers) OVER week)"
    )
    assert for_people(rates["nps"]) == "100 * (promoters - detractors) / nps_answers"
    assert of_rows(NET, "d", "month") == "sum(d.net) OVER month"
