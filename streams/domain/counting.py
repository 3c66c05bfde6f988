"""Adding cases to the measures of panes and topics, or taking them off again.

Owns the meaning of every measure (docs/concepts.md tells it in prose). Never decides what is linked or first (cases.py
does). Invariant: taking off what was added leaves zeros, so sums over any sequence of changes are those of the last
state.
"""

from typing import Final, final

from schemas.measures import TOPIC_MEASURES, VERDICTS
from streams.domain import panes as at
from streams.domain.cases import FeedbackCase, OrphanCase, SaleCase
from streams.domain.panes import NO_MEASURES, NO_TOPIC_MEASURES, PaneKey, TopicKey
from streams.domain.state import CHARGEBACK, METRICS, NO_SCORE, UNDONE, AnswerHead, ReversalHead, SaleHead

_NPS: Final = METRICS.index("NPS")
_CSAT: Final = METRICS.index("CSAT")

# Of a topic's list, where each of its measures stands.
_TOPIC_ANSWERS: Final = TOPIC_MEASURES.index("answers")
_TOPIC_PROMOTERS: Final = TOPIC_MEASURES.index("promoters")
_TOPIC_PASSIVES: Final = TOPIC_MEASURES.index("passives")
_TOPIC_DETRACTORS: Final = TOPIC_MEASURES.index("detractors")
_TOPIC_CSAT_ANSWERS: Final = TOPIC_MEASURES.index("csat_answers")
_TOPIC_CSAT_SATISFIED: Final = TOPIC_MEASURES.index("csat_satisfied")


@final
class Sums:
    """Sums over panes and topics. Lists are in the order of MEASURES and TOPIC_MEASURES; what was taken off stays, as zeros."""

    __slots__ = ("_pane_ms", "_pane_s", "panes", "topics")

    def __init__(self, pane_s: int) -> None:
        self.panes: dict[PaneKey, list[int]] = {}
        self.topics: dict[TopicKey, list[int]] = {}
        self._pane_s = pane_s
        self._pane_ms = pane_s * 1000

    def add_sale(self, brand_id: str, customer_id: str, case: SaleCase, sign: int) -> None:
        """Counts a valid sale at its time, and each of its refunds and chargebacks at theirs; `sign` is 1 or -1."""
        head, reversals, is_first, is_renewal, is_mismatched, answers = case
        if head.rejected:
            return
        pane = self._pane(brand_id, head, head.occurred_at)
        amount = head.amount * sign
        pane[at.SALES] += sign
        pane[at.GROSS] += amount
        pane[at.COMMISSION] += head.commission * sign
        pane[at.NEW_CUSTOMERS if is_first else at.REPEAT_SALES] += sign
        if is_renewal:
            pane[at.RENEWALS] += sign
        if is_mismatched:
            pane[at.MISMATCHED_AMOUNTS] += sign
        if head.referred_by and head.referred_by != customer_id:
            pane[at.REFERRED_SALES] += sign
            pane[at.REFERRED_GROSS] += amount
        if answers:
            pane[at.ANSWERED_SALES] += sign
        is_refunded = False
        for reversal in reversals:
            if reversal.kind != UNDONE:
                is_refunded = True
                self._add_reversal(brand_id, head, reversal, sign)
        if is_refunded:
            pane[at.REFUNDED_SALES] += sign

    def _add_reversal(self, brand_id: str, head: SaleHead, reversal: ReversalHead, sign: int) -> None:
        pane = self._pane(brand_id, head, reversal.occurred_at)
        is_chargeback = reversal.kind == CHARGEBACK
        pane[at.CHARGEBACKS if is_chargeback else at.REFUNDS] += sign
        if reversal.currency != head.currency:
            pane[at.MISMATCHED_AMOUNTS] += sign
            return
        pane[at.CHARGED_BACK if is_chargeback else at.REFUNDED] += reversal.amount * sign
        pane[at.COMMISSION_REVERSED] += reversal.commission * sign

    def add_without_sale(self, brand_id: str, case: OrphanCase, sign: int) -> None:
        """Counts what was told of a sale that has not come, each at its own time, for the brand alone."""
        attribution, reversals = case
        if attribution is not None:
            self._of_brand(brand_id, attribution.occurred_at)[at.WITHOUT_SALE] += sign
        for reversal in reversals:
            if reversal.kind != UNDONE:
                self._of_brand(brand_id, reversal.occurred_at)[at.WITHOUT_SALE] += sign

    def add_feedback(self, brand_id: str, case: FeedbackCase, sign: int) -> None:
        """Counts an invitation and an answer, each at its time, under the affiliate and currency of the linked sale."""
        invitation, answer, _, invited_under, answered_under, _ = case
        if invitation is not None and invited_under is not None:
            self._pane(brand_id, invited_under, invitation.occurred_at)[at.INVITATIONS] += sign
        if answer is None or answer.withdrawn:
            return
        if answered_under is None:
            self._of_brand(brand_id, answer.occurred_at)[at.UNLINKED_FEEDBACK] += sign
        else:
            self._add_answer(brand_id, answered_under, answer, sign)

    def _add_answer(self, brand_id: str, head: SaleHead, answer: AnswerHead, sign: int) -> None:
        pane = self._pane(brand_id, head, answer.occurred_at)
        pane[at.FEEDBACK] += sign
        pane[at.FEEDBACK_DELAY_SECONDS_SUM] += delay_seconds(head, answer) * sign
        if answer.score != NO_SCORE:
            _add_score(pane, answer.metric, answer.score, sign)
        for metric, score in answer.scores:
            _add_score(pane, metric, score, sign)
        if not answer.findings:
            if answer.comment_digest:
                pane[at.COMMENTS] += sign
            return
        pane[at.WITH_FINDINGS] += sign
        for verdict in {verdict for verdict, _ in answer.findings}:
            pane[at.VERDICT_MEASURES[verdict]] += sign
        bucket = self._bucket(answer.occurred_at)
        scored = _topic_counts(answer)
        for verdict, topic in answer.findings:
            key = (brand_id, head.affiliate_id, topic, VERDICTS[verdict], bucket)
            counts = self.topics.get(key)
            if counts is None:
                counts = self.topics[key] = list(NO_TOPIC_MEASURES)
            counts[_TOPIC_ANSWERS] += sign
            for place in scored:
                counts[place] += sign

    def _pane(self, brand_id: str, head: SaleHead, occurred_at: int) -> list[int]:
        return self._at((brand_id, head.affiliate_id, head.currency, self._bucket(occurred_at)))

    def _of_brand(self, brand_id: str, occurred_at: int) -> list[int]:
        return self._at((brand_id, "", "", self._bucket(occurred_at)))

    def _at(self, key: PaneKey) -> list[int]:
        pane = self.panes.get(key)
        if pane is None:
            pane = self.panes[key] = list(NO_MEASURES)
        return pane

    def _bucket(self, occurred_at: int) -> int:
        return occurred_at // self._pane_ms * self._pane_s


