"""The expected numbers, computed slowly and obviously from the contract's text alone.

Shares no code with streams/domain: lists, plain loops, Decimal and datetime. Many customers at once, events in any
order, duplicates allowed. Where the contract leaves a publisher's error open (one event_id, two contents), it takes the
greater content: fields in the order of the schema, enums in the schema's order, absent values least.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from schemas.events import Event, Feedback, Sale
from schemas.measures import MEASURES, VERDICTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SALE_ACTIONS = ["PLACED", "REFUNDED", "CHARGED_BACK", "REJECTED"]
OFFERINGS = ["PHYSICAL", "SERVICE"]
METRICS = ["NPS", "CSAT", "CES"]

Measures = dict[str, Decimal | int]
PaneKey = tuple[str, str, str, int]
TopicKey = tuple[str, str, str, str, int]
Row = dict[str, object]


class Rules(Protocol):
    """What the oracle reads of the rules."""

    @property
    def pane_s(self) -> int: ...
    @property
    def attribution_window_ms(self) -> int: ...


@dataclass
class Expected:
    """All-zero panes and topics are left out; journeys and answers by (brand_id, sale_id or feedback_id)."""

    panes: dict[PaneKey, Measures] = field(default_factory=dict)
    topics: dict[TopicKey, int] = field(default_factory=dict)
    journeys: dict[tuple[str, str], Row] = field(default_factory=dict)
    answers: dict[tuple[str, str], Row] = field(default_factory=dict)

    def add(self, key: PaneKey, **measures: Decimal | int) -> None:
        """Adds to a pane, which begins with zeros."""
        pane = self.panes.setdefault(key, dict.fromkeys(MEASURES, 0))
        for name, value in measures.items():
            assert name in pane
            pane[name] += value


def oracle(events: list[Event], rules: Rules) -> Expected:
    """What every pane, topic, journey and answer must be after these events."""
    expected = Expected()
    grouped: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        grouped.setdefault((event.brand_id, event.customer_id), []).append(event)
    for own in grouped.values():
        customer = _Customer(
            expected,
            rules,
            [event for event in own if isinstance(event, Sale)],
            [event for event in own if isinstance(event, Feedback)],
        )
        for feedback_id in sorted({feedback.feedback_id for feedback in customer.feedback_events}):
            customer.count_feedback(feedback_id)
        for head in customer.heads():
            customer.count_sale(head)
    return expected


@dataclass
class _Customer:
    """One customer's events; count_feedback for each feedback_id first, then count_sale for each head."""

    expected: Expected
    rules: Rules
    sale_events: list[Sale]
    feedback_events: list[Feedback]
    linked: list[tuple[Feedback, Sale]] = field(default_factory=list)  # answers and their sales

    def heads(self) -> list[Sale]:
        """The latest PLACED or REJECTED of each sale that has one."""
        heads = []
        for sale_id in sorted({sale.sale_id for sale in self.sale_events}):
            candidates = [s for s in self.sale_events if s.sale_id == sale_id and s.action in ("PLACED", "REJECTED")]
            if candidates:
                heads.append(max(candidates, key=_sale_order))
        return heads

    def reversals(self, sale_id: str) -> list[Sale]:
        """Each refund and chargeback of a sale once."""
        same_sale = [s for s in self.sale_events if s.sale_id == sale_id and s.action in ("REFUNDED", "CHARGED_BACK")]
        event_ids = {s.event_id for s in same_sale}
        return [max((s for s in same_sale if s.event_id == e), key=_reversal_order) for e in event_ids]

    def count_feedback(self, feedback_id: str) -> None:
        same = [f for f in self.feedback_events if f.feedback_id == feedback_id]
        invitation = max((f for f in same if f.action == "INVITED"), key=_invitation_order, default=None)
        last = max((f for f in same if f.action != "INVITED"), key=_answer_order, default=None)
        answer = last if last is not None and last.action == "ANSWERED" else None
        match, sale = "none", None
        if invitation is not None:
            match, sale = _link(invitation, self.heads(), self.rules)
            if sale is not None:
                self.expected.add(_pane(sale, invitation.occurred_at, self.rules), invitations=1)
        if answer is not None:
            match, sale = _link(answer, self.heads(), self.rules)
            if sale is None:
                bucket = _bucket(answer.occurred_at, self.rules)
                self.expected.add((answer.brand_id, "", "", bucket), unlinked_feedback=1)
            else:
                self.linked.append((answer, sale))
                self.count_answer(answer, sale)
        self.expected.answers[same[0].brand_id, feedback_id] = {
            "brand_id": same[0].brand_id,
            "feedback_id": feedback_id,
            "customer_id": same[0].customer_id,
            "status": "answered" if answer else "withdrawn" if last else "invited",
            "match": match,
            "sale_id": sale.sale_id if sale else "",
            "affiliate_id": (sale.affiliate_id or "") if sale else "",
            "metric": (answer.metric or "") if answer else "",
            "score": answer.score if answer else None,
            "findings": ",".join(sorted({f"{f.verdict}:{f.topic}" for f in answer.findings})) if answer else "",
            "invited_at": invitation.occurred_at if invitation else 0,
            "answered_at": answer.occurred_at if answer else 0,
        }

    def count_answer(self, answer: Feedback, sale: Sale) -> None:
        """A linked answer."""
        pane = _pane(sale, answer.occurred_at, self.rules)
        self.expected.add(pane, feedback=1, feedback_delay_seconds_sum=_seconds_between(sale, answer))
        self.expected.add(pane, **_score_measures(answer))
        for verdict in {finding.verdict for finding in answer.findings}:
            self.expected.add(pane, **{verdict.lower(): 1})
        for finding in set(answer.findings):
            topic_key = (sale.brand_id, sale.affiliate_id or "", finding.topic, finding.verdict, pane[3])
            self.expected.topics[topic_key] = self.expected.topics.get(topic_key, 0) + 1

    def count_sale(self, head: Sale) -> None:
        valid = [sale for sale in self.heads() if sale.action == "PLACED"]
        first = min(valid, key=lambda sale: (sale.occurred_at, sale.sale_id), default=None)
        reversals = self.reversals(head.sale_id) if head.action == "PLACED" else []
        answers = [answer for answer, sale in self.linked if sale.sale_id == head.sale_id]
        answers.sort(key=lambda answer: (answer.occurred_at, answer.feedback_id))
        if head.action == "PLACED":
            self.count_valid_sale(head, head == first, reversals, bool(answers))
        scored = [answer for answer in answers if answer.score is not None]
        self.expected.journeys[head.brand_id, head.sale_id] = {
            "brand_id": head.brand_id,
            "sale_id": head.sale_id,
            "customer_id": head.customer_id,
            "affiliate_id": head.affiliate_id or "",
            "product_id": head.product_id,
            "offering": head.offering,
            "campaign": head.campaign or "",
            "status": "valid" if head.action == "PLACED" else "rejected",
            "amount": _money(head.amount),
            "commission": _money(head.commission),
            "currency": head.currency,
            "occurred_at": head.occurred_at,
            "is_new_customer": 1 if head == first else 0,
            "referred_by": head.referred_by or "",
            "refunded": sum(_money(r.amount) for r in reversals if r.action == "REFUNDED"),
            "charged_back": sum(_money(r.amount) for r in reversals if r.action == "CHARGED_BACK"),
            "answers": len(answers),
            "last_metric": scored[-1].metric if scored else "",
            "last_score": scored[-1].score if scored else None,
            "verdicts": ",".join(sorted({finding.verdict for answer in answers for finding in answer.findings})),
            "feedback_delay_seconds": _seconds_between(head, answers[0]) if answers else None,
        }

    def count_valid_sale(self, head: Sale, is_first: bool, reversals: list[Sale], is_answered: bool) -> None:
        pane, amount = _pane(head, head.occurred_at, self.rules), _money(head.amount)
        self.expected.add(pane, sales=1, gross=amount, commission=_money(head.commission))
        self.expected.add(pane, new_customers=1 if is_first else 0, repeat_sales=0 if is_first else 1)
        if head.referred_by is not None:
            self.expected.add(pane, referred_sales=1, referred_gross=amount)
        self.expected.add(pane, refunded_sales=1 if reversals else 0, answered_sales=1 if is_answered else 0)
        for reversal in reversals:
            pane = _pane(head, reversal.occurred_at, self.rules)
            if reversal.action == "REFUNDED":
                self.expected.add(pane, refunds=1, refunded=_money(reversal.amount))
            else:
                self.expected.add(pane, chargebacks=1, charged_back=_money(reversal.amount))
            self.expected.add(pane, commission_reversed=_money(reversal.commission))


