"""The lines behind a number: the sales, reversals, invitations and answers that a cell of the views adds up, each with a share.

Owns what a line of each measure is, in ClickHouse's SQL. Reads base tables, so it needs the pipeline's user; never writes, and
never puts a value into SQL text. Invariant: of any panes, the shares of all lines of a measure add up to the cell.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.measures import VERDICTS
from sinks.errors import sink_errors
from sinks.windows import Window


class Cell(NamedTuple):
    """What a number is of: affiliate '' for direct sales, and currency '' for answers that link to no sale."""

    brand_id: str
    affiliate_id: str
    currency: str


class PaneSpan(NamedTuple):
    """Whole panes: what happened from `start_ms` to before `end_ms`, in epoch milliseconds."""

    start_ms: int
    end_ms: int


class LineKey(NamedTuple):
    """Where a line stands among the others; they are in this order. `tie` tells two customers with one sale_id apart."""

    occurred_at_ms: int
    sale_id: str
    reversal_id: str
    feedback_id: str
    tie: int


class Line(NamedTuple):
    """One sale, reversal, invitation or answer. Its share is in the measure's unit: money in ten-thousandths."""

    kind: str  # sale, refund, chargeback, invitation, answer
    key: LineKey
    share: int


class Explained(NamedTuple):
    """A number opened. `shown` is what the views show, `total` what all `size` lines add up to: the same, unless rows are on
    their way. `lines` are some of them, and there are `more` after these, or not."""

    shown: int
    total: int
    size: int
    lines: list[Line]
    more: bool


class _Lines(NamedTuple):
    """Of a measure: where its lines come from (_SOURCES), the share of each, and which of them count."""

    source: str
    share: str
    condition: str = "1"


def _named(verdict: str) -> _Lines:
    return _Lines("answer", "1", f"position(concat(',', a.findings), ',{verdict}:') > 0")


_DELAY_MS: Final = "(toUnixTimestamp64Milli(a.answered_at) - toUnixTimestamp64Milli(s.occurred_at))"
_REFERRED: Final = "s.referred_by NOT IN ('', s.customer_id)"
_IN_ITS_CURRENCY: Final = "r.status = 'counted'"  # of the others neither amount nor commission counts
LINES: Final[Mapping[str, _Lines]] = MappingProxyType(
    {
        "sales": _Lines("sale", "1"),
        "gross": _Lines("sale", "s.amount"),
        "commission": _Lines("sale", "s.commission"),
        "new_customers": _Lines("sale", "1", "s.is_new_customer"),
        "repeat_sales": _Lines("sale", "1", "NOT s.is_new_customer"),
        "referred_sales": _Lines("sale", "1", _REFERRED),
        "referred_gross": _Lines("sale", "s.amount", _REFERRED),
        "refunded_sales": _Lines("sale", "1", "s.refunds + s.chargebacks > 0"),
        "answered_sales": _Lines("sale", "1", "s.answers > 0"),
        "refunds": _Lines("reversal", "1", "r.kind = 'REFUND'"),
        "refunded": _Lines("reversal", "r.amount", f"r.kind = 'REFUND' AND {_IN_ITS_CURRENCY}"),
        "commission_reversed": _Lines("reversal", "r.commission", _IN_ITS_CURRENCY),
        "chargebacks": _Lines("reversal", "1", "r.kind = 'CHARGEBACK'"),
        "charged_back": _Lines("reversal", "r.amount", f"r.kind = 'CHARGEBACK' AND {_IN_ITS_CURRENCY}"),
        "invitations": _Lines("invitation", "1"),
        "feedback": _Lines("answer", "1"),
        "promoters": _Lines("answer", "1", "a.nps >= 9"),
        "passives": _Lines("answer", "1", "a.nps IN (7, 8)"),
        "detractors": _Lines("answer", "1", "a.nps <= 6"),
        "csat_answers": _Lines("answer", "1", "a.csat IS NOT NULL"),
        "csat_satisfied": _Lines("answer", "1", "a.csat >= 4"),
        "csat_score_sum": _Lines("answer", "assumeNotNull(a.csat)", "a.csat IS NOT NULL"),
        "ces_answers": _Lines("answer", "1", "a.ces IS NOT NULL"),
        "ces_score_sum": _Lines("answer", "assumeNotNull(a.ces)", "a.ces IS NOT NULL"),
        **{verdict.lower(): _named(verdict) for verdict in VERDICTS},
        # whole seconds, rounded down, below zero too
        "feedback_delay_seconds_sum": _Lines(
            "answer", f"intDiv({_DELAY_MS} - positiveModulo({_DELAY_MS}, 1000), 1000)"
        ),
        "unlinked_feedback": _Lines("unlinked", "1"),
        "renewals": _Lines("sale", "1", "s.is_renewal"),
        "mismatched_amounts": _Lines("mismatched", "1"),
        "comments": _Lines("answer", "1", "a.has_comment AND a.findings = ''"),
        "with_findings": _Lines("answer", "1", "a.findings != ''"),
    }
)

