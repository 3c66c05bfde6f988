"""What the numbers mean, one law of the contract at a time, with figures worked out by hand."""

from collections.abc import Iterable

import pytest

from schemas.events import Event, Feedback, Finding
from schemas.measures import MEASURES
from streams.domain.cases import Cases, cases
from streams.domain.contributions import Contributions, contributions, difference
from streams.domain.fold import fold
from streams.domain.state import Customer
from tests.support.domain_strategies import A_SALE, AN_ANSWER, RULES, T0
from tests.support.tricky import MINUTE

PANE_S = T0 // 1000
WINDOW_MS = RULES.attribution_window_ms
REJECTED = A_SALE._replace(event_id="e2", action="REJECTED", revision=1)
REFUND = A_SALE._replace(event_id="r1", action="REFUNDED", affiliate_id=None, amount=30_0000, commission=3_0000)
CHARGEBACK = REFUND._replace(event_id="r2", action="CHARGED_BACK", amount=20_0000, commission=2_0000)
INVITED = AN_ANSWER._replace(event_id="i1", action="INVITED")
ABOUT_S1 = AN_ANSWER._replace(sale_id="s1")


def of(*events: Event) -> Contributions:
    """The contributions of one customer after these events."""
    return contributions(customer_of(*events), RULES)


def customer_of(*events: Event) -> Customer:
    customer = Customer("b", "c1")
    for event in events:
        fold(customer, event, RULES)
    return customer


def cases_of(*events: Event) -> Cases:
    return cases(customer_of(*events), RULES)


def measures(got: Contributions) -> dict[tuple[str, str, int], dict[str, int]]:
    """What is not zero, by affiliate, currency and the pane's distance in panes from T0."""
    return {
        (affiliate, currency, (bucket - PANE_S) // RULES.pane_s): {
            name: value for name, value in zip(MEASURES, values, strict=True) if value
        }
        for (_, affiliate, currency, bucket), values in got.panes.items()
    }


def total(got: Contributions, name: str) -> int:
    return sum(values[MEASURES.index(name)] for values in got.panes.values())


def matches(feedbacks: Iterable[Feedback], *events: Event) -> list[str]:
    """The match of each of these feedbacks, beside the other events."""
    return [of(*events, feedback).answers[feedback.feedback_id].match for feedback in feedbacks]


def test_a_sale_counts_once_at_its_time() -> None:
    got = of(A_SALE._replace(referred_by="c9"))
    assert measures(got) == {
        ("a1", "EUR", 0): {
            "sales": 1,
            "gross": 100_0000,
            "commission": 10_0000,
            "new_customers": 1,
            "referred_sales": 1,
            "referred_gross": 100_0000,
        }
    }


def test_a_pane_begins_at_its_bucket_and_ends_before_the_next() -> None:
    times = [T0 - 1, T0, T0 + 5 * MINUTE - 1, T0 + 5 * MINUTE]
    assert [next(iter(measures(of(A_SALE._replace(occurred_at=time)))))[2] for time in times] == [-1, 0, 0, 1]


def test_a_direct_sale_counts_for_no_affiliate() -> None:
    got = of(A_SALE._replace(affiliate_id=None))
    assert list(measures(got)) == [("", "EUR", 0)]
    assert got.journeys["s1"].affiliate_id == ""


def test_a_sale_is_voided_and_restored_by_higher_revisions() -> None:
    voided = of(A_SALE, REJECTED)
    assert measures(voided) == {}
    assert voided.journeys["s1"].status == "rejected"
    restored = of(A_SALE, REJECTED, A_SALE._replace(event_id="e3", revision=2, amount=90_0000))
    assert total(restored, "gross") == 90_0000
    assert of(REJECTED, A_SALE) == voided  # a lower revision that comes later changes nothing


