"""What customers add to every published number, and the rows of their sales and feedbacks.

Owns what changes when a customer does. Never remembers anything: the effect of events is the change from the cases
before them to those after. Invariant: rows of journeys, reversals and answers never go away again, since events only ever
add sales, refunds and feedbacks.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, final

from schemas.measures import VERDICTS
from streams.domain.cases import Cases, FeedbackCase, SaleCase, cases
from streams.domain.counting import Sums, delay_seconds, score_of
from streams.domain.panes import PaneKey, TopicKey
from streams.domain.rules import Rules
from streams.domain.state import (
    CHARGEBACK,
    METRICS,
    NO_SCORE,
    OFFERINGS,
    REVERSAL_KINDS,
    UNDONE,
    AnswerHead,
    Customer,
    ReversalHead,
    SaleHead,
)

_NPS: Final = METRICS.index("NPS")
_CSAT: Final = METRICS.index("CSAT")
_CES: Final = METRICS.index("CES")
_NEVER: Final[tuple[int | None, int | None, int | None]] = (None, None, None)


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
    subscription_id: str
    is_renewal: int
    refunds: int
    chargebacks: int
    commission_reversed: int
    mismatched_amounts: int
    last_nps: int | None  # of the last answer that has one
    last_csat: int | None
    last_ces: int | None


class GivenBack(NamedTuple):
    """One refund or chargeback: a row of the view reversal. Money in ten-thousandths, times in epoch ms.

    Affiliate and campaign are those of its sale, under which it counts; '' without one. Money is as it was told, in its own
    currency.
    """

    brand_id: str
    sale_id: str
    reversal_id: str
    customer_id: str
    kind: str  # REFUND, CHARGEBACK, UNDONE
    status: str  # counted, mismatched (in another currency than its sale), undone, rejected (its sale is), without_sale
    affiliate_id: str  # '' for a direct sale, too
    campaign: str
    amount: int
    commission: int
    currency: str
    occurred_at: int


class Answer(NamedTuple):
    """One feedback and where it went. What was said is there only while the status is answered."""

    brand_id: str
    feedback_id: str
    customer_id: str
    status: str  # answered, withdrawn, invited
    match: str  # of the answer; of the invitation when there is no answer; none when there is neither
    sale_id: str  # the linked sale, '' for none
    invited_sale_id: str  # that of the invitation: it is linked apart from the answer
    affiliate_id: str  # credited, '' for a direct sale or none
    metric: str
    score: int | None
    findings: str  # verdict:topic, sorted, comma-separated, distinct
    invited_at: int  # 0 for never
    answered_at: int  # 0 for not (any more)
    nps: int | None  # whether as the answer's own score or as a further one
    csat: int | None
    ces: int | None
    has_comment: int


# Of a Journey, a GivenBack or an Answer. What is made of every event and only packed is not given names on the way: they cost.
Values = tuple[object, ...]
CaseRows = tuple[list[Values], list[Values], list[Values]]  # Journeys, GivenBacks, Answers


@final
class Changes:
    """What the changes of any number of customers do: sums to add, and the rows of all whose case changed."""

    __slots__ = ("rows", "sums")

    def __init__(self, pane_s: int) -> None:
        self.sums = Sums(pane_s)
        self.rows: CaseRows = ([], [], [])

    def add(self, before: Cases, after: Cases) -> None:
        """One customer's change. Costs little for what stayed as it was."""
        brand_id, customer_id = after.brand_id, after.customer_id
        journeys, returned, answers = self.rows
        for sale_id, sale in after.sales.items():
            sale_before = before.sales.get(sale_id)
            if sale_before == sale:
                continue
            if sale_before is not None:
                self.sums.add_sale(brand_id, customer_id, sale_before, -1)
            self.sums.add_sale(brand_id, customer_id, sale, 1)
            journeys.append(journey(brand_id, customer_id, sale_id, sale))
            if sale[1] and (sale_before is None or sale_before[1] != sale[1] or sale_before[0] != sale[0]):
                _give_back(returned, after, sale_id, sale[0], sale[1])
        if before.without_sale or after.without_sale:
            self._add_without_sale(before, after)
        for feedback_id, feedback in after.feedbacks.items():
            feedback_before = before.feedbacks.get(feedback_id)
            if feedback_before == feedback:
                continue
            if feedback_before is not None:
                self.sums.add_feedback(brand_id, feedback_before, -1)
            self.sums.add_feedback(brand_id, feedback, 1)
            answers.append(answer(brand_id, customer_id, feedback_id, feedback))

    def _add_without_sale(self, before: Cases, after: Cases) -> None:
        for sale_id, case in before.without_sale.items():
            if after.without_sale.get(sale_id) != case:  # another one, or the sale has come
                self.sums.add_without_sale(before.brand_id, case, -1)
        for sale_id, case in after.without_sale.items():
            if before.without_sale.get(sale_id) != case:
                self.sums.add_without_sale(after.brand_id, case, 1)
                _give_back(self.rows[1], after, sale_id, None, case[1])


