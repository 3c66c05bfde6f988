"""The log as JSON: a line a fact, its place in fields of their own, and no password."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from logging.handlers import QueueHandler
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.tables import COMMENTS
from streams.delivery.flush import _shown
from streams.errors import OwnershipLost
from streams.json_log import JsonLines
from streams.partition.failures import Failures
from streams.timing import Timing

LINES = JsonLines()


def line(message: str, *args: object, **fields: Any) -> dict[str, Any]:
    record = logging.LogRecord("streams.a", logging.WARNING, "a.py", 1, message, args, fields.pop("exc_info", None))
    vars(record).update(fields)
    text = LINES.format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


@given(st.text(), st.text())
def test_whatever_is_said_is_one_line_and_reads_back(message: str, argument: str) -> None:
    assert line(message.replace("%", "") + "%s", argument)["message"] == message.replace("%", "") + argument


def test_a_line_has_when_how_grave_who_and_what_and_a_place_only_if_it_is_about_one() -> None:
    found = line("%d rows", 3)
    assert list(found) == ["time", "level", "logger", "message"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found["time"])).total_seconds()) < 60
    assert (found["level"], found["logger"], found["message"]) == ("warning", "streams.a", "3 rows")
    assert line("x", topic="t", partition=0, offset=0) | found == {"topic": "t", "partition": 0, "offset": 0} | found


def test_a_stack_is_a_field_and_passwords_are_in_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSVENTA_KAFKA_SECURITY_PASSWORD", "s3cret!")
    try:
        raise ValueError("refused: s3cret!")
    except ValueError as error:
        found = line("with s3cret!", exc_info=(type(error), error, error.__traceback__))
    assert found["error"].startswith("Traceback")
    assert "ValueError: refused: ***" in found["error"]
    assert found["message"] == "with ***"


@pytest.fixture
def said() -> Iterator[list[logging.LogRecord]]:
    found: list[logging.LogRecord] = []
    handler = QueueHandler(SimpleNamespace(put_nowait=found.append))
    logging.getLogger("streams.partition.failures").addHandler(handler)
    yield found
    logging.getLogger("streams.partition.failures").removeHandler(handler)


def test_a_record_that_is_not_got_past_is_told_with_its_place(said: list[logging.LogRecord]) -> None:
    failures = Failures(3, 100, Timing())
    record: Any = SimpleNamespace(topic="t", offset=17)
    failures.claiming()
    failures.failed(OwnershipLost("away"))
    failures.trying([record, record])
    failures.failed(ValueError("poison"))
    failures.trying([record])
    failures.failed(ValueError("poison"))
    places = [
        {n: v for n, v in json.loads(LINES.format(r)).items() if n in ("topic", "partition", "offset")} for r in said
    ]
    assert places == [{"partition": 3}, {"partition": 3}, {"topic": "t", "partition": 3, "offset": 17}]


def test_a_row_in_the_log_shows_no_customer_and_nothing_that_one_wrote() -> None:
    row: list[object] = [1, "brand", "a customer", "an answer", "a language", "what they wrote", 7]
    shown = _shown(COMMENTS, row)
    assert list(shown) == list(COMMENTS.columns)
    assert shown["brand_id"] == "brand"
    assert [value for value in shown.values() if value in row] == [1, "brand", 7]