def test_what_is_taken_back_is_a_negative_difference() -> None:
    answer = ABOUT_S1._replace(occurred_at=T0 + 5 * MINUTE, findings=(Finding("DONE_RIGHT", "price"),))
    before, after = cases_of(A_SALE, answer), cases_of(A_SALE, answer, REJECTED)
    taken = difference(before, after, RULES)
    assert measures(taken)["a1", "EUR", 0]["gross"] == -100_0000
    assert measures(taken)["a1", "EUR", 1]["feedback"] == -1
    assert measures(taken)["", "", 1] == {"unlinked_feedback": 1}
    assert taken.topics == {("b", "a1", "price", "DONE_RIGHT", PANE_S + RULES.pane_s): [-1, 0, 0, 0, 0, 0]}
    rejected = of(A_SALE, answer, REJECTED)
    assert (taken.journeys, taken.answers) == (rejected.journeys, rejected.answers)
    assert difference(after, after, RULES) == Contributions({}, {}, {}, {}, {})


def test_revisions_tie_by_the_greater_event_id() -> None:
    winner, loser = A_SALE._replace(event_id="e9", affiliate_id="a2"), A_SALE._replace(event_id="e10")
    assert list(measures(of(winner, loser))) == list(measures(of(loser, winner))) == [("a2", "EUR", 0)]


def test_a_sale_given_to_another_affiliate_takes_everything_with_it() -> None:
    late = T0 + 10 * MINUTE
    events: list[Event] = [
        A_SALE,
        REFUND._replace(occurred_at=late),
        ABOUT_S1._replace(occurred_at=late, metric="NPS", score=9),
    ]
    got = of(*events, A_SALE._replace(event_id="e2", revision=1, affiliate_id="a2", currency="USD"))
    assert {(affiliate, currency) for affiliate, currency, _ in measures(got)} == {("a2", "USD")}
    assert got.answers["f1"].affiliate_id == "a2"


def test_refunds_count_at_their_time_under_their_sales_affiliate_and_currency() -> None:
    got = of(REFUND._replace(occurred_at=T0 + 5 * MINUTE), CHARGEBACK._replace(occurred_at=T0 - 1), A_SALE)
    assert measures(got)["a1", "EUR", 0]["refunded_sales"] == 1
    assert measures(got)["a1", "EUR", 1] == {"refunds": 1, "refunded": 30_0000, "commission_reversed": 3_0000}
    assert measures(got)["a1", "EUR", -1] == {
        "chargebacks": 1,
        "charged_back": 20_0000,
        "commission_reversed": 2_0000,
    }
    assert (got.journeys["s1"].refunded, got.journeys["s1"].charged_back) == (30_0000, 20_0000)
    kinds = {row.reversal_id: (row.kind, row.status, row.affiliate_id, row.currency) for row in got.given_back.values()}
    assert kinds == {
        REFUND.event_id: ("REFUND", "counted", "a1", "EUR"), CHARGEBACK.event_id: ("CHARGEBACK", "counted", "a1", "EUR")
    }  # fmt: skip


def test_a_refund_waits_for_its_sale_and_counts_nowhere_without_a_valid_one() -> None:
    waiting = of(REFUND)
    assert measures(waiting) == {("", "", 0): {"without_sale": 1}}
    assert waiting == Contributions(waiting.panes, {}, {}, waiting.given_back, {})
    assert waiting.given_back["s1", REFUND.event_id][5:9] == ("without_sale", "", "", 30_0000)
    got = of(REFUND, A_SALE, REJECTED, ABOUT_S1)
    assert total(got, "refunds") == 0
    assert got.given_back["s1", REFUND.event_id].status == "rejected"
    journey = got.journeys["s1"]
    assert (journey.refunded, journey.charged_back, journey.answers, journey.is_new_customer) == (0, 0, 0, 0)
    assert (journey.last_metric, journey.last_score, journey.verdicts, journey.feedback_delay_seconds) == (
        ("", None, "", None)
    )


def test_every_refund_of_a_sale_counts_and_none_twice() -> None:
    got = of(A_SALE, REFUND, REFUND, REFUND._replace(event_id="r3"))
    assert (total(got, "refunds"), total(got, "refunded"), total(got, "refunded_sales")) == (2, 60_0000, 1)


