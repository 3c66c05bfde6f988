"""What one customer's events amount to, computed a second time: obviously, from the contract's text alone.

Shares nothing with what the workers run but the events and the names of the measures: lists, plain loops, `max`. Takes events
in any order, duplicates allowed. Where the contract leaves a publisher's error open (one event_id, two contents), it takes the
greater content: fields in the order of the schema, enums in the schema's order, absent values least.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from schemas.events import Attribution, Event, Feedback, Reversal, Sale, customer_of
from schemas.measures import TOPIC_MEASURES
from streams.recount.orders import answer_order, attribution_order, invitation_order, reversal_order, sale_order
from streams.recount.rows import Row, bucket, heard, reversal_row, said, scores_of, sold

PaneKey = tuple[str, str, str, int]  # brand, affiliate, currency, pane start in epoch seconds
TopicKey = tuple[str, str, str, str, int]  # brand, affiliate, topic, verdict, pane start in epoch seconds


class Rules(Protocol):
    """What of the rules decides numbers."""

    @property
    def pane_s(self) -> int:
        """Width of a pane in seconds."""

    @property
    def attribution_window_ms(self) -> int:
        """How long after a sale feedback without sale_id may link to it."""


class PlainRules(NamedTuple):
    """The rules as they are handed from process to process."""

    pane_s: int
    attribution_window_ms: int


@dataclass(slots=True)
class Numbers:
    """What any number of customers add to panes and topics, and their rows. Money in ten-thousandths, times in epoch ms."""

    panes: dict[PaneKey, dict[str, int]] = field(default_factory=dict)  # what is absent is zero
    topics: dict[TopicKey, dict[str, int]] = field(default_factory=dict)  # likewise
    journeys: dict[tuple[str, str, str], Row] = field(default_factory=dict)  # by brand, customer and sale
    reversals: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)  # by these and its own id
    answers: dict[tuple[str, str, str], Row] = field(default_factory=dict)  # by brand, customer and feedback
    # The texts that may count, with their languages, by brand, customer and feedback: one, but for a publisher's error.
    comments: dict[tuple[str, str, str], set[tuple[str, str]]] = field(default_factory=dict)

    def add(self, pane: PaneKey, **measures: int) -> None:
        """Adds to a pane."""
        _add(self.panes.setdefault(pane, {}), measures)

    def add_topic(self, pane: TopicKey, **measures: int) -> None:
        """Adds to a pane of a topic."""
        _add(self.topics.setdefault(pane, {}), measures)


def _add(into: dict[str, int], measures: dict[str, int]) -> None:
    for name, value in measures.items():
        into[name] = into.get(name, 0) + value


def recount(events: Iterable[Event], rules: Rules) -> Numbers:
    """The numbers of these events, of any number of customers."""
    numbers = Numbers()
    customers: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        customers.setdefault(customer_of(event), []).append(event)
    for own in customers.values():
        _Counted(numbers, rules, _Known(own)).count()
    return numbers


class _Known:
    """One customer's events, sorted out: which of each slot counts, who sold what, which sale was the first or renews."""

    def __init__(self, events: list[Event]) -> None:
        self.brand_id, self.customer_id = customer_of(events[0])
        self.feedbacks: dict[str, list[Feedback]] = {}
        placed_or_rejected: dict[str, list[Sale]] = {}
        attributions: dict[str, list[Attribution]] = {}
        reversals: dict[tuple[str, str], list[Reversal]] = {}
        for event in events:
            if isinstance(event, Feedback):
                self.feedbacks.setdefault(event.feedback_id, []).append(event)
            elif isinstance(event, Attribution):
                attributions.setdefault(event.sale_id, []).append(event)
            elif isinstance(event, Sale) and event.action in ("PLACED", "REJECTED"):
                placed_or_rejected.setdefault(event.sale_id, []).append(event)
            else:
                reversal = event if isinstance(event, Reversal) else _as_reversal(event)
                reversals.setdefault((event.sale_id, reversal.reversal_id), []).append(reversal)
        self.attributions = {sale_id: max(found, key=attribution_order) for sale_id, found in attributions.items()}
        # The latest PLACED or REJECTED of each sale that has one, as it is attributed.
        self.sales: dict[str, Sale] = {}
        self.mismatched: set[str] = set()  # sales whose attribution's commission is in another currency
        for sale_id, found in placed_or_rejected.items():
            sale = max(found, key=sale_order)
            attribution = self.attributions.get(sale_id)
            if attribution is not None and attribution.commission and attribution.currency != sale.currency:
                self.mismatched.add(sale_id)
                attribution = attribution._replace(commission=None, currency=None)
            self.sales[sale_id] = sale if attribution is None else _attributed(sale, attribution)
        self.valid = [sale for sale in self.sales.values() if sale.action == "PLACED"]
        self.first = min(self.valid, key=_when, default=None)
        self.reversals: dict[str, list[Reversal]] = {}
        for (sale_id, _), told in reversals.items():
            self.reversals.setdefault(sale_id, []).append(max(told, key=reversal_order))

    def is_renewal(self, sale: Sale) -> bool:
        """Whether the customer has an earlier valid sale of its subscription."""
        if sale.action != "PLACED" or sale.subscription_id is None:
            return False
        return sale is not min((s for s in self.valid if s.subscription_id == sale.subscription_id), key=_when)

    def link(self, feedback: Feedback, window_ms: int) -> tuple[str, Sale | None]:
        """How the feedback matches, and the sale that it is about."""
        if feedback.sale_id is not None:
            named = self.sales.get(feedback.sale_id)
            if named is None:
                return "none", None
            return ("sale", named) if named.action == "PLACED" else ("quarantined", None)
        candidates = [
            sale
            for sale in self.valid
            if 0 <= feedback.occurred_at - sale.occurred_at <= window_ms
            and (feedback.affiliate_id is None or feedback.affiliate_id == sale.affiliate_id)
            and (feedback.product_id is None or feedback.product_id in (sale.product_id, *sale.other_product_ids))
        ]
        if not candidates:
            return "none", None
        instant = max(sale.occurred_at for sale in candidates)
        latest = [sale for sale in candidates if sale.occurred_at == instant]
        if len({sale.affiliate_id for sale in latest}) > 1:
            return "ambiguous", None
        return "customer", max(latest, key=lambda sale: sale.sale_id)


