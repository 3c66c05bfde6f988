"""What one customer's events amount to, computed a second time: obviously, from the contract's text alone.

Shares nothing with what the workers run but the events and the names of the measures: lists, plain loops, `max`. Takes events
in any order, duplicates allowed. Where the contract leaves a publisher's error open (one event_id, two contents), it takes the
greater content: fields in the order of the schema, enums in the schema's order, absent values least.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from schemas.events import Event, Feedback, Sale, customer_of
from schemas.registry import FEEDBACK_NAME, SALE_NAME, newest

_SALES: Final = newest(SALE_NAME).symbols
_FEEDBACKS: Final = newest(FEEDBACK_NAME).symbols

PaneKey = tuple[str, str, str, int]  # brand, affiliate, currency, pane start in epoch seconds
TopicKey = tuple[str, str, str, str, int]  # brand, affiliate, topic, verdict, pane start in epoch seconds
Row = dict[str, object]  # a base table's row by column, without generation and version


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
    topics: dict[TopicKey, int] = field(default_factory=dict)
    journeys: dict[tuple[str, str, str], Row] = field(default_factory=dict)  # by brand, customer and sale
    reversals: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)  # by these and its own id
    answers: dict[tuple[str, str, str], Row] = field(default_factory=dict)  # by brand, customer and feedback
    # The texts that may count, with their languages, by brand, customer and feedback: one, but for a publisher's error.
    comments: dict[tuple[str, str, str], set[tuple[str, str]]] = field(default_factory=dict)

    def add(self, pane: PaneKey, **measures: int) -> None:
        """Adds to a pane."""
        into = self.panes.setdefault(pane, {})
        for name, value in measures.items():
            into[name] = into.get(name, 0) + value


def recount(events: Iterable[Event], rules: Rules) -> Numbers:
    """The numbers of these events, of any number of customers."""
    numbers = Numbers()
    customers: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        customers.setdefault(customer_of(event), []).append(event)
    for own in customers.values():
        customer = _Customer(numbers, rules, own)
        customer.count()
        for reversals in customer.reversals.values():
            for r in reversals:
                row = _given_back(r, customer.heads.get(r.sale_id))
                numbers.reversals[r.brand_id, r.customer_id, r.sale_id, r.event_id] = row
    return numbers


class _Customer:
    """One customer, sorted out: which event of each sale counts, which sale was the first, what is linked to what."""

    def __init__(self, numbers: Numbers, rules: Rules, events: list[Event]) -> None:
        self.numbers, self.rules = numbers, rules
        self.brand_id, self.customer_id = customer_of(events[0])
        placed_or_rejected: dict[str, list[Sale]] = {}
        given_back: dict[str, dict[str, Sale]] = {}
        self.feedbacks: dict[str, list[Feedback]] = {}
        for event in events:
            if isinstance(event, Feedback):
                self.feedbacks.setdefault(event.feedback_id, []).append(event)
            elif isinstance(event, Sale) and event.action in ("PLACED", "REJECTED"):
                placed_or_rejected.setdefault(event.sale_id, []).append(event)
            elif isinstance(event, Sale):
                of_sale = given_back.setdefault(event.sale_id, {})
                of_sale[event.event_id] = max(of_sale.get(event.event_id, event), event, key=_reversal_order)
        # The latest PLACED or REJECTED of each sale that has one.
        self.heads = {sale_id: max(found, key=_sale_order) for sale_id, found in placed_or_rejected.items()}
        self.valid = [head for head in self.heads.values() if head.action == "PLACED"]
        self.first = min(self.valid, key=lambda sale: (sale.occurred_at, sale.sale_id), default=None)
        self.reversals = {sale_id: list(found.values()) for sale_id, found in given_back.items()}
        self.linked: dict[str, list[Feedback]] = {}  # answers by the sale that they are about

    def count(self) -> None:
        """Everything that these events amount to."""
        for feedback_id, events in self.feedbacks.items():
            self.count_feedback(feedback_id, events)
        for head in self.heads.values():
            self.count_sale(head)

    def count_feedback(self, feedback_id: str, events: list[Feedback]) -> None:
        """An invitation, an answer, or both."""
        invitation = max((f for f in events if f.action == "INVITED"), key=_invitation_order, default=None)
        said = [f for f in events if f.action != "INVITED"]
        last = max(said, key=_answer_order, default=None)
        answer = last if last is not None and last.action == "ANSWERED" else None
        match, sale, invited_to = "none", None, ""
        if invitation is not None:
            match, sale = self.link(invitation)
            if sale is not None:
                invited_to = sale.sale_id
                self.numbers.add(self.pane(sale, invitation.occurred_at), invitations=1)
        if answer is not None:
            match, sale = self.link(answer)
            if sale is not None:
                self.linked.setdefault(sale.sale_id, []).append(answer)
                self.count_answer(answer, sale)
            else:
                nobodys = (self.brand_id, "", "", _bucket(answer.occurred_at, self.rules.pane_s))
                self.numbers.add(nobodys, unlinked_feedback=1)
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
            **_said(answer),
        }
        if last is not None:
            equal = [f for f in said if _answer_order(f) == _answer_order(last)]
            self.numbers.comments[key] = {_comment(f) for f in equal}

    def count_answer(self, answer: Feedback, sale: Sale) -> None:
        """A linked answer."""
        pane = self.pane(sale, answer.occurred_at)
        self.numbers.add(pane, feedback=1, feedback_delay_seconds_sum=_seconds_between(sale, answer))
        verdicts = {finding.verdict.lower() for finding in answer.findings}
        self.numbers.add(pane, **_score_measures(answer), **dict.fromkeys(verdicts, 1))
        for finding in set(answer.findings):
            topic = (self.brand_id, sale.affiliate_id or "", finding.topic, finding.verdict, pane[3])
            self.numbers.topics[topic] = self.numbers.topics.get(topic, 0) + 1

    def count_sale(self, head: Sale) -> None:
        """A sale, valid or rejected, and its row."""
        is_valid, is_first = head.action == "PLACED", head is self.first
        reversals = self.reversals.get(head.sale_id, []) if is_valid else []
        answers = sorted(self.linked.get(head.sale_id, []), key=lambda f: (f.occurred_at, f.feedback_id))
        if is_valid:
            self.count_valid_sale(head, is_first, reversals, bool(answers))
        self.numbers.journeys[self.brand_id, self.customer_id, head.sale_id] = {
            **_sold(head),
            "is_new_customer": int(is_first),
            "refunded": sum(r.amount for r in reversals if r.action == "REFUNDED"),
            "charged_back": sum(r.amount for r in reversals if r.action == "CHARGED_BACK"),
            **_heard(head, answers),
        }

    def count_valid_sale(self, head: Sale, is_first: bool, reversals: list[Sale], is_answered: bool) -> None:
        """A valid sale at its own time, and what was given back at the times of that."""
        pane = self.pane(head, head.occurred_at)
        self.numbers.add(pane, sales=1, gross=head.amount, commission=head.commission)
        self.numbers.add(pane, **{"new_customers" if is_first else "repeat_sales": 1})
        if head.referred_by is not None:
            self.numbers.add(pane, referred_sales=1, referred_gross=head.amount)
        if reversals:
            self.numbers.add(pane, refunded_sales=1)
        if is_answered:
            self.numbers.add(pane, answered_sales=1)
        for reversal in reversals:
            pane = self.pane(head, reversal.occurred_at)
            if reversal.action == "REFUNDED":
                self.numbers.add(pane, refunds=1, refunded=reversal.amount)
            else:
                self.numbers.add(pane, chargebacks=1, charged_back=reversal.amount)
            self.numbers.add(pane, commission_reversed=reversal.commission)

    def link(self, feedback: Feedback) -> tuple[str, Sale | None]:
        """How the feedback matches, and the sale that it is about."""
        if feedback.sale_id is not None:
            head = self.heads.get(feedback.sale_id)
            if head is None:
                return "none", None
            return ("sale", head) if head.action == "PLACED" else ("quarantined", None)
        window_ms = self.rules.attribution_window_ms
        candidates = [
            head
            for head in self.valid
            if 0 <= feedback.occurred_at - head.occurred_at <= window_ms
            and (feedback.affiliate_id is None or feedback.affiliate_id == head.affiliate_id)
        ]
        if not candidates:
            return "none", None
        instant = max(head.occurred_at for head in candidates)
        latest = [head for head in candidates if head.occurred_at == instant]
        if len({head.affiliate_id for head in latest}) > 1:
            return "ambiguous", None
        return "customer", max(latest, key=lambda head: head.sale_id)

    def pane(self, sale: Sale, epoch_ms: int) -> PaneKey:
        """The pane of something that happened to a sale."""
        return self.brand_id, sale.affiliate_id or "", sale.currency, _bucket(epoch_ms, self.rules.pane_s)


def _bucket(epoch_ms: int, pane_s: int) -> int:
    """The start of the pane that holds an instant, in epoch seconds."""
    return epoch_ms // (pane_s * 1000) * pane_s


def _sold(head: Sale) -> Row:
    """Of a journey: what the sale itself says."""
    return {
        "brand_id": head.brand_id,
        "sale_id": head.sale_id,
        "customer_id": head.customer_id,
        "affiliate_id": head.affiliate_id or "",
        "product_id": head.product_id,
        "offering": head.offering,
        "campaign": head.campaign or "",
        "status": "valid" if head.action == "PLACED" else "rejected",
        "amount": head.amount,
        "commission": head.commission,
        "currency": head.currency,
        "occurred_at": head.occurred_at,
        "referred_by": head.referred_by or "",
    }


def _given_back(reversal: Sale, head: Sale | None) -> Row:
    """A refund or chargeback, and the sale of which it is, if that has come."""
    return {
        "brand_id": reversal.brand_id,
        "sale_id": reversal.sale_id,
        "reversal_id": reversal.event_id,
        "customer_id": reversal.customer_id,
        "kind": {"REFUNDED": "REFUND", "CHARGED_BACK": "CHARGEBACK"}[reversal.action],
        "status": "without_sale" if head is None else "counted" if head.action == "PLACED" else "rejected",
        "affiliate_id": (head.affiliate_id or "") if head else "",
        "campaign": (head.campaign or "") if head else "",
        "amount": reversal.amount,
        "commission": reversal.commission,
        "currency": head.currency if head else "",
        "occurred_at": reversal.occurred_at,
    }


def _heard(head: Sale, answers: list[Feedback]) -> Row:
    """Of a journey: what the answers say, from the first to the last."""
    scored = [answer for answer in answers if answer.score is not None]
    return {
        "answers": len(answers),
        "last_metric": scored[-1].metric if scored else "",
        "last_score": scored[-1].score if scored else None,
        "verdicts": ",".join(sorted({finding.verdict for answer in answers for finding in answer.findings})),
        "feedback_delay_seconds": _seconds_between(head, answers[0]) if answers else None,
    }


def _said(answer: Feedback | None) -> Row:
    """Of an answer's row: what was said."""
    if answer is None:
        return {"metric": "", "score": None, "findings": "", "answered_at": 0}
    return {
        "metric": answer.metric or "",
        "score": answer.score,
        "findings": ",".join(sorted({f"{finding.verdict}:{finding.topic}" for finding in answer.findings})),
        "answered_at": answer.occurred_at,
    }