def test_the_first_purchase_is_the_first_valid_sale_by_time_then_sale_id() -> None:
    later, twin = A_SALE._replace(sale_id="s0", occurred_at=T0 + 1), A_SALE._replace(sale_id="s2")
    got = of(later, twin, A_SALE)
    assert {sale_id: row.is_new_customer for sale_id, row in got.journeys.items()} == {"s0": 0, "s1": 1, "s2": 0}
    assert (total(got, "new_customers"), total(got, "repeat_sales")) == (1, 2)
    flipped = of(later, twin, A_SALE, REJECTED)
    assert {sale_id: row.is_new_customer for sale_id, row in flipped.journeys.items()} == {"s0": 0, "s1": 0, "s2": 1}


def test_feedback_that_names_its_sale_links_to_it_at_any_time_and_of_any_affiliate() -> None:
    early = ABOUT_S1._replace(occurred_at=T0 - 1000 * MINUTE, affiliate_id="a9")
    late = ABOUT_S1._replace(occurred_at=T0 + 1000 * MINUTE)
    assert matches([early, late], A_SALE) == ["sale", "sale"]
    assert matches([ABOUT_S1], REJECTED) == ["quarantined"]
    assert matches([ABOUT_S1]) == ["none"]
    assert matches([ABOUT_S1], REFUND) == ["none"]  # a refund alone is not a sale yet
    assert matches([ABOUT_S1], A_SALE._replace(sale_id="s2")) == ["none"]  # never falls back to another sale


def test_feedback_without_a_sale_links_within_the_window_both_ends_included() -> None:
    times = [T0 - 1, T0, T0 + WINDOW_MS, T0 + WINDOW_MS + 1]
    asked = [AN_ANSWER._replace(occurred_at=time) for time in times]
    assert matches(asked, A_SALE) == ["none", "customer", "customer", "none"]
    assert matches(asked, REJECTED) == ["none"] * 4


def test_feedback_without_a_sale_links_to_the_latest_of_the_affiliate_it_names() -> None:
    other = A_SALE._replace(sale_id="s2", affiliate_id="a2", occurred_at=T0 + 1)
    direct = A_SALE._replace(sale_id="s3", affiliate_id=None, occurred_at=T0 + 2)
    future = A_SALE._replace(sale_id="s4", occurred_at=T0 + 2 * MINUTE)
    for affiliate_id, sale_id in [(None, "s3"), ("a1", "s1"), ("a2", "s2"), ("a3", "")]:
        got = of(A_SALE, other, direct, future, AN_ANSWER._replace(affiliate_id=affiliate_id))
        assert got.answers["f1"].sale_id == sale_id


@pytest.mark.parametrize(
    ("affiliates", "match", "sale_id"),
    [
        (["a1", "a1"], "customer", "s2"),
        (["a1", "a2"], "ambiguous", ""),
        (["a1", None], "ambiguous", ""),
        (["a1", "a2", "a1"], "ambiguous", ""),
        (["a1", "a2", "a2"], "ambiguous", ""),
        ([None, None, None], "customer", "s3"),
    ],
)
def test_sales_of_one_instant_are_ambiguous_unless_of_one_affiliate(
    affiliates: list[str | None], match: str, sale_id: str
) -> None:
    sales = [A_SALE._replace(sale_id=f"s{n}", affiliate_id=a) for n, a in enumerate(affiliates, start=1)]
    answer = of(*sales, AN_ANSWER).answers["f1"]
    assert (answer.match, answer.sale_id) == (match, sale_id)


def test_the_greatest_sale_id_is_by_code_point() -> None:
    sales = [A_SALE._replace(sale_id=sale_id) for sale_id in ("Z", "a", "\ufffd", "\U00010000")]
    assert of(*sales, AN_ANSWER).answers["f1"].sale_id == "\U00010000"  # in UTF-16 it would be U+FFFD


