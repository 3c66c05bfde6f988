"""A number and its lines for a terminal.

Pure: what was found in, rich tables out. Never asks ClickHouse.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.measures import MONEY, MONEY_SCALE
from sinks.explaining import Cell, Explained, Line, PaneSpan
from streams.visible import visible
from streams.words import WORDS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "time": "Time (UTC)", "kind": "What", "sale_id": "Sale", "reversal_id": "Reversal", "feedback_id": "Feedback",
        "share": "Share", "span": "from {start} to {end} UTC", "lines": "{shown} of {count} lines",
        "next": "go on with --after {next}",
        "sale": "sale", "refund": "refund", "chargeback": "chargeback", "answer": "answer", "invitation": "invitation",
    },
    "es": {
        "time": "Hora (UTC)", "kind": "Qué", "sale_id": "Venta", "reversal_id": "Devolución", "feedback_id": "Opinión",
        "share": "Aporta", "span": "de {start} a {end} UTC", "lines": "{shown} de {count} líneas",
        "next": "sigue con --after {next}",
        "sale": "venta", "refund": "devolución", "chargeback": "contracargo", "answer": "respuesta",
        "invitation": "invitación",
    },
}  # fmt: skip


def instant(epoch_ms: int) -> str:
    """A time in ISO 8601, in UTC, with its milliseconds."""
    return (_EPOCH + timedelta(milliseconds=epoch_ms)).isoformat(timespec="milliseconds")


def amount(measure: str, value: int) -> str:
    """A number as the views show it: money as an exact decimal."""
    return str(Decimal(value).scaleb(-MONEY_SCALE)) if measure in MONEY else str(value)


def explanation(cell: Cell, measure: str, span: PaneSpan, found: Explained, next_page: str | None, lang: str) -> Group:
    """The number, its lines, and how to go on. `lang` is one of words.LANGUAGES."""
    texts = WORDS[lang] | _TEXTS[lang]
    who = f"{visible(cell.brand_id)} / {visible(cell.affiliate_id) or texts['direct']}"
    unit = f" {visible(cell.currency)}" if cell.currency else ""
    when = texts["span"].format(start=_minute(span.start_ms), end=_minute(span.end_ms))
    parts: list[RenderableType] = [
        Text(f"{who}: {measure} {amount(measure, found.total)}{unit}", style="bold"), Text(when)
    ]  # fmt: skip
    if found.lines:
        parts.append(_table(measure, found.lines, texts))
    parts.append(Text(texts["lines"].format(shown=f"{len(found.lines):,}", count=f"{found.size:,}")))
    if next_page:
        parts.append(Text(texts["next"].format(next=next_page), overflow="fold"))
    return Group(*parts)


def _table(measure: str, lines: list[Line], texts: dict[str, str]) -> Table:
    ids = [name for name in ("sale_id", "reversal_id", "feedback_id") if any(getattr(line.key, name) for line in lines)]
    table = Table(box=None, pad_edge=False)
    table.add_column(texts["time"], no_wrap=True)
    table.add_column(texts["kind"], no_wrap=True)
    for name in ids:
        table.add_column(texts[name], overflow="fold")
    table.add_column(texts["share"], justify="right", no_wrap=True)
    for line in lines:
        shown = [Text(visible(getattr(line.key, name))) for name in ids]
        time = instant(line.key.occurred_at_ms)[:23].replace("T", " ")
        table.add_row(time, texts[line.kind], *shown, amount(measure, line.share))
    return table


def _minute(epoch_ms: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=epoch_ms):%Y-%m-%d %H:%M}"