def _comment(answer: Feedback) -> tuple[str, str]:
    if answer.action == "WITHDRAWN" or answer.comment is None:
        return "", ""
    return answer.comment, answer.language or ""


def _score_measures(answer: Feedback) -> dict[str, int]:
    score = answer.score
    if score is None:
        return {}
    if answer.metric == "NPS":
        return {"promoters" if score in (9, 10) else "passives" if score in (7, 8) else "detractors": 1}
    if answer.metric == "CSAT":
        return {"csat_answers": 1, "csat_satisfied": 1 if score in (4, 5) else 0, "csat_score_sum": score}
    return {"ces_answers": 1, "ces_score_sum": score}


def _seconds_between(sale: Sale, answer: Feedback) -> int:
    return (answer.occurred_at - sale.occurred_at) // 1000


def _sale_order(s: Sale) -> tuple[object, ...]:
    return (
        s.revision, s.event_id, _SALES["action"].index(s.action), s.affiliate_id or "", s.product_id,
        _SALES["offering"].index(s.offering), s.amount, s.commission, s.currency, s.campaign or "", s.referred_by or "",
        s.occurred_at,
    )  # fmt: skip


def _reversal_order(s: Sale) -> tuple[object, ...]:
    return _SALES["action"].index(s.action), s.amount, s.commission, s.occurred_at


def _invitation_order(f: Feedback) -> tuple[object, ...]:
    return f.revision, f.event_id, f.sale_id or "", f.affiliate_id or "", f.occurred_at


def _answer_order(f: Feedback) -> tuple[object, ...]:
    if f.action == "WITHDRAWN":
        return f.revision, f.event_id, 1
    findings = sorted({(_FEEDBACKS["verdict"].index(finding.verdict), finding.topic) for finding in f.findings})
    return (
        f.revision, f.event_id, 0, f.sale_id or "", f.affiliate_id or "",
        -1 if f.metric is None else _FEEDBACKS["metric"].index(f.metric), -1 if f.score is None else f.score, findings,
        f.occurred_at,
    )  # fmt: skip