def test_an_earlier_sale_does_not_resolve_an_ambiguous_instant() -> None:
    tied = [A_SALE._replace(sale_id=s, affiliate_id=a, occurred_at=T0 + 1) for s, a in (("s2", "a1"), ("s3", "a2"))]
    assert matches([AN_ANSWER, AN_ANSWER._replace(affiliate_id="a2")], A_SALE, *tied) == ["ambiguous", "customer"]


def test_unlinked_answers_count_for_the_brand_alone_and_nowhere_else() -> None:
    findings = (Finding("DONE_RIGHT", "delivery"),)
    got = of(ABOUT_S1._replace(metric="NPS", score=10, findings=findings))
    assert measures(got) == {("", "", 0): {"unlinked_feedback": 1}}
    assert got.topics == {}
    assert (got.answers["f1"].affiliate_id, got.answers["f1"].sale_id) == ("", "")


@pytest.mark.parametrize(
    ("metric", "score", "counted"),
    [
        ("NPS", 0, {"detractors": 1}),
        ("NPS", 6, {"detractors": 1}),
        ("NPS", 7, {"passives": 1}),
        ("NPS", 8, {"passives": 1}),
        ("NPS", 9, {"promoters": 1}),
        ("NPS", 10, {"promoters": 1}),
        ("CSAT", 3, {"csat_answers": 1, "csat_score_sum": 3}),
        ("CSAT", 4, {"csat_answers": 1, "csat_score_sum": 4, "csat_satisfied": 1}),
        ("CSAT", 5, {"csat_answers": 1, "csat_score_sum": 5, "csat_satisfied": 1}),
        ("CES", 7, {"ces_answers": 1, "ces_score_sum": 7}),
        ("NPS", None, {}),
        (None, None, {}),
    ],
)
def test_a_score_counts_under_its_metric(metric: str | None, score: int | None, counted: dict[str, int]) -> None:
    answer = ABOUT_S1._replace(metric=metric, score=score, occurred_at=T0 + 5 * MINUTE)
    assert measures(of(A_SALE, answer))["a1", "EUR", 1] == {
        "feedback": 1,
        "feedback_delay_seconds_sum": 300,
        **counted,
    }


def test_an_answer_counts_each_verdict_and_each_topic_once() -> None:
    said = [("DONE_RIGHT", "price"), ("DONE_RIGHT", "delivery"), ("DONE_RIGHT", "price"), ("NOT_CONSIDERED", "price")]
    got = of(A_SALE, ABOUT_S1._replace(findings=tuple(Finding(*finding) for finding in said)))
    assert (total(got, "done_right"), total(got, "not_considered"), total(got, "missing_information")) == (1, 1, 0)
    assert got.topics == {
        ("b", "a1", "price", "DONE_RIGHT", PANE_S): [1, 0, 0, 0, 0, 0],
        ("b", "a1", "delivery", "DONE_RIGHT", PANE_S): [1, 0, 0, 0, 0, 0],
        ("b", "a1", "price", "NOT_CONSIDERED", PANE_S): [1, 0, 0, 0, 0, 0],
    }
    assert got.answers["f1"].findings == "DONE_RIGHT:delivery,DONE_RIGHT:price,NOT_CONSIDERED:price"


@pytest.mark.parametrize(("delay_ms", "seconds"), [(1999, 1), (999, 0), (-1, -1), (-1000, -1), (-1001, -2)])
def test_delays_are_rounded_down_also_below_zero(delay_ms: int, seconds: int) -> None:
    got = of(A_SALE, ABOUT_S1._replace(occurred_at=T0 + delay_ms))
    assert total(got, "feedback_delay_seconds_sum") == seconds
    assert got.journeys["s1"].feedback_delay_seconds == seconds


def test_a_sale_is_answered_once_at_sale_time_however_many_answers() -> None:
    late = T0 + 5 * MINUTE
    got = of(A_SALE, *(ABOUT_S1._replace(feedback_id=f, occurred_at=late) for f in ("f1", "f2")))
    assert measures(got)["a1", "EUR", 0]["answered_sales"] == 1
    assert measures(got)["a1", "EUR", 1]["feedback"] == 2