def _score_measures(answer: Feedback) -> dict[str, int]:
    score = answer.score
    if score is None:
        return {}
    if answer.metric == "NPS":
        return {"promoters" if score in (9, 10) else "passives" if score in (7, 8) else "detractors": 1}
    if answer.metric == "CSAT":
        return {"csat_answers": 1, "csat_satisfied": 1 if score in (4, 5) else 0, "csat_score_sum": score}
    return {"ces_answers": 1, "ces_score_sum": score}


def _link(feedback: Feedback, heads: list[Sale], rules: Rules) -> tuple[str, Sale | None]:
    if feedback.sale_id is not None:
        for head in heads:
            if head.sale_id == feedback.sale_id:
                return ("sale", head) if head.action == "PLACED" else ("quarantined", None)
        return "none", None
    window = timedelta(milliseconds=rules.attribution_window_ms)
    candidates = [
        head
        for head in heads
        if head.action == "PLACED"
        and timedelta(0) <= _time(feedback.occurred_at) - _time(head.occurred_at) <= window
        and (feedback.affiliate_id is None or feedback.affiliate_id == head.affiliate_id)
    ]
    if not candidates:
        return "none", None
    instant = max(head.occurred_at for head in candidates)
    latest = [head for head in candidates if head.occurred_at == instant]
    if len({head.affiliate_id for head in latest}) > 1:
        return "ambiguous", None
    return "customer", max(latest, key=lambda head: head.sale_id)