class Contributions(NamedTuple):
    """All that one customer adds, or all that changed. Lists are in the order of MEASURES and TOPIC_MEASURES.

    For tests and the bench: units add up Changes instead.
    """

    panes: dict[PaneKey, list[int]]
    topics: dict[TopicKey, list[int]]
    journeys: dict[str, Journey]  # by sale_id
    given_back: dict[tuple[str, str], GivenBack]  # by sale_id and reversal_id
    answers: dict[str, Answer]  # by feedback_id


def contributions(customer: Customer, rules: Rules) -> Contributions:
    """What the customer adds to panes and topics, and their rows: the reference that tests hold units against.

    Takes n log n steps for n events.
    """
    return difference(Cases(customer.brand_id, customer.customer_id), cases(customer, rules), rules)


def difference(before: Cases, after: Cases, rules: Rules) -> Contributions:
    """What to add to panes and topics (never zero), and the rows of all whose case changed, of one customer.

    For tests and the bench.
    """
    changes = Changes(rules.pane_s)
    changes.add(before, after)
    journeys, returned, answers = changes.rows
    return Contributions(
        {key: measures for key, measures in changes.sums.panes.items() if any(measures)},
        {key: measures for key, measures in changes.sums.topics.items() if any(measures)},
        {row.sale_id: row for row in map(Journey._make, journeys)},
        {(row.sale_id, row.reversal_id): row for row in map(GivenBack._make, returned)},
        {row.feedback_id: row for row in map(Answer._make, answers)},
    )


def rows_of(owned: Cases) -> CaseRows:
    """All rows of a customer."""
    returned: list[Values] = []
    for sale_id, sale in owned.sales.items():
        _give_back(returned, owned, sale_id, sale[0], sale[1])
    for sale_id, orphan in owned.without_sale.items():
        _give_back(returned, owned, sale_id, None, orphan[1])
    return (
        [journey(owned.brand_id, owned.customer_id, sale_id, sale) for sale_id, sale in owned.sales.items()],
        returned,
        [answer(owned.brand_id, owned.customer_id, *feedback) for feedback in owned.feedbacks.items()],
    )


