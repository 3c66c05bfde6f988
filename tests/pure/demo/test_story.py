"""The demo's made-up data is as valid as real data, never of the future, and shows all that the report can show."""

from schemas.events import Event, Feedback, Sale
from schemas.validation import validate
from streams.demo.cast import BRANDS
from streams.demo.story import HISTORY_DAYS, Story

START_MS = 1_780_000_000_000
DAY_MS = 86_400_000


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
        validate(event)
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