# By source: the lines, where <share> and <condition> are those of the measure. What counts is under the affiliate and the
# currency of its sale, and of a valid sale alone.
_SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sale": """
            SELECT 'sale' AS what, <ms:s.occurred_at> AS at, s.sale_id AS sale, '' AS reversal, '' AS feedback,
                s.customer_id AS customer, toInt64(<share>) AS share
            FROM journeys AS s FINAL
            WHERE <cell> AND <then:s.occurred_at> AND <condition>""",
        "reversal": """
            SELECT lower(r.kind) AS what, <ms:r.occurred_at> AS at, r.sale_id AS sale, r.reversal_id AS reversal,
                '' AS feedback, r.customer_id AS customer, toInt64(<share>) AS share
            FROM reversals AS r FINAL
            INNER JOIN <its sale> ON s.customer_id = r.customer_id AND s.sale_id = r.sale_id
            WHERE <brand:r> AND r.status IN ('counted', 'mismatched') AND <then:r.occurred_at> AND <condition>""",
        # Sales whose attribution is in another currency have one more than their reversals; then these.
        "mismatched": """
            SELECT 'sale' AS what, <ms:s.occurred_at> AS at, s.sale_id AS sale, '' AS reversal, '' AS feedback,
                s.customer_id AS customer, toInt64(<share>) AS share
            FROM journeys AS s FINAL
            WHERE <cell> AND <then:s.occurred_at> AND <condition> AND s.mismatched_amounts > 0
                AND (s.customer_id, s.sale_id, s.mismatched_amounts) NOT IN (
                    SELECT r.customer_id, r.sale_id, toInt64(count()) FROM reversals AS r FINAL
                    WHERE <brand:r> AND r.status = 'mismatched' GROUP BY r.customer_id, r.sale_id)
            UNION ALL
            SELECT lower(r.kind) AS what, <ms:r.occurred_at> AS at, r.sale_id AS sale, r.reversal_id AS reversal,
                '' AS feedback, r.customer_id AS customer, toInt64(<share>) AS share
            FROM reversals AS r FINAL
            INNER JOIN <its sale> ON s.customer_id = r.customer_id AND s.sale_id = r.sale_id
            WHERE <brand:r> AND r.status = 'mismatched' AND <then:r.occurred_at> AND <condition>""",
        "invitation": """
            SELECT 'invitation' AS what, <ms:a.invited_at> AS at, a.invited_sale_id AS sale, '' AS reversal,
                a.feedback_id AS feedback, a.customer_id AS customer, toInt64(<share>) AS share
            FROM answers AS a FINAL
            INNER JOIN <its sale> ON s.customer_id = a.customer_id AND s.sale_id = a.invited_sale_id
            WHERE <brand:a> AND a.invited_sale_id != '' AND <then:a.invited_at> AND <condition>""",
        "answer": """
            SELECT 'answer' AS what, <ms:a.answered_at> AS at, a.sale_id AS sale, '' AS reversal,
                a.feedback_id AS feedback, a.customer_id AS customer, toInt64(<share>) AS share
            FROM answers AS a FINAL
            INNER JOIN <its sale> ON s.customer_id = a.customer_id AND s.sale_id = a.sale_id
            WHERE <brand:a> AND a.status = 'answered' AND a.sale_id != '' AND <then:a.answered_at> AND <condition>""",
        "unlinked": """
            SELECT 'answer' AS what, <ms:a.answered_at> AS at, '' AS sale, '' AS reversal,
                a.feedback_id AS feedback, a.customer_id AS customer, toInt64(<share>) AS share
            FROM answers AS a FINAL
            WHERE <brand:a> AND a.status = 'answered' AND a.sale_id = '' AND {affiliate_id:String} = ''
                AND {currency:String} = '' AND <then:a.answered_at> AND <condition>""",
    }
)
_PARTS: Final = (
    ("<its sale>", "(SELECT s.customer_id, s.sale_id, s.occurred_at FROM journeys AS s FINAL WHERE <cell>) AS s"),
    (
        "<cell>",
        "<brand:s> AND s.affiliate_id = {affiliate_id:String} AND s.currency = {currency:String} AND s.status = 'valid'",
    ),
    (r"<brand:(\w)>", r"\1.generation = <current> AND \1.brand_id = {brand_id:String}"),
    ("<current>", "(SELECT greatest(1, max(g.generation)) FROM generations AS g)"),
    (r"<then:([\w.]+)>", r"<ms:\1> >= {start_ms:Int64} AND <ms:\1> < {end_ms:Int64}"),
    (r"<ms:([\w.]+)>", r"toUnixTimestamp64Milli(\1)"),
)
_SHOWN: Final = """
    SELECT sum(toInt128(p.<measure>)) FROM affiliate_panes AS p FINAL
    WHERE <brand:p> AND p.affiliate_id = {affiliate_id:String} AND p.currency = {currency:String}
        AND p.bucket >= toDateTime({start_s:UInt32}, 'UTC') AND p.bucket < toDateTime({end_s:UInt32}, 'UTC')"""
_SUMS: Final = "SELECT (<shown>), sum(toInt128(l.share)), count() FROM (<lines>) AS l"
_PAGE: Final = """
    SELECT l.what, l.at, l.sale, l.reversal, l.feedback, sipHash64(l.customer) AS tie, l.share FROM (<lines>) AS l
    WHERE <after>
    ORDER BY l.at, l.sale, l.reversal, l.feedback, tie
    LIMIT {limit:UInt32}"""
_AFTER: Final = """(l.at, l.sale, l.reversal, l.feedback, tie)
    > ({occurred_at_ms:Int64}, {sale_id:String}, {reversal_id:String}, {feedback_id:String}, {tie:UInt64})"""


def of_window(window: Window, at: datetime, pane_s: int) -> PaneSpan:
    """The panes of a window of `affiliate_rolling_at` that ends at an aware time: [at - window, at) by pane start."""
    end_s = int(at.timestamp())
    first, beyond = (-(-moment_s // pane_s) for moment_s in (end_s - window.seconds, end_s))
    return PaneSpan(first * pane_s * 1000, beyond * pane_s * 1000)


def between(start: datetime, end: datetime, pane_s: int) -> PaneSpan:
    """The panes that begin from an aware time to before another one: a bucket, a day, or any number of them."""
    first, beyond = (-int(-moment.timestamp() // pane_s) for moment in (start, end))
    return PaneSpan(first * pane_s * 1000, beyond * pane_s * 1000)


def explained(client: Client, cell: Cell, measure: str, span: PaneSpan, after: LineKey | None, limit: int) -> Explained:
    """A number with up to `limit` of its lines, in the order of LineKey: those after a place, or the first.

    The measure is one of LINES. Raises SinkError."""
    of_measure = LINES[measure]
    lines = (
        _SOURCES[of_measure.source].replace("<share>", of_measure.share).replace("<condition>", of_measure.condition)
    )
    sums = _SUMS.replace("<shown>", _SHOWN.replace("<measure>", measure)).replace("<lines>", lines)
    page = _PAGE.replace("<lines>", lines).replace("<after>", _AFTER if after else "1")
    with sink_errors("opening a number"):
        parameters: dict[str, Any] = cell._asdict() | span._asdict() | {"limit": limit + 1}
        parameters |= {"start_s": span.start_ms // 1000, "end_s": span.end_ms // 1000}
        shown, total, size = client.query(_whole(sums), parameters=parameters).result_rows[0]
        parameters |= after._asdict() if after else {}
        found = client.query(_whole(page), parameters=parameters).result_rows
    listed = [Line(what, LineKey(*place), share) for what, *place, share in found[:limit]]
    return Explained(shown, total, size, listed, len(found) > limit)


def _whole(sql: str) -> str:
    for mark, part in _PARTS:
        sql = re.sub(mark, part, sql)
    return sql
