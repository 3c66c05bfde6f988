"""What one customer adds to every published number.

Owns the meaning of the numbers (docs/concepts.md tells it in prose). Never remembers anything: contributions() is a
pure function of a state, and the effect of events is the difference() between the contributions before and after them.
Invariant: rows of journeys and answers never go away again, since events only ever add sales and feedbacks.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from schemas.measures import MEASURES, VERDICTS
from streams.domain import panes as at
from streams.domain.linking import Link, Linker
from streams.domain.panes import PaneKey, Panes, TopicKey
from streams.domain.rules import Rules
from streams.domain.state import METRICS, NO_SCORE, OFFERINGS, AnswerHead, Customer, FeedbackState, Reversal, SaleHead

_NPS: Final = METRICS.index("NPS")
_CSAT: Final = METRICS.index("CSAT")


class Journey(NamedTuple):
    """One sale and what became of it: a row of the view journey. Money in ten-thousandths, times in epoch ms."""

    brand_id: str
    sale_id: str
    customer_id: str
    affiliate_id: str  # '' for a direct sale
    product_id: str
    offering: str
    campaign: str
    status: str  # valid, rejected
    amount: int
    commission: int
    currency: str
    occurred_at: int
    is_new_customer: int
    referred_by: str
    refunded: int
    charged_back: int
    answers: int
    last_metric: str
    last_score: int | None
    verdicts: str  # sorted, comma-separated
    feedback_delay_seconds: int | None  # of the first answer


class Answer(NamedTuple):
    """One feedback and where it went. What was said is there only while the status is answered."""

    brand_id: str
    feedback_id: str
    customer_id: str
    status: str  # answered, withdrawn, invited
    match: str  # of the answer; of the invitation when there is no answer; none when there is neither
    sale_id: str  # the linked sale, '' for none
    affiliate_id: str  # credited, '' for a direct sale or none
    metric: str
    score: int | None
    findings: str  # verdict:topic, sorted, comma-separated, distinct
    invited_at: int  # 0 for never
    answered_at: int  # 0 for not (any more)


class Contributions(NamedTuple):
    """All that one customer adds, or all that changed. A pane's list is in the order of MEASURES."""

    panes: dict[PaneKey, list[int]]
    topics: dict[TopicKey, int]
    journeys: dict[str, Journey]  # by sale_id
    answers: dict[str, Answer]  # by feedback_id


_LinkedAnswer = tuple[int, str, AnswerHead]  # occurred_at, feedback_id: the order of first and last


def contributions(customer: Customer, rules: Rules) -> Contributions:
    """What the customer adds to panes and topics, and their rows. Takes n log n steps for n events."""
    panes = Panes(customer.brand_id, rules.pane_s)
    out = Contributions(panes.by_key, {}, {}, {})
    linked = _add_feedbacks(out, panes, customer, rules)
    first_sale_id = _first_sale_id(customer)
    for sale_id, sale in customer.sales.items():
        if sale.head is None:
            continue
        is_new = sale_id == first_sale_id
        answers = sorted(linked.get(sale_id, ()))
        if not sale.head.rejected:
            _add_sale(panes, sale.head, sale.reversals.values(), is_new)
            if answers:
                panes.at(sale.head.affiliate_id, sale.head.currency, sale.head.occurred_at)[at.ANSWERED_SALES] += 1
        out.journeys[sale_id] = _journey(customer, sale_id, is_new, answers)
    return out


def difference(before: Contributions, after: Contributions) -> Contributions:
    """What to add to panes and topics (never zero), and the rows that are new or changed, with their new values."""
    zeros = [0] * len(MEASURES)
    panes = {}
    for pane_key in before.panes.keys() | after.panes.keys():
        old, new = before.panes.get(pane_key, zeros), after.panes.get(pane_key, zeros)
        if old != new:
            panes[pane_key] = [b - a for a, b in zip(old, new, strict=True)]
    topics = {}
    for topic_key in before.topics.keys() | after.topics.keys():
        delta = after.topics.get(topic_key, 0) - before.topics.get(topic_key, 0)
        if delta:
            topics[topic_key] = delta
    return Contributions(
        panes,
        topics,
        {sale_id: row for sale_id, row in after.journeys.items() if before.journeys.get(sale_id) != row},
        {feedback_id: row for feedback_id, row in after.answers.items() if before.answers.get(feedback_id) != row},
    )


def _first_sale_id(customer: Customer) -> str | None:
    """The first valid sale by (occurred_at, sale_id), None while there is none."""
    valid = (
        (sale.head.occurred_at, sale_id)
        for sale_id, sale in customer.sales.items()
        if sale.head is not None and not sale.head.rejected
    )
    return min(valid, default=(0, None))[1]


def _add_sale(panes: Panes, head: SaleHead, reversals: Collection[Reversal], is_new: bool) -> None:
    """Counts a valid sale at its time, and each of its refunds and chargebacks at theirs."""
    pane = panes.at(head.affiliate_id, head.currency, head.occurred_at)
    pane[at.SALES] += 1
    pane[at.GROSS] += head.amount
    pane[at.COMMISSION] += head.commission
    pane[at.NEW_CUSTOMERS if is_new else at.REPEAT_SALES] += 1
    if head.referred_by:
        pane[at.REFERRED_SALES] += 1
        pane[at.REFERRED_GROSS] += head.amount
    if reversals:
        pane[at.REFUNDED_SALES] += 1
    for reversal in reversals:
        pane = panes.at(head.affiliate_id, head.currency, reversal.occurred_at)
        pane[at.CHARGEBACKS if reversal.charged_back else at.REFUNDS] += 1
        pane[at.CHARGED_BACK if reversal.charged_back else at.REFUNDED] += reversal.amount
        pane[at.COMMISSION_REVERSED] += reversal.commission


