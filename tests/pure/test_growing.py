"""Whoever adds a column, a field or a reason is told each place that was forgotten: the recipes of CONTRIBUTING.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import schemas.errors
from schemas.codec import encode
from schemas.errors import InvalidValue, Refused
from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from schemas.measures import MEASURES, TOPIC_MEASURES
from schemas.registry import ATTRIBUTION_NAME, FEEDBACK_NAME, REVERSAL_NAME, SALE_NAME, newest
from schemas.validation import validate
from schemas.wire import read_attribution, read_feedback, read_reversal, read_sale
from sinks.explaining import LINES
from sinks.tables import ANSWERS, COMMENTS, DEAD_LETTERS, JOURNEYS, REVERSALS, TOPIC_PANES, Table
from sinks.views.catalogue import VIEWS
from streams.changelog.records import KeptRefusal
from streams.domain.contributions import Answer, GivenBack, Journey
from tests.support.domain_strategies import A_SALE, AN_ANSWER
from tests.support.places import ROOT

PUBLISHING = (ROOT / "docs" / "publishing.md").read_text()
# What a row has beside its values: in front its generation, at the end its version.
ROWS: list[tuple[Table, tuple[str, ...], str]] = [
    (JOURNEYS, Journey._fields, "Journey in streams/domain/contributions.py"),
    (REVERSALS, GivenBack._fields, "GivenBack in streams/domain/contributions.py"),
    (ANSWERS, Answer._fields, "Answer in streams/domain/contributions.py"),
    (
        DEAD_LETTERS,
        ("source_topic", "source_partition", "source_offset", *KeptRefusal._fields),
        "RefusalKey and KeptRefusal in streams/changelog/records.py",
    ),
    (
        COMMENTS,
        ("brand_id", "customer_id", "feedback_id", "comment", "language"),
        "CommentKey and the value of a COMMENT in streams/changelog/records.py",
    ),
    (
        TOPIC_PANES,
        ("brand_id", "affiliate_id", "topic", "verdict", "bucket", "source_partition", *TOPIC_MEASURES),
        "TopicKey in streams/domain/panes.py and the value of a TOPIC in streams/changelog/records.py",
    ),
]
SCHEMAS = {
    Sale: newest(SALE_NAME), Reversal: newest(REVERSAL_NAME), Attribution: newest(ATTRIBUTION_NAME),
    Feedback: newest(FEEDBACK_NAME),
}  # fmt: skip
SHORT_WAYS = {Sale: read_sale, Reversal: read_reversal, Attribution: read_attribution, Feedback: read_feedback}
# Valid events in which no field is left out.
EVENTS: list[Event] = [
    A_SALE._replace(campaign="spring", referred_by="c2", subscription_id="sub", other_product_ids=("p2",)),
    Reversal("e1", "b", "c1", "s1", "r1", "REFUND", 0, 10, 1, "EUR", A_SALE.occurred_at),
    Attribution("e1", "b", "c1", "s1", 0, "a1", "spring", 1, "EUR", A_SALE.occurred_at),
    AN_ANSWER._replace(
        sale_id="s1", affiliate_id="a1", metric="NPS", score=9, findings=(Finding("DONE_RIGHT", "price"),),
        comment="good", language="en", product_id="p1", scores=(Score("CSAT", 4),), asked="MISSING_INFORMATION",
    ),
]  # fmt: skip
# What no field of the type may hold.
NONSENSE: dict[type[Any], Any] = {str: "\0" * 20_000, int: -1}
NO_LISTS: dict[str, Any] = {
    "findings": (Finding("NONSENSE", "?"),), "scores": (Score("NONSENSE", 1),), "other_product_ids": ("",)
}  # fmt: skip


@pytest.mark.parametrize(("table", "fields", "where"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_a_row_has_the_columns_of_its_table(table: Table, fields: tuple[str, ...], where: str) -> None:
    assert table.columns == ("generation", *fields, "version"), (
        f"the table {table.name} in sinks/tables.py and {where} differ: give both the same names, in the same order"
    )


@pytest.mark.parametrize(
    ("table", "view", "unseen"), [(JOURNEYS, "journey", set()), (REVERSALS, "reversal", {"customer_id"})], ids=str
)
def test_what_is_stored_of_a_sale_or_reversal_is_shown(table: Table, view: str, unseen: set[str]) -> None:
    shown = {column.name for found in VIEWS if found.name == view for column in found.columns}
    stored = set(table.columns) - {"generation", "version"} - unseen
    assert stored <= shown, (
        f"{sorted(stored - shown)} of table {table.name} is in no view: add it to the columns of `{view}` in "
        "sinks/views/catalogue.py and say `python -m sinks.views NAME`"
    )


def test_every_measure_can_be_opened() -> None:
    without_rows = {"without_sale"}  # of an attribution whose sale has not come there is no row to show
    assert set(LINES) == set(MEASURES) - without_rows, (
        f"{sorted(set(MEASURES) ^ set(LINES))}: sinks/explaining.py says what the lines of each measure are, and of no other"
    )


@pytest.mark.parametrize("event", SCHEMAS, ids=lambda event: event.__name__)
def test_an_event_has_the_fields_of_its_newest_schema(event: type[Event]) -> None:
    fields = tuple(field["name"] for field in SCHEMAS[event].plain["fields"])
    assert event._fields == fields, (
        f"{event.__name__} in schemas/events.py and the newest {event.__name__.lower()}.v*.avsc differ: give both the "
        "same fields, in the same order"
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_field_of_an_event_is_validated(event: Event) -> None:
    assert _is_valid(event)
    for field in event._fields:
        where = f"{type(event).__name__}.{field}"
        value = getattr(event, field)
        assert value not in (None, ()), f"tests/pure/test_growing.py: give {where} a value in EVENTS"
        bad = event._replace(**{field: NO_LISTS[field] if field in NO_LISTS else NONSENSE[type(value)]})
        assert not _is_valid(bad), f"schemas/validation.py lets anything pass as {where}"


def _is_valid(event: Event) -> bool:
    try:
        validate(event)
    except InvalidValue:
        return False
    return True


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_newest_bytes_go_the_short_way(event: Event) -> None:
    read: Any = SHORT_WAYS[type(event)]
    assert read(encode(event)) == event, (
        f"schemas/wire.py lacks the newest layout of {type(event).__name__}: every record would take the slow way"
    )


@pytest.mark.parametrize("event", SCHEMAS, ids=lambda event: event.__name__)
def test_the_page_for_publishers_lists_every_field(event: type[Event]) -> None:
    [table] = re.findall(rf"^`{event.__name__}` \(.*?\)\n\n(.*?)\n\n", PUBLISHING, re.MULTILINE | re.DOTALL)
    listed = [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert tuple(listed) == event._fields, (
        f"docs/publishing.md: the table of {event.__name__} has not the fields it has"
    )


def test_publishers_are_told_which_schema_is_the_newest() -> None:
    for event, schema in SCHEMAS.items():
        file = Path("schemas", "avro", f"{event.__name__.lower()}.v{schema.version}.avsc")
        assert json.loads((ROOT / file).read_text())["name"] == event.__name__
        assert f"schema: `{file}`" in PUBLISHING, f"docs/publishing.md doesn't name {file}"
        assert schema.header.hex() in PUBLISHING, f"docs/publishing.md doesn't give the first bytes of {file}"


@pytest.mark.parametrize("refused", Refused.__subclasses__(), ids=lambda refused: refused.__name__)
def test_a_reason_for_a_dead_letter_is_explained(refused: type[Refused]) -> None:
    assert refused.reason != Refused.reason, f"schemas/errors.py: {refused.__name__} needs a reason of its own"
    assert f"-- {refused.__name__} " in str(schemas.errors.__doc__), (
        f"the tree at the top of schemas/errors.py lacks {refused.__name__}"
    )
    assert f"\n| `{refused.reason}` | " in PUBLISHING, (
        f"docs/publishing.md: the table of reasons lacks `{refused.reason}`: say what happened, and what to do about it"
    )


def test_each_reason_is_used_once() -> None:
    reasons = [refused.reason for refused in Refused.__subclasses__()]
    assert len(set(reasons)) == len(reasons), "schemas/errors.py: two errors have one reason"
