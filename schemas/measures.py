"""The measures of a pane: name, kind, meaning and order. All that is said of measures anywhere else comes from here.

A pane's measures travel as one list of integers in this order; money is in ten-thousandths of the currency unit.
Invariant: all measures are additive, so panes may be summed over partitions, panes and affiliates.
"""

from typing import Final, Literal, NamedTuple

Kind = Literal["count", "money", "scores", "seconds"]  # what is added up; a count is never negative


class Measure(NamedTuple):
    """One measure. Its place is in streams/domain/panes.py, and how it is counted in streams/domain/counting.py."""

    name: str
    kind: Kind
    meaning: str  # for those who read the views: what is added, and at which time
    of: str = ""  # counts of which it is a part or a property: zero where they are; '': it may stand alone


DEFINITIONS: Final[tuple[Measure, ...]] = (
    Measure("sales", "count", "valid sales, at sale time"),
    Measure("gross", "money", "amount of these sales", of="sales"),
    Measure("commission", "money", "commission of these sales", of="sales"),
    Measure("new_customers", "count", "sales that are the customer's first valid sale with the brand", of="sales"),
    Measure("repeat_sales", "count", "all other sales", of="sales"),
    Measure("referred_sales", "count", "sales that a customer other than the buyer recommended", of="sales"),
    Measure("referred_gross", "money", "amount of the referred sales", of="sales"),
    Measure(
        "refunded_sales",
        "count",
        "sales of this time that have any refund or chargeback that was not undone, whenever that was",
        of="sales",
    ),
    Measure(
        "answered_sales", "count", "sales of this time with at least one linked answer, whenever that was", of="sales"
    ),
    Measure("refunds", "count", "refunds, at refund time"),
    Measure("refunded", "money", "amount refunded, at refund time", of="refunds"),
    Measure(
        "commission_reversed",
        "money",
        "commission taken back by refunds and chargebacks, at their time",
        of="refunds chargebacks",
    ),
    Measure("chargebacks", "count", "chargebacks, at their time"),
    Measure("charged_back", "money", "amount charged back, at chargeback time", of="chargebacks"),
    Measure("invitations", "count", "linked invitations to give feedback, at invitation time"),
    Measure("feedback", "count", "linked answers, at answer time"),
    Measure("promoters", "count", "answers with NPS 9 or 10", of="feedback"),
    Measure("passives", "count", "answers with NPS 7 or 8", of="feedback"),
    Measure("detractors", "count", "answers with NPS 0 to 6", of="feedback"),
    Measure("csat_answers", "count", "answers with a CSAT score (1 to 5)", of="feedback"),
    Measure("csat_satisfied", "count", "answers with CSAT 4 or 5", of="feedback"),
    Measure("csat_score_sum", "scores", "sum of the CSAT scores", of="feedback"),
    Measure("ces_answers", "count", "answers with a CES score (1 to 7)", of="feedback"),
    Measure("ces_score_sum", "scores", "sum of the CES scores", of="feedback"),
    Measure("done_right", "count", "answers that name something done right", of="feedback"),
    Measure("needs_improvement", "count", "answers that name something to improve", of="feedback"),
    Measure("unmet_expectation", "count", "answers that name an unmet expectation", of="feedback"),
    Measure("not_considered", "count", "answers that name an aspect nobody thought of at the sale", of="feedback"),
    Measure(
        "missing_information", "count", "answers that name something the affiliate should have told", of="feedback"
    ),
    Measure(
        "feedback_delay_seconds_sum",
        "seconds",
        "sum over linked answers of answer time minus sale time, in seconds",
        of="feedback",
    ),
    Measure("unlinked_feedback", "count", "answers that link to no sale; they count for the brand alone, affiliate ''"),
    Measure("renewals", "count", "sales of a subscription but for the customer's earliest valid one of it", of="sales"),
    Measure(
        "mismatched_amounts",
        "count",
        "refunds and chargebacks in another currency than their sale, at their time, and sales whose attribution's commission "
        "is in another currency: the amounts in it count nowhere",
        of="sales refunds chargebacks",
    ),
    Measure(
        "without_sale",
        "count",
        "refunds, chargebacks and attributions whose sale has not come, at their time; they count for the brand alone, "
        "affiliate ''",
    ),
    Measure("comments", "count", "answers with a comment and without findings of their own", of="feedback"),
    Measure("with_findings", "count", "answers with at least one finding", of="feedback"),
)

# Of a topic's pane, of the answers that name it with its verdict; they mean what they mean of all answers.
TOPIC_MEASURES: Final = ("answers", "promoters", "passives", "detractors", "csat_answers", "csat_satisfied")

MEASURES: Final = tuple(measure.name for measure in DEFINITIONS)
MONEY: Final = frozenset(measure.name for measure in DEFINITIONS if measure.kind == "money")
# A key that has none of these has no measure at all.
STANDING_ALONE: Final = tuple(measure.name for measure in DEFINITIONS if not measure.of)

MONEY_SCALE: Final = 4  # decimal places on the wire, in state and in the views
MONEY_UNIT: Final = 10**MONEY_SCALE  # ten-thousandths in one unit of a currency

VERDICTS: Final = ("DONE_RIGHT", "NEEDS_IMPROVEMENT", "UNMET_EXPECTATION", "NOT_CONSIDERED", "MISSING_INFORMATION")
