"""What customers add to every published number, and the rows of their sales and feedbacks.

Owns what changes when a customer does. Never remembers anything: the effect of events is the change from the cases
before them to those after. Invariant: rows of journeys, reversals and answers never go away again, since events only ever
add sales, refunds and feedbacks.
"""

from collections.abc import Iterable
from typing import NamedTuple, final

from schemas.measures import VERDICTS
from streams.domain.cases import Cases, FeedbackCase, SaleCase, cases
from streams.domain.counting import Sums, delay_seconds
from streams.domain.panes import PaneKey, TopicKey
from streams.domain.rules import Rules
from streams.domain.state import METRICS, NO_SCORE, OFFERINGS, Customer, Reversal, SaleHead


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


class GivenBack(NamedTuple):
    """One refund or chargeback: a row of the view reversal. Money in ten-thousandths, times in epoch ms.

    Affiliate, campaign and currency are those of its sale, under which it counts; all '' without one.
    """

    brand_id: str
    sale_id: str
    reversal_id: str
    customer_id: str
    kind: str  # REFUND, CHARGEBACK
    status: str  # counted, rejected (its sale is), without_sale
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
        brand_id = after.brand_id
        journeys, returned, answers = self.rows
        for sale_id, sale in after.sales.items():
            sale_before = before.sales.get(sale_id)
            if sale_before == sale:
                continue
            if sale_before is not None:
                self.sums.add_sale(brand_id, sale_before, -1)
            self.sums.add_sale(brand_id, sale, 1)
            journeys.append(journey(brand_id, after.customer_id, sale_id, sale))
            if sale[1] and (sale_before is None or sale_before[1] != sale[1] or sale_before[0] != sale[0]):
                _give_back(returned, after, sale_id, sale[0], sale[1])
        for sale_id, reversals in after.without_sale.items():
            if before.without_sale.get(sale_id) != reversals:
                _give_back(returned, after, sale_id, None, reversals)
        for feedback_id, feedback in after.feedbacks.items():
            feedback_before = before.feedbacks.get(feedback_id)
            if feedback_before == feedback:
                continue
            if feedback_before is not None:
                self.sums.add_feedback(brand_id, feedback_before, -1)
            self.sums.add_feedback(brand_id, feedback, 1)
            answers.append(answer(brand_id, after.customer_id, feedback_id, feedback))


class Contributions(NamedTuple):
    """All that one customer adds, or all that changed. A pane's list is in the order of MEASURES.

    For tests and the bench: units add up Changes instead.
    """

    panes: dict[PaneKey, list[int]]
    topics: dict[TopicKey, int]
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
        {key: answers for key, answers in changes.sums.topics.items() if answers},
        {row.sale_id: row for row in map(Journey._make, journeys)},
        {(row.sale_id, row.reversal_id): row for row in map(GivenBack._make, returned)},
        {row.feedback_id: row for row in map(Answer._make, answers)},
    )


def rows_of(owned: Cases) -> CaseRows:
    """All rows of a customer."""
    returned: list[Values] = []
    for sale_id, (head, reversals, _, _) in owned.sales.items():
        _give_back(returned, owned, sale_id, head, reversals)
    for sale_id, reversals in owned.without_sale.items():
        _give_back(returned, owned, sale_id, None, reversals)
    return (
        [journey(owned.brand_id, owned.customer_id, sale_id, sale) for sale_id, sale in owned.sales.items()],
        returned,
        [answer(owned.brand_id, owned.customer_id, *feedback) for feedback in owned.feedbacks.items()],
    )


def journey(brand_id: str, customer_id: str, sale_id: str, case: SaleCase) -> Values:
    """A Journey: the row of a sale. Nothing is linked to a rejected sale, nor given back."""
    head, reversals, is_first, answers = case
    refunded = charged_back = 0
    if not head.rejected:
        for reversal in reversals:
            if reversal.charged_back:
                charged_back += reversal.amount
            else:
                refunded += reversal.amount
    last_metric, last_score, verdicts = "", None, ""
    delay: int | None = None
    if answers:
        delay = delay_seconds(head, answers[0][2])
        for _, _, scored in answers:
            if scored.score != NO_SCORE:
                last_metric, last_score = METRICS[scored.metric], scored.score
        verdicts = _joined({VERDICTS[verdict] for _, _, linked in answers for verdict, _ in linked.findings})
    return (
        brand_id, sale_id, customer_id, head.affiliate_id, head.product_id, OFFERINGS[head.offering], head.campaign,
        "rejected" if head.rejected else "valid", head.amount, head.commission, head.currency, head.occurred_at,
        int(is_first), head.referred_by, refunded, charged_back, len(answers), last_metric, last_score, verdicts, delay,
    )  # fmt: skip


def given_back(brand_id: str, customer_id: str, sale_id: str, head: SaleHead | None, reversal: Reversal) -> Values:
    """A GivenBack: the row of a refund or chargeback, of a sale with this head or of none."""
    if head is None:
        status, affiliate_id, campaign, currency = "without_sale", "", "", ""
    else:
        status = "rejected" if head.rejected else "counted"
        affiliate_id, campaign, currency = head.affiliate_id, head.campaign, head.currency
    return (
        brand_id, sale_id, reversal.event_id, customer_id, "CHARGEBACK" if reversal.charged_back else "REFUND", status,
        affiliate_id, campaign, reversal.amount, reversal.commission, currency, reversal.occurred_at,
    )  # fmt: skip


def _give_back(
    into: list[Values], owned: Cases, sale_id: str, head: SaleHead | None, reversals: tuple[Reversal, ...]
) -> None:
    for reversal in reversals:
        into.append(given_back(owned.brand_id, owned.customer_id, sale_id, head, reversal))


def answer(brand_id: str, customer_id: str, feedback_id: str, case: FeedbackCase) -> Values:
    """An Answer: the row of a feedback. A withdrawn answer needs no care: its state holds nothing of what was said."""
    invitation, given, (match, sale_id), invited_under, answered_under, invited_sale_id = case
    if given is None:
        head, status, metric, score, findings, answered_at = invited_under, "invited", "", None, "", 0
    elif given.withdrawn:
        head, status, metric, score, findings, answered_at = invited_under, "withdrawn", "", None, "", given.occurred_at
    else:
        head, status, metric, answered_at = answered_under, "answered", METRICS[given.metric], given.occurred_at
        score = given.score if given.score != NO_SCORE else None
        findings = _joined(f"{VERDICTS[verdict]}:{topic}" for verdict, topic in given.findings)
    return (
        brand_id, feedback_id, customer_id, status, match, sale_id or "", invited_sale_id,
        head.affiliate_id if head else "", metric, score, findings, invitation.occurred_at if invitation else 0,
        answered_at,
    )  # fmt: skip


def _joined(words: Iterable[str]) -> str:
    return ",".join(sorted(words))