def delay_seconds(head: SaleHead, answer: AnswerHead) -> int:
    """From the sale to the answer, in whole seconds rounded down, below zero too."""
    return (answer.occurred_at - head.occurred_at) // 1000


def score_of(answer: AnswerHead, metric: int) -> int:
    """What the answer scores by a metric, NO_SCORE if nothing."""
    if answer.metric == metric:
        return answer.score
    for further, score in answer.scores:
        if further == metric:
            return score
    return NO_SCORE


def _topic_counts(answer: AnswerHead) -> list[int]:
    """Which of a topic's measures beside the number of answers count this one."""
    nps, csat = score_of(answer, _NPS), score_of(answer, _CSAT)
    counts: list[int] = []
    if nps != NO_SCORE:
        counts.append(_TOPIC_PROMOTERS if nps >= 9 else _TOPIC_PASSIVES if nps >= 7 else _TOPIC_DETRACTORS)
    if csat != NO_SCORE:
        counts.append(_TOPIC_CSAT_ANSWERS)
        if csat >= 4:
            counts.append(_TOPIC_CSAT_SATISFIED)
    return counts


def _add_score(pane: list[int], metric: int, score: int, sign: int) -> None:
    if metric == _NPS:
        pane[at.PROMOTERS if score >= 9 else at.PASSIVES if score >= 7 else at.DETRACTORS] += sign
    elif metric == _CSAT:
        pane[at.CSAT_ANSWERS] += sign
        if score >= 4:
            pane[at.CSAT_SATISFIED] += sign
        pane[at.CSAT_SCORE_SUM] += score * sign
    else:
        pane[at.CES_ANSWERS] += sign
        pane[at.CES_SCORE_SUM] += score * sign