def test_an_edited_answer_replaces_and_a_withdrawn_one_leaves_nothing_but_its_invitation() -> None:
    answer = ABOUT_S1._replace(metric="NPS", score=10, findings=(Finding("DONE_RIGHT", "price"),))
    invited = INVITED._replace(occurred_at=T0 + 3)
    edited = of(A_SALE, answer, answer._replace(event_id="e2", revision=1, score=0))
    assert (total(edited, "detractors"), total(edited, "promoters"), total(edited, "feedback")) == (1, 0, 1)
    withdrawn = of(A_SALE, invited, answer, ABOUT_S1._replace(event_id="e0", revision=1, action="WITHDRAWN"))
    assert withdrawn.panes == of(A_SALE, invited).panes
    assert withdrawn.topics == {}
    assert withdrawn.answers["f1"] == of(A_SALE, invited).answers["f1"]._replace(status="withdrawn")
    assert withdrawn.answers["f1"].invited_at == T0 + 3
    assert withdrawn.answers["f1"].answered_at == 0
    again = of(A_SALE, answer, answer._replace(action="WITHDRAWN", revision=1), answer._replace(revision=2))
    assert total(again, "promoters") == 1


def test_a_withdrawn_answer_without_an_invitation_links_to_nothing() -> None:
    assert matches([ABOUT_S1._replace(action="WITHDRAWN")], A_SALE) == ["none"]


def test_an_invitation_counts_once_at_its_time_also_after_the_answer() -> None:
    again = INVITED._replace(event_id="i2", revision=1, occurred_at=T0 + 5 * MINUTE)
    answer = ABOUT_S1._replace(occurred_at=T0 + 10 * MINUTE)
    got = of(A_SALE, INVITED, answer, again)
    assert measures(got)["a1", "EUR", 1] == {"invitations": 1}
    assert total(got, "invitations") == 1
    assert (got.answers["f1"].status, got.answers["f1"].match) == ("answered", "sale")
    assert (got.answers["f1"].invited_at, got.answers["f1"].answered_at) == (T0 + 5 * MINUTE, T0 + 10 * MINUTE)


def test_invitations_with_any_other_match_count_nowhere() -> None:
    got = of(INVITED)
    assert got.panes == {}
    assert (got.answers["f1"].status, got.answers["f1"].match) == ("invited", "none")


def test_invitation_and_answer_link_each_by_what_they_say() -> None:
    other = A_SALE._replace(sale_id="s2", affiliate_id="a2")
    got = of(A_SALE, other, INVITED._replace(sale_id="s2"), ABOUT_S1)
    assert measures(got)["a2", "EUR", 0]["invitations"] == 1
    assert measures(got)["a1", "EUR", 0]["feedback"] == 1
    assert got.answers["f1"].affiliate_id == "a1"


def test_a_journey_tells_of_its_first_answer_and_its_last_score() -> None:
    answers = [
        ABOUT_S1._replace(feedback_id="f3", occurred_at=T0 + 2000, findings=(Finding("UNMET_EXPECTATION", "price"),)),
        ABOUT_S1._replace(feedback_id="f1", occurred_at=T0 + 1000, metric="CES", score=7),
        ABOUT_S1._replace(feedback_id="f2", occurred_at=T0 + 1000, metric="NPS", score=0),
        ABOUT_S1._replace(feedback_id="f0", occurred_at=T0 + 2000, findings=(Finding("DONE_RIGHT", "price"),) * 2),
    ]
    journey = of(A_SALE, *answers).journeys["s1"]
    assert (journey.answers, journey.feedback_delay_seconds) == (4, 1)
    assert (journey.last_metric, journey.last_score) == ("NPS", 0)
    assert journey.verdicts == "DONE_RIGHT,UNMET_EXPECTATION"
