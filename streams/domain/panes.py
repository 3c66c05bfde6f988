"""Panes: the keys under which measures add up, and where each measure stands in a pane's list.

Owns the shape of keys and the places of measures. Never decides what counts.
"""

from typing import Final

from schemas.measures import MEASURES, MONEY, TOPIC_MEASURES, VERDICTS

PaneKey = tuple[str, str, str, int]  # brand_id, affiliate_id or '', currency or '', start of the pane in epoch seconds
TopicKey = tuple[str, str, str, str, int]  # brand_id, affiliate_id or '', topic, verdict, start in epoch seconds

SALES: Final = MEASURES.index("sales")
GROSS: Final = MEASURES.index("gross")
COMMISSION: Final = MEASURES.index("commission")
NEW_CUSTOMERS: Final = MEASURES.index("new_customers")
REPEAT_SALES: Final = MEASURES.index("repeat_sales")
REFERRED_SALES: Final = MEASURES.index("referred_sales")
REFERRED_GROSS: Final = MEASURES.index("referred_gross")
REFUNDED_SALES: Final = MEASURES.index("refunded_sales")
ANSWERED_SALES: Final = MEASURES.index("answered_sales")
REFUNDS: Final = MEASURES.index("refunds")
REFUNDED: Final = MEASURES.index("refunded")
COMMISSION_REVERSED: Final = MEASURES.index("commission_reversed")
CHARGEBACKS: Final = MEASURES.index("chargebacks")
CHARGED_BACK: Final = MEASURES.index("charged_back")
INVITATIONS: Final = MEASURES.index("invitations")
FEEDBACK: Final = MEASURES.index("feedback")
PROMOTERS: Final = MEASURES.index("promoters")
PASSIVES: Final = MEASURES.index("passives")
DETRACTORS: Final = MEASURES.index("detractors")
CSAT_ANSWERS: Final = MEASURES.index("csat_answers")
CSAT_SATISFIED: Final = MEASURES.index("csat_satisfied")
CSAT_SCORE_SUM: Final = MEASURES.index("csat_score_sum")
CES_ANSWERS: Final = MEASURES.index("ces_answers")
CES_SCORE_SUM: Final = MEASURES.index("ces_score_sum")
FEEDBACK_DELAY_SECONDS_SUM: Final = MEASURES.index("feedback_delay_seconds_sum")
UNLINKED_FEEDBACK: Final = MEASURES.index("unlinked_feedback")
RENEWALS: Final = MEASURES.index("renewals")
MISMATCHED_AMOUNTS: Final = MEASURES.index("mismatched_amounts")
WITHOUT_SALE: Final = MEASURES.index("without_sale")
COMMENTS: Final = MEASURES.index("comments")
WITH_FINDINGS: Final = MEASURES.index("with_findings")
VERDICT_MEASURES: Final = tuple(MEASURES.index(verdict.lower()) for verdict in VERDICTS)
MONEY_PLACES: Final = tuple(place for place, measure in enumerate(MEASURES) if measure in MONEY)

NO_MEASURES: Final = (0,) * len(MEASURES)
NO_TOPIC_MEASURES: Final = (0,) * len(TOPIC_MEASURES)
