"""The measures of a pane: their names, order and kind. Every list of measures in the project comes from here.

A pane's measures travel as one list of integers in this order; money is in ten-thousandths of the currency unit.
Invariant: all measures are additive, so panes may be summed over partitions, panes and affiliates.
"""

from typing import Final

MEASURES: Final = (
    "sales",
    "gross",
    "commission",
    "new_customers",
    "repeat_sales",
    "referred_sales",
    "referred_gross",
    "refunded_sales",
    "answered_sales",
    "refunds",
    "refunded",
    "commission_reversed",
    "chargebacks",
    "charged_back",
    "invitations",
    "feedback",
    "promoters",
    "passives",
    "detractors",
    "csat_answers",
    "csat_satisfied",
    "csat_score_sum",
    "ces_answers",
    "ces_score_sum",
    "done_right",
    "needs_improvement",
    "unmet_expectation",
    "not_considered",
    "missing_information",
    "feedback_delay_seconds_sum",
    "unlinked_feedback",
)

MONEY: Final = frozenset({"gross", "commission", "referred_gross", "refunded", "commission_reversed", "charged_back"})

MONEY_SCALE: Final = 4  # decimal places on the wire, in state and in the views
MONEY_UNIT: Final = 10**MONEY_SCALE  # ten-thousandths in one unit of a currency

VERDICTS: Final = ("DONE_RIGHT", "NEEDS_IMPROVEMENT", "UNMET_EXPECTATION", "NOT_CONSIDERED", "MISSING_INFORMATION")
