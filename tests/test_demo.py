"""The demo's made-up data is as valid as real data, never of the future, and the demo ends in the report."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.events import Event, Feedback, Sale
from schemas.validation import validate_feedback, validate_sale
from streams.demo.cast import BRANDS
from streams.demo.story import HISTORY_DAYS, Story

START_MS = 1_780_000_000_000
DAY_MS = 86_400_000
POSVENTA = str(Path(sys.executable).with_name("posventa"))


def told(seed: int = 7) -> list[Event]:
    story = Story(seed, START_MS)
    return story.history() + [event for tick in range(300) for event in story.next(START_MS + 100 * (tick + 1))]


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    assert told() == told()
    assert told() != told(8)


def test_every_made_up_event_is_valid_and_has_an_id_of_its_own() -> None:
    events = told()
    for event in events:
        if isinstance(event, Sale):
            validate_sale(event)
        else:
            validate_feedback(event)
    assert len({(event.brand_id, event.event_id) for event in events}) == len(events)


def test_nothing_happens_in_the_future_and_time_never_runs_back() -> None:
    story = Story(7, START_MS)
    history = [event.occurred_at for event in story.history()]
    assert history == sorted(history)
    assert START_MS - HISTORY_DAYS * DAY_MS < history[0]
    assert history[-1] <= START_MS
    for tick in range(1, 200):
        now = START_MS + 100 * tick
        assert {event.occurred_at for event in story.next(now)} == {now}


def test_the_story_has_everything_that_the_report_can_show() -> None:
    events = told()
    sales = [event for event in events if isinstance(event, Sale)]
    feedback = [event for event in events if isinstance(event, Feedback)]
    assert {sale.action for sale in sales} == {"PLACED", "REFUNDED", "CHARGED_BACK", "REJECTED"}
    assert {answer.action for answer in feedback} == {"INVITED", "ANSWERED", "WITHDRAWN"}
    assert {(s.brand_id, s.affiliate_id) for s in sales} == {
        (brand.brand_id, seller.affiliate_id) for brand in BRANDS for seller in brand.affiliates
    }
    assert len({finding.verdict for answer in feedback for finding in answer.findings}) == 5
    assert {answer.language for answer in feedback} == {None, "en", "es"}
    assert any(sale.referred_by for sale in sales)
    assert any(sale.revision for sale in sales)
    assert any(answer.revision and answer.action == "ANSWERED" for answer in feedback)


@pytest.mark.e2e
def test_the_demo_ends_with_a_report_of_all_that_it_published(tmp_path: Path) -> None:
    done = subprocess.run(
        [POSVENTA, "demo", "--json", "--seconds", "3", "--dir", str(tmp_path / "demo")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["freshness"][0]["lag_records"] == 0
    month = {(row["brand_id"], row["affiliate_id"]) for row in found["rolling"] if row["window"] == "30d"}
    assert month == {(brand.brand_id, seller.affiliate_id or "") for brand in BRANDS for seller in brand.affiliates}
    hour = [row["sales"] for row in found["rolling"] if row["window"] == "1h"]
    assert sum(hour) > 10
    assert found["web"].startswith("http://127.0.0.1:")