def journey(brand_id: str, customer_id: str, sale_id: str, case: SaleCase) -> Values:
    """A Journey: the row of a sale. Nothing is linked to a rejected sale, nor given back."""
    head, reversals, is_first, is_renewal, is_mismatched, answers = case
    refunds = refunded = chargebacks = charged_back = commission_reversed = mismatched = 0
    if not head.rejected:
        mismatched = int(is_mismatched)
        for reversal in reversals:
            if reversal.kind == UNDONE:
                continue
            is_chargeback = reversal.kind == CHARGEBACK
            amount = reversal.amount
            if reversal.currency == head.currency:
                commission_reversed += reversal.commission
            else:
                mismatched += 1
                amount = 0
            if is_chargeback:
                chargebacks += 1
                charged_back += amount
            else:
                refunds += 1
                refunded += amount
    last_metric, last_score, verdicts = "", None, ""
    last_nps: int | None = None
    last_csat: int | None = None
    last_ces: int | None = None
    delay: int | None = None
    if answers:
        delay = delay_seconds(head, answers[0][2])
        for _, _, answer in answers:
            if answer.score != NO_SCORE:
                last_metric, last_score = METRICS[answer.metric], answer.score
            elif answer.scores:
                last_metric, last_score = METRICS[answer.scores[0][0]], answer.scores[0][1]
            nps, csat, ces = _by_metric(answer)
            last_nps = last_nps if nps is None else nps
            last_csat = last_csat if csat is None else csat
            last_ces = last_ces if ces is None else ces
        verdicts = _joined({VERDICTS[verdict] for _, _, linked in answers for verdict, _ in linked.findings})
    return (
        brand_id, sale_id, customer_id, head.affiliate_id, head.product_id, OFFERINGS[head.offering], head.campaign,
        "rejected" if head.rejected else "valid", head.amount, head.commission, head.currency, head.occurred_at,
        int(is_first), head.referred_by, refunded, charged_back, len(answers), last_metric, last_score, verdicts, delay,
        head.subscription_id, int(is_renewal), refunds, chargebacks, commission_reversed, mismatched, last_nps,
        last_csat, last_ces,
    )  # fmt: skip


def _by_metric(answer: AnswerHead) -> tuple[int | None, int | None, int | None]:
    """An answer's NPS, CSAT and CES."""
    if answer.scores:
        return _known(score_of(answer, _NPS)), _known(score_of(answer, _CSAT)), _known(score_of(answer, _CES))
    if answer.score == NO_SCORE:
        return _NEVER
    if answer.metric == _NPS:
        return answer.score, None, None
    return (None, answer.score, None) if answer.metric == _CSAT else (None, None, answer.score)


def given_back(brand_id: str, customer_id: str, sale_id: str, head: SaleHead | None, reversal: ReversalHead) -> Values:
    """A GivenBack: the row of a reversal, of a sale with this head or of none."""
    if reversal.kind == UNDONE:
        status = "undone"
    elif head is None:
        status = "without_sale"
    elif head.rejected:
        status = "rejected"
    else:
        status = "counted" if reversal.currency == head.currency else "mismatched"
    return (
        brand_id, sale_id, reversal.reversal_id, customer_id, REVERSAL_KINDS[reversal.kind], status,
        head.affiliate_id if head is not None else "", head.campaign if head is not None else "", reversal.amount,
        reversal.commission, reversal.currency, reversal.occurred_at,
    )  # fmt: skip


def _give_back(
    into: list[Values], owned: Cases, sale_id: str, head: SaleHead | None, reversals: tuple[ReversalHead, ...]
) -> None:
    for reversal in reversals:
        into.append(given_back(owned.brand_id, owned.customer_id, sale_id, head, reversal))


def answer(brand_id: str, customer_id: str, feedback_id: str, case: FeedbackCase) -> Values:
    """An Answer: the row of a feedback. A withdrawn answer needs no care: its state holds nothing of what was said."""
    invitation, given, (match, sale_id), invited_under, answered_under, invited_sale_id = case
    if given is None:
        head, status, metric, score, findings, answered_at = invited_under, "invited", "", None, "", 0
        scores, has_comment = _NEVER, 0
    elif given.withdrawn:
        head, status, metric, score, findings, answered_at = invited_under, "withdrawn", "", None, "", given.occurred_at
        scores, has_comment = _NEVER, 0
    else:
        head, status, metric, answered_at = answered_under, "answered", METRICS[given.metric], given.occurred_at
        score = _known(given.score)
        scores = _by_metric(given)
        has_comment = int(given.comment_digest != b"")
        findings = _joined(f"{VERDICTS[verdict]}:{topic}" for verdict, topic in given.findings)
    return (
        brand_id, feedback_id, customer_id, status, match, sale_id or "", invited_sale_id,
        head.affiliate_id if head else "", metric, score, findings, invitation.occurred_at if invitation else 0,
        answered_at, scores[0], scores[1], scores[2], has_comment,
    )  # fmt: skip


def _known(score: int) -> int | None:
    return None if score == NO_SCORE else score


def _joined(words: Iterable[str]) -> str:
    return ",".join(sorted(words))
