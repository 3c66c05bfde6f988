"""What a number is asked of, how its lines are shown, and where a page goes on."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from schemas.measures import MEASURES
from sinks.explaining import Cell, Explained, Line, LineKey, PaneSpan, between, of_window
from sinks.windows import WINDOWS
from streams.cli.explain import _page_of, _token
from streams.cli.explain_table import explanation
from streams.cli.report_table import WIDTH
from streams.errors import Misuse
from streams.words import LANGUAGES
from tests.support.command_line import run

PANE_S = 300
moments = st.datetimes(datetime(2000, 1, 1), datetime(2105, 12, 31), timezones=st.just(UTC))
ids = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200)
CELL = ("--brand", "b", "--affiliate", "a", "--currency", "EUR", "--measure", "gross")


@given(moments, st.sampled_from(WINDOWS))
def test_a_window_is_the_panes_that_begin_from_its_start_on_and_before_its_end(at: datetime, window: Any) -> None:
    span = of_window(window, at, PANE_S)
    end_s = int(at.timestamp())
    assert span.end_ms - span.start_ms == window.seconds * 1000
    assert span.start_ms % (PANE_S * 1000) == 0
    assert span.start_ms >= (end_s - window.seconds) * 1000 > span.start_ms - PANE_S * 1000
    assert span.end_ms - PANE_S * 1000 < end_s * 1000 <= span.end_ms


@given(moments, moments)
def test_a_span_is_the_panes_that_begin_within_it(one: datetime, other: datetime) -> None:
    start, end = min(one, other), max(one, other)
    span = between(start, end, PANE_S)
    for edge_ms, moment in ((span.start_ms, start), (span.end_ms, end)):
        assert edge_ms % (PANE_S * 1000) == 0
        assert 0 <= edge_ms / 1000 - moment.timestamp() < PANE_S


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(0, (1 << 64) - 1), ids, ids, ids)
def test_a_page_goes_on_where_the_last_one_ended(
    start: int, at: int, tie: int, sale: str, other: str, said: str
) -> None:
    span, key = PaneSpan(start, start + 300_000), LineKey(at, sale, other, said, tie)
    assert _page_of(_token(span, key)) == (span, key)


@given(st.text(max_size=300))
def test_what_is_no_page_is_misuse(token: str) -> None:
    with pytest.raises(Misuse, match="--after"):
        _page_of(token)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lines_are_shown_with_their_ids_and_the_number_that_they_make(lang: str) -> None:
    lines = [
        Line("refund", LineKey(1_767_268_800_123, "order-42", "evt-9", "", 7), 12_3400),
        Line("chargeback", LineKey(1_767_268_900_000, "x" * 200, "\x1b[2J", "", 7), 1),
    ]
    found = Explained(12_3401, 12_3401, 5, lines, more=True)
    out = StringIO()
    span = PaneSpan(1_767_268_800_000, 1_767_355_200_000)
    Console(file=out, width=WIDTH, highlight=False).print(
        explanation(Cell("acme", "", "EUR"), "commission_reversed", span, found, "TOKEN" * 40, lang)
    )
    text = out.getvalue()
    assert "12.3401 EUR" in text
    assert "2026-01-01 12:00:00.123" in text
    assert all(word in text for word in ("order-42", "evt-9", "12.3400", "0.0001", "\\x1b[2J", "2026-01-02 12:00"))
    assert "2 of 5" in text or "2 de 5" in text
    assert "TOKEN" * 40 in text.replace("\n", "")
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (CELL, "say of which time"),
        ((*CELL, "--at", "2026-01-01"), "use --window"),
        ((*CELL, "--window", "24h", "--from", "2026-01-01"), "use --window"),
        ((*CELL, "--from", "2026-01-01"), "--to together"),
        ((*CELL, "--from", "2026-01-02", "--to", "2026-01-02"), "a beginning before its end"),
        ((*CELL, "--window", "24h", "--after", "nonsense"), "--after nonsense: expected the next of a page"),
        ((*CELL[:-1], "gros", "--window", "24h"), "--measure gros: is it gross?"),
        ((*CELL[:-1], "nps", "--window", "24h"), "A rate has no lines"),
        ((*CELL[:3], "\udcff", *CELL[4:], "--window", "24h"), "--affiliate"),
    ],
)
def test_what_cannot_be_opened_is_misuse(options: tuple[str, ...], words: str) -> None:
    ended = run(["explain", *options], {})
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_every_measure_may_be_asked_for() -> None:
    for measure in MEASURES[:3]:
        ended = run(["explain", *CELL[:-1], measure], {})
        assert "say of which time" in ended.err