class _Counted:
    """What one customer adds."""

    def __init__(self, numbers: Numbers, rules: Rules, known: _Known) -> None:
        self.numbers, self.rules, self.known = numbers, rules, known
        self.brand_id, self.customer_id = known.brand_id, known.customer_id
        self.linked: dict[str, list[Feedback]] = {}  # answers by the sale that they are about

    def count(self) -> None:
        """Everything that these events amount to."""
        known = self.known
        for feedback_id, events in known.feedbacks.items():
            self.count_feedback(feedback_id, events)
        for sale in known.sales.values():
            self.count_sale(sale)
        for sale_id in (known.attributions.keys() | known.reversals.keys()) - known.sales.keys():
            if sale_id in known.attributions:
                self.numbers.add(self.brands(known.attributions[sale_id].occurred_at), without_sale=1)
            for reversal in known.reversals.get(sale_id, []):
                if reversal.kind != "UNDONE":
                    self.numbers.add(self.brands(reversal.occurred_at), without_sale=1)
        for sale_id, reversals in known.reversals.items():
            for reversal in reversals:
                key = (self.brand_id, self.customer_id, sale_id, reversal.reversal_id)
                self.numbers.reversals[key] = reversal_row(reversal, known.sales.get(sale_id))

    def count_feedback(self, feedback_id: str, events: list[Feedback]) -> None:
        """An invitation, an answer, or both."""
        invitation = max((f for f in events if f.action == "INVITED"), key=invitation_order, default=None)
        spoken = [f for f in events if f.action != "INVITED"]
        last = max(spoken, key=answer_order, default=None)
        answer = last if last is not None and last.action == "ANSWERED" else None
        match, sale, invited_to = "none", None, ""
        if invitation is not None:
            match, sale = self.known.link(invitation, self.rules.attribution_window_ms)
            if sale is not None:
                invited_to = sale.sale_id
                self.numbers.add(self.pane(sale, invitation.occurred_at), invitations=1)
        if answer is not None:
            match, sale = self.known.link(answer, self.rules.attribution_window_ms)
            if sale is not None:
                self.linked.setdefault(sale.sale_id, []).append(answer)
                self.count_answer(answer, sale)
            else:
                self.numbers.add(self.brands(answer.occurred_at), unlinked_feedback=1)
        key = (self.brand_id, self.customer_id, feedback_id)
        self.numbers.answers[key] = {
            "brand_id": self.brand_id,
            "feedback_id": feedback_id,
            "customer_id": self.customer_id,
            "status": "answered" if answer else "withdrawn" if last else "invited",
            "match": match,
            "sale_id": sale.sale_id if sale else "",
            "invited_sale_id": invited_to,
            "affiliate_id": (sale.affiliate_id or "") if sale else "",
            "invited_at": invitation.occurred_at if invitation else 0,
            **said(answer),
        }
        if last is not None:
            equal = [f for f in spoken if answer_order(f) == answer_order(last)]
            self.numbers.comments[key] = {_comment(f) for f in equal}

    def count_answer(self, answer: Feedback, sale: Sale) -> None:
        """A linked answer."""
        pane = self.pane(sale, answer.occurred_at)
        self.numbers.add(pane, feedback=1, feedback_delay_seconds_sum=(answer.occurred_at - sale.occurred_at) // 1000)
        measured = [_score_measures(metric, score) for metric, score in scores_of(answer).items()]
        verdicts = {finding.verdict.lower() for finding in answer.findings}
        self.numbers.add(pane, **dict.fromkeys(verdicts, 1), with_findings=1 if verdicts else 0)
        self.numbers.add(pane, comments=1 if answer.comment is not None and not verdicts else 0)
        for measures in measured:
            self.numbers.add(pane, **measures)
        for finding in set(answer.findings):
            topic = (self.brand_id, sale.affiliate_id or "", finding.topic, finding.verdict, pane[3])
            self.numbers.add_topic(topic, answers=1)
            for measures in measured:
                self.numbers.add_topic(topic, **{name: n for name, n in measures.items() if name in TOPIC_MEASURES})

    def count_sale(self, sale: Sale) -> None:
        """A sale, valid or rejected, and its row."""
        is_valid, is_first = sale.action == "PLACED", sale is self.known.first
        reversals = [r for r in self.known.reversals.get(sale.sale_id, []) if is_valid and r.kind != "UNDONE"]
        is_mismatched = is_valid and sale.sale_id in self.known.mismatched
        answers = sorted(self.linked.get(sale.sale_id, []), key=lambda f: (f.occurred_at, f.feedback_id))
        if is_valid:
            pane = self.pane(sale, sale.occurred_at)
            self.numbers.add(pane, sales=1, gross=sale.amount, commission=sale.commission)
            self.numbers.add(pane, **{"new_customers" if is_first else "repeat_sales": 1})
            if sale.referred_by not in (None, sale.customer_id):
                self.numbers.add(pane, referred_sales=1, referred_gross=sale.amount)
            self.numbers.add(pane, renewals=int(self.known.is_renewal(sale)), mismatched_amounts=int(is_mismatched))
            self.numbers.add(pane, refunded_sales=int(bool(reversals)), answered_sales=int(bool(answers)))
        for reversal in reversals:
            self.count_reversal(reversal, sale)
        counted = [r for r in reversals if r.currency == sale.currency]
        self.numbers.journeys[self.brand_id, self.customer_id, sale.sale_id] = {
            **sold(sale),
            "is_new_customer": int(is_first),
            "is_renewal": int(self.known.is_renewal(sale)),
            "refunds": len([r for r in reversals if r.kind == "REFUND"]),
            "chargebacks": len([r for r in reversals if r.kind == "CHARGEBACK"]),
            "refunded": sum(r.amount for r in counted if r.kind == "REFUND"),
            "charged_back": sum(r.amount for r in counted if r.kind == "CHARGEBACK"),
            "commission_reversed": sum(r.commission for r in counted),
            "mismatched_amounts": int(is_mismatched) + len(reversals) - len(counted),
            **heard(sale, answers),
        }

    def count_reversal(self, reversal: Reversal, sale: Sale) -> None:
        """A refund or chargeback of a valid sale, at its own time."""
        pane = self.pane(sale, reversal.occurred_at)
        count, amount = ("refunds", "refunded") if reversal.kind == "REFUND" else ("chargebacks", "charged_back")
        self.numbers.add(pane, **{count: 1})
        if reversal.currency == sale.currency:
            self.numbers.add(pane, **{amount: reversal.amount}, commission_reversed=reversal.commission)
        else:
            self.numbers.add(pane, mismatched_amounts=1)

    def pane(self, sale: Sale, epoch_ms: int) -> PaneKey:
        """The pane of something that happened to a sale."""
        return self.brand_id, sale.affiliate_id or "", sale.currency, bucket(epoch_ms, self.rules.pane_s)

    def brands(self, epoch_ms: int) -> PaneKey:
        """The pane of what counts for the brand alone."""
        return self.brand_id, "", "", bucket(epoch_ms, self.rules.pane_s)


def _when(sale: Sale) -> tuple[int, str]:
    return sale.occurred_at, sale.sale_id


def _as_reversal(sale: Sale) -> Reversal:
    """The reversal that a REFUNDED or CHARGED_BACK is."""
    kind = {"REFUNDED": "REFUND", "CHARGED_BACK": "CHARGEBACK"}[sale.action]
    return Reversal(
        sale.event_id, sale.brand_id, sale.customer_id, sale.sale_id, sale.event_id, kind, 0, sale.amount,
        sale.commission, sale.currency, sale.occurred_at,
    )  # fmt: skip


def _attributed(sale: Sale, attribution: Attribution) -> Sale:
    """The sale with what its attribution says."""
    sale = sale._replace(affiliate_id=attribution.affiliate_id)
    if attribution.campaign is not None:
        sale = sale._replace(campaign=attribution.campaign)
    if attribution.commission is not None:
        sale = sale._replace(commission=attribution.commission)
    return sale


def _comment(answer: Feedback) -> tuple[str, str]:
    if answer.action == "WITHDRAWN" or answer.comment is None:
        return "", ""
    return answer.comment, answer.language or ""


def _score_measures(metric: str, score: int) -> dict[str, int]:
    if metric == "NPS":
        return {"promoters" if score in (9, 10) else "passives" if score in (7, 8) else "detractors": 1}
    if metric == "CSAT":
        return {"csat_answers": 1, "csat_satisfied": 1 if score in (4, 5) else 0, "csat_score_sum": score}
    return {"ces_answers": 1, "ces_score_sum": score}