def _add_feedbacks(
    out: Contributions, panes: Panes, customer: Customer, rules: Rules
) -> dict[str, list[_LinkedAnswer]]:
    """Counts every invitation and answer and writes their rows. Returns the linked answers by sale_id."""
    linker = Linker(customer.sales, rules.attribution_window_ms)
    linked: dict[str, list[_LinkedAnswer]] = {}
    for feedback_id, feedback in customer.feedbacks.items():
        invitation, answer = feedback.invitation, feedback.answer
        link: Link = ("none", None)
        if invitation is not None:
            link = linker.link(invitation.sale_id, invitation.affiliate_id, invitation.occurred_at)
            if (head := _linked_head(customer, link)) is not None:
                panes.at(head.affiliate_id, head.currency, invitation.occurred_at)[at.INVITATIONS] += 1
        if answer is not None and not answer.withdrawn:
            link = linker.link(answer.sale_id, answer.affiliate_id, answer.occurred_at)
            if (head := _linked_head(customer, link)) is not None:
                _add_answer(out, panes, head, answer)
                linked.setdefault(link[1] or "", []).append((answer.occurred_at, feedback_id, answer))
            else:
                panes.at("", "", answer.occurred_at)[at.UNLINKED_FEEDBACK] += 1
        out.answers[feedback_id] = _answer_row(customer, feedback_id, feedback, link)
    return linked


def _linked_head(customer: Customer, link: Link) -> SaleHead | None:
    return None if link[1] is None else customer.sales[link[1]].head


def _add_answer(out: Contributions, panes: Panes, head: SaleHead, answer: AnswerHead) -> None:
    """Counts an answer at its time, under the affiliate and currency of the sale that it is linked to."""
    pane = panes.at(head.affiliate_id, head.currency, answer.occurred_at)
    pane[at.FEEDBACK] += 1
    pane[at.FEEDBACK_DELAY_SECONDS_SUM] += _delay_seconds(head, answer)
    if answer.score != NO_SCORE:
        _add_score(pane, answer.metric, answer.score)
    for verdict in {verdict for verdict, _ in answer.findings}:
        pane[at.VERDICT_MEASURES[verdict]] += 1
    for verdict, topic in answer.findings:
        key = panes.topic_key(head.affiliate_id, topic, VERDICTS[verdict], answer.occurred_at)
        out.topics[key] = out.topics.get(key, 0) + 1


def _add_score(pane: list[int], metric: int, score: int) -> None:
    if metric == _NPS:
        pane[at.PROMOTERS if score >= 9 else at.PASSIVES if score >= 7 else at.DETRACTORS] += 1
    elif metric == _CSAT:
        pane[at.CSAT_ANSWERS] += 1
        pane[at.CSAT_SATISFIED] += score >= 4
        pane[at.CSAT_SCORE_SUM] += score
    else:
        pane[at.CES_ANSWERS] += 1
        pane[at.CES_SCORE_SUM] += score


def _delay_seconds(head: SaleHead, answer: AnswerHead) -> int:
    return (answer.occurred_at - head.occurred_at) // 1000  # rounds down, below zero too


def _journey(customer: Customer, sale_id: str, is_new: bool, answers: list[_LinkedAnswer]) -> Journey:
    """The row of a sale that has a head; its linked answers come in order. Nothing is linked to a rejected sale."""
    sale = customer.sales[sale_id]
    head = sale.head
    assert head is not None
    given_back = [0, 0]  # refunded, charged back
    if not head.rejected:
        for reversal in sale.reversals.values():
            given_back[reversal.charged_back] += reversal.amount
    last = next((answer for _, _, answer in reversed(answers) if answer.score != NO_SCORE), None)
    return Journey(
        brand_id=customer.brand_id,
        sale_id=sale_id,
        customer_id=customer.customer_id,
        affiliate_id=head.affiliate_id,
        product_id=head.product_id,
        offering=OFFERINGS[head.offering],
        campaign=head.campaign,
        status="rejected" if head.rejected else "valid",
        amount=head.amount,
        commission=head.commission,
        currency=head.currency,
        occurred_at=head.occurred_at,
        is_new_customer=int(is_new),
        referred_by=head.referred_by,
        refunded=given_back[0],
        charged_back=given_back[1],
        answers=len(answers),
        last_metric=METRICS[last.metric] if last else "",
        last_score=last.score if last else None,
        verdicts=_joined({VERDICTS[verdict] for _, _, answer in answers for verdict, _ in answer.findings}),
        feedback_delay_seconds=_delay_seconds(head, answers[0][2]) if answers else None,
    )


def _answer_row(customer: Customer, feedback_id: str, feedback: FeedbackState, link: Link) -> Answer:
    """The row of a feedback. A withdrawn answer needs no care: its state holds nothing of what was said."""
    invitation, answer = feedback.invitation, feedback.answer
    match, sale_id = link
    head = _linked_head(customer, link)
    return Answer(
        brand_id=customer.brand_id,
        feedback_id=feedback_id,
        customer_id=customer.customer_id,
        status="invited" if answer is None else "withdrawn" if answer.withdrawn else "answered",
        match=match,
        sale_id=sale_id or "",
        affiliate_id=head.affiliate_id if head else "",
        metric=METRICS[answer.metric] if answer else "",
        score=answer.score if answer and answer.score != NO_SCORE else None,
        findings=_joined(f"{VERDICTS[verdict]}:{topic}" for verdict, topic in answer.findings) if answer else "",
        invited_at=invitation.occurred_at if invitation else 0,
        answered_at=answer.occurred_at if answer else 0,
    )


def _joined(words: Iterable[str]) -> str:
    return ",".join(sorted(words))
