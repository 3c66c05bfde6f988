"""The demo's made-up data is as valid as real data, never of the future, and the demo ends in the report."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schemas.events import Event, Feedback, Sale
from schemas.validation import validate_feedback, validate_sale
from streams.demo.cast import BRANDS
from streams.demo.story import HISTORY_DAYS, Story
from tests.support.commands_page import keys_of

START_MS = 1_780_000_000_000
DAY_MS = 86_400_000
REPORT_S = 60  # from the start of the demo, at the latest
POSVENTA = str(Path(sys.executable).with_name("posventa"))


def nps(scores: list[int]) -> float:
    return 100 * (sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)) / len(scores)


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
    assert history[0] > START_MS - HISTORY_DAYS * DAY_MS
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


def test_a_good_affiliate_has_a_better_nps_than_a_bad_one() -> None:
    feedback = [event for event in told() if isinstance(event, Feedback) and event.metric == "NPS"]
    for brand in BRANDS:
        sellers = sorted((s for s in brand.affiliates if s.affiliate_id and s.weight >= 3), key=lambda s: s.happy)
        scores = {seller.affiliate_id: [] for seller in (sellers[0], sellers[-1])}  # type: dict[str | None, list[int]]
        for answer in feedback:
            if answer.brand_id == brand.brand_id and answer.affiliate_id in scores and answer.score is not None:
                scores[answer.affiliate_id].append(answer.score)
        worst, best = (nps(found) for found in scores.values())
        assert best > worst + 40


def test_more_is_bought_in_the_evening_than_at_night() -> None:
    hours = [s.occurred_at // 3_600_000 % 24 for s in Story(7, START_MS).history() if isinstance(s, Sale)]
    assert sum(18 <= hour < 24 for hour in hours) > 2 * sum(hour < 6 for hour in hours)


@pytest.mark.e2e
def test_the_demo_ends_with_a_report_of_all_that_it_published(tmp_path: Path) -> None:
    done = subprocess.run(
        [POSVENTA, "demo", "--json", "--seconds", "3", "--dir", str(tmp_path / "demo")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == keys_of("demo")
    assert found["freshness"][0]["lag_records"] == 0
    month = {(row["brand_id"], row["affiliate_id"]) for row in found["rolling"] if row["window"] == "30d"}
    assert month == {(brand.brand_id, seller.affiliate_id or "") for brand in BRANDS for seller in brand.affiliates}
    hour = [row["sales"] for row in found["rolling"] if row["window"] == "1h"]
    assert sum(hour) > 10
    assert found["web"].startswith("http://127.0.0.1:")


def processes_of(directory: Path) -> list[str]:
    """Running processes whose command line or environment (a demo's TMPDIR, inherited by all it starts) names it."""
    found = subprocess.run(["ps", "axeww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if str(directory) in line]


@pytest.mark.e2e
def test_the_demo_shows_everybody_and_its_page_and_leaves_no_process(tmp_path: Path) -> None:
    started_s = time.monotonic()
    done = subprocess.run(
        [POSVENTA, "demo", "--seconds", "3", "--lang", "en", "--kafka-port", "0", "--http-port", "0", "--web-port", "0"],
        capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started_s < REPORT_S
    for brand in BRANDS:
        for seller in brand.affiliates:
            assert (seller.affiliate_id or brand.brand_id) in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    assert not processes_of(tmp_path)
    assert not list(tmp_path.glob("posventa-demo-*"))


@pytest.mark.e2e
def test_a_demo_that_is_told_to_stop_leaves_no_process_and_no_directory(tmp_path: Path) -> None:
    ports = ["--kafka-port", "0", "--http-port", "0", "--web-port", "0"]
    with subprocess.Popen(
        [POSVENTA, "demo", "--seconds", "600", *ports],
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as running:  # fmt: skip
        assert running.stderr is not None
        assert any("streamed in" in line for line in running.stderr)
        assert len(processes_of(tmp_path)) == len(("demo", "kafka", "clickhouse", "worker", "web"))
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert not processes_of(tmp_path)
    assert not list(tmp_path.glob("posventa-demo-*"))
