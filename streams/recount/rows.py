"""The base tables' rows of sales, reversals and answers, column by column, without generation and version.

Owns what each column shows, from the contract's text alone. Money in ten-thousandths, times in epoch ms.
"""

from schemas.events import Feedback, Reversal, Sale

Row = dict[str, object]


def bucket(epoch_ms: int, pane_s: int) -> int:
    """The start of the pane that holds an instant, in epoch seconds."""
    return epoch_ms // (pane_s * 1000) * pane_s


def sold(sale: Sale) -> Row:
    """Of a journey: what the sale itself says, as it is attributed."""
    return {
        "brand_id": sale.brand_id,
        "sale_id": sale.sale_id,
        "customer_id": sale.customer_id,
        "affiliate_id": sale.affiliate_id or "",
        "product_id": sale.product_id,
        "offering": sale.offering,
        "campaign": sale.campaign or "",
        "status": "valid" if sale.action == "PLACED" else "rejected",
        "amount": sale.amount,
        "commission": sale.commission,
        "currency": sale.currency,
        "occurred_at": sale.occurred_at,
        "referred_by": sale.referred_by or "",
        "subscription_id": sale.subscription_id or "",
    }


def heard(sale: Sale, answers: list[Feedback]) -> Row:
    """Of a journey: what the answers say, from the first to the last."""
    scored = [(answer, scores_of(answer)) for answer in answers if scores_of(answer)]
    metric, score = next(iter(scored[-1][1].items())) if scored else ("", None)
    last: dict[str, int] = {}
    for _, scores in scored:
        last |= scores
    return {
        "answers": len(answers),
        "last_metric": metric,
        "last_score": score,
        "last_nps": last.get("NPS"),
        "last_csat": last.get("CSAT"),
        "last_ces": last.get("CES"),
        "verdicts": ",".join(sorted({finding.verdict for answer in answers for finding in answer.findings})),
        "feedback_delay_seconds": (answers[0].occurred_at - sale.occurred_at) // 1000 if answers else None,
    }


def said(answer: Feedback | None) -> Row:
    """Of an answer's row: what was said."""
    if answer is None:
        return {
            "metric": "", "score": None, "findings": "", "answered_at": 0, "nps": None, "csat": None, "ces": None,
            "has_comment": 0,
        }  # fmt: skip
    scores = scores_of(answer)
    return {
        "metric": answer.metric or "",
        "score": answer.score,
        "findings": ",".join(sorted({f"{finding.verdict}:{finding.topic}" for finding in answer.findings})),
        "answered_at": answer.occurred_at,
        "nps": scores.get("NPS"),
        "csat": scores.get("CSAT"),
        "ces": scores.get("CES"),
        "has_comment": 0 if answer.comment is None else 1,
    }


def scores_of(answer: Feedback) -> dict[str, int]:
    """An answer's scores by metric, its own first."""
    own = {} if answer.metric is None or answer.score is None else {answer.metric: answer.score}
    return own | {score.metric: score.score for score in answer.scores}


def reversal_row(reversal: Reversal, sale: Sale | None) -> Row:
    """A reversal, and the sale of which it is, if that has come."""
    if reversal.kind == "UNDONE":
        status = "undone"
    elif sale is None:
        status = "without_sale"
    elif sale.action == "REJECTED":
        status = "rejected"
    else:
        status = "counted" if reversal.currency == sale.currency else "mismatched"
    return {
        "brand_id": reversal.brand_id,
        "sale_id": reversal.sale_id,
        "reversal_id": reversal.reversal_id,
        "customer_id": reversal.customer_id,
        "kind": reversal.kind,
        "status": status,
        "affiliate_id": (sale.affiliate_id or "") if sale else "",
        "campaign": (sale.campaign or "") if sale else "",
        "amount": reversal.amount,
        "commission": reversal.commission,
        "currency": reversal.currency,
        "occurred_at": reversal.occurred_at,
    }
