"""What the made-up customers say of their purchases: invitations, answers, and second thoughts.

Pure but for the randomness handed in. Owns who was delighted; never publishes and never reads a clock.
"""

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Final

from schemas.events import Feedback, Finding, Sale, customer_of
from streams.demo.cast import Affiliate, Cause

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_INVITED: Final = 0.7
_ANSWERED: Final = 0.45
_COMMENTED: Final = 0.5
_UNNAMED: Final = 0.15  # of answers that do not name their sale
_CORRECTED: Final = 0.02  # each: answers edited, answers withdrawn


class Opinions:
    """The feedback of one run's customers, in the order in which it is asked for."""

    def __init__(self, random: Random) -> None:
        self.promoters: dict[str, list[tuple[int, str]]] = defaultdict(list)  # by brand: (answered at, customer)
        self._random = random

    def of(self, sale: Sale, seller: Affiliate) -> list[Feedback]:
        """What is said of a sale: an invitation, an answer, and now and then a second thought."""
        invited_at = sale.occurred_at + self._random.randrange(12 * _HOUR_MS, 4 * _DAY_MS)
        invitation = Feedback(
            event_id=f"{sale.sale_id}:invited",
            brand_id=sale.brand_id,
            customer_id=sale.customer_id,
            feedback_id=f"f-{sale.sale_id}",
            action="INVITED",
            revision=0,
            sale_id=sale.sale_id,
            affiliate_id=sale.affiliate_id,
            metric=None,
            score=None,
            findings=(),
            comment=None,
            language=None,
            occurred_at=invited_at,
        )
        found = [invitation] if self._random.random() < _INVITED else []
        if self._random.random() < _ANSWERED:
            found += self._answers(invitation, seller)
        return found

    def _answers(self, invitation: Feedback, seller: Affiliate) -> list[Feedback]:
        answer = self._answer(invitation, seller, self._random.random() < seller.happy)
        chance = self._random.random()
        if chance < _CORRECTED:
            return [answer, self._second_thought(answer, action="WITHDRAWN")]
        if chance < 2 * _CORRECTED:
            return [answer, self._second_thought(self._answer(invitation, seller, happy=True))]
        return [answer]

    def _answer(self, invitation: Feedback, seller: Affiliate, happy: bool) -> Feedback:
        causes = seller.praise if happy else seller.complaints
        said = self._said(causes)
        metric = self._random.choices(("NPS", "CSAT", "CES"), (6, 3, 1))[0]
        score = self._score(metric, happy)
        at = invitation.occurred_at + self._random.randrange(_HOUR_MS, 3 * _DAY_MS)
        if metric == "NPS" and score >= 9:
            self.promoters[invitation.brand_id].append((at, customer_of(invitation)[1]))
        language = self._random.choice(("en", "es")) if self._random.random() < _COMMENTED else None
        return invitation._replace(
            event_id=f"{invitation.feedback_id}:answered",
            action="ANSWERED",
            sale_id=None if self._random.random() < _UNNAMED else invitation.sale_id,
            metric=metric,
            score=score,
            findings=tuple(Finding(cause.verdict, cause.topic) for cause in said),
            comment=None if language is None else " ".join(_in(language, cause) for cause in said),
            language=language,
            occurred_at=at,
        )

    def _second_thought(self, answer: Feedback, action: str = "ANSWERED") -> Feedback:
        at = answer.occurred_at + self._random.randrange(_HOUR_MS, _DAY_MS)
        return answer._replace(event_id=f"{answer.feedback_id}:again", action=action, revision=1, occurred_at=at)

    def _said(self, causes: Sequence[Cause]) -> list[Cause]:
        """One or two of the causes, each once."""
        first, second = self._random.choices(causes, [cause.weight for cause in causes], k=2)
        return [first] if first == second or self._random.random() < 0.6 else [first, second]

    def _score(self, metric: str, happy: bool) -> int:
        choices = {
            "NPS": ((8, 9, 9, 10, 10, 7), (0, 2, 4, 5, 6, 7)),
            "CSAT": ((4, 5, 5), (1, 2, 3)),
            "CES": ((5, 6, 7), (2, 3, 4)),
        }
        return self._random.choice(choices[metric][0 if happy else 1])


def _in(language: str, cause: Cause) -> str:
    return cause.english if language == "en" else cause.spanish