def _sale_order(s: Sale) -> tuple[object, ...]:
    return (
        s.revision, s.event_id, SALE_ACTIONS.index(s.action), s.affiliate_id or "", s.product_id,
        OFFERINGS.index(s.offering), s.amount, s.commission, s.currency, s.campaign or "", s.referred_by or "",
        s.occurred_at,
    )  # fmt: skip


def _reversal_order(s: Sale) -> tuple[object, ...]:
    return SALE_ACTIONS.index(s.action), s.amount, s.commission, s.occurred_at


def _invitation_order(f: Feedback) -> tuple[object, ...]:
    return f.revision, f.event_id, f.sale_id or "", f.affiliate_id or "", f.occurred_at


def _answer_order(f: Feedback) -> tuple[object, ...]:
    if f.action == "WITHDRAWN":
        return f.revision, f.event_id, 1
    findings = sorted({(VERDICTS.index(finding.verdict), finding.topic) for finding in f.findings})
    return (
        f.revision, f.event_id, 0, f.sale_id or "", f.affiliate_id or "",
        -1 if f.metric is None else METRICS.index(f.metric), -1 if f.score is None else f.score, findings,
        f.occurred_at,
    )  # fmt: skip


def _time(epoch_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=epoch_ms)


def _seconds_between(sale: Sale, answer: Feedback) -> int:
    return (_time(answer.occurred_at) - _time(sale.occurred_at)) // timedelta(seconds=1)


def _bucket(epoch_ms: int, rules: Rules) -> int:
    pane = timedelta(seconds=rules.pane_s)
    return (_time(epoch_ms) - EPOCH) // pane * rules.pane_s


def _pane(sale: Sale, epoch_ms: int, rules: Rules) -> PaneKey:
    return sale.brand_id, sale.affiliate_id or "", sale.currency, _bucket(epoch_ms, rules)


def _money(ten_thousandths: int) -> Decimal:
    return Decimal(ten_thousandths).scaleb(-4)
