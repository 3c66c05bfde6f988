"""The rolling report for a terminal: what a person reads of one affiliate, window by window.

Pure: rows of the views in, rich tables out. Never asks ClickHouse. Invariants: amounts of different currencies are
never added; a score never stands without its interval and how thin its evidence is.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.measures import VERDICTS
from sinks.reading import total
from streams.visible import visible
from streams.words import WORDS

Row = Mapping[str, Any]

WIDTH: Final = 100
TOPICS_SHOWN: Final = 3  # of each verdict
# Topics are told of the longest window in which something was said: the most evidence.
_WINDOWS: Final = ("1h", "24h", "7d", "30d")

# What is worth a line of its own where there is any: over all currencies, since these are counts.
_TOLD_APART: Final = ("renewals", "mismatched_amounts", "without_sale", "unlinked_feedback")

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "window": "Window", "sales": "Sales", "net": "Net", "new": "New", "repeat": "Repeat", "refunds": "Refunded",
        "nps": "NPS (95 %)", "csat": "CSAT (95 %)", "evidence": "Evidence",
        "complete": "Complete up to {time} UTC, status {status}, {lag} records waiting",
        "unlinked_feedback": "Answers that no sale could be found for: {counts}",
        "renewals": "Renewals of subscriptions among the sales: {counts}",
        "mismatched_amounts": "Amounts in another currency than their sale's, which don't add up: {counts}",
        "without_sale": "Refunds, chargebacks and attributions whose sale nobody has told of: {counts}",
        "never": "No worker has reported yet: is one running?",
        "nothing": "Nothing was sold or said in the last 30 days.",
        "more": "{lift} x the others",
        "what": "What customers said in {window}, in % of the answers with findings",
        "DONE_RIGHT": "Done right, go on", "NEEDS_IMPROVEMENT": "To improve", "UNMET_EXPECTATION": "Unmet expectation",
        "NOT_CONSIDERED": "Not considered at the sale", "MISSING_INFORMATION": "Not told at the sale",
    },
    "es": {
        "window": "Ventana", "sales": "Ventas", "net": "Neto", "new": "Nuevos", "repeat": "Repiten",
        "refunds": "Devueltas", "nps": "NPS (95 %)", "csat": "CSAT (95 %)", "evidence": "Evidencia",
        "complete": "Completo hasta {time} UTC, estado {status}, {lag} registros en espera",
        "unlinked_feedback": "Respuestas sin venta conocida: {counts}",
        "renewals": "Renovaciones de suscripciones entre las ventas: {counts}",
        "mismatched_amounts": "Importes en otra moneda que la de su venta, que no se suman: {counts}",
        "without_sale": "Devoluciones, contracargos y atribuciones de ventas que nadie ha comunicado: {counts}",
        "never": "Ningún worker ha informado aún: ¿hay alguno en marcha?",
        "nothing": "No se vendió ni se opinó nada en los últimos 30 días.",
        "more": "{lift} x los demás",
        "what": "Lo que dijeron los clientes en {window}, en % de las respuestas con hallazgos",
        "DONE_RIGHT": "Bien hecho, seguir así", "NEEDS_IMPROVEMENT": "Por mejorar",
        "UNMET_EXPECTATION": "Expectativa no cumplida", "NOT_CONSIDERED": "No se consideró en la venta",
        "MISSING_INFORMATION": "No se dijo en la venta",
    },
}  # fmt: skip

_STATUS_STYLES: Final = {"ok": "green", "idle": "green", "behind": "yellow", "stalled": "red"}


def paper() -> Console:
    """Where tables are printed: as wide as the terminal, and 100 columns where there is none."""
    width = max(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH
    return Console(highlight=False, width=width)


def render(rolling: Iterable[Row], topics: Iterable[Row], freshness: Iterable[Row], lang: str) -> Group:
    """The report of the given rows, one block an affiliate. `lang` is one of words.LANGUAGES."""
    texts = WORDS[lang] | _TEXTS[lang]
    said: dict[tuple[str, str], list[Row]] = {}
    for row in topics:
        said.setdefault((row["brand_id"], row["affiliate_id"]), []).append(row)
    parts: list[RenderableType] = [_freshness_line(freshness, texts)]
    for key, rows in groupby(rolling, lambda row: (row["brand_id"], row["affiliate_id"])):
        parts += _affiliate(key, list(rows), said.get(key, []), texts)
    if len(parts) == 1:
        parts.append(Text(texts["nothing"]))
    return Group(*parts)


def _freshness_line(freshness: Iterable[Row], texts: Mapping[str, str]) -> Text:
    whole = total(freshness)
    if whole is None:
        return Text(texts["never"], style="red")
    line = texts["complete"].format(
        time=_time(whole["complete_up_to"]), status=texts[whole["status"]], lag=whole["lag_records"]
    )
    return Text(line, style=_STATUS_STYLES[whole["status"]])


def _affiliate(
    key: tuple[str, str], rows: list[Row], topics: list[Row], texts: Mapping[str, str]
) -> Iterator[RenderableType]:
    brand, affiliate = key
    yield Text(f"\n{visible(brand)} / {visible(affiliate) or texts['direct']}", style="bold")
    table = Table(box=None, pad_edge=False, width=WIDTH)
    table.add_column(texts["window"], no_wrap=True)
    for name in ("sales", "net", "new", "repeat", "refunds", "nps", "csat"):
        table.add_column(texts[name], justify="right", no_wrap=True)
    table.add_column(texts["evidence"], no_wrap=True)
    sold = [row for row in rows if row["currency"]]
    for row in sold:
        table.add_row(
            row["window"],
            f"{row['sales']:,}",
            f"{row['net']:,.2f} {row['currency']}",
            f"{row['new_customers']:,}",
            f"{row['repeat_sales']:,}",
            _percent(row["refund_rate"]),
            _interval(row["nps"], row["nps_low"], row["nps_high"], 1),
            _interval(row["csat"], row["csat_low"], row["csat_high"], 100),
            texts[row["evidence"]],
        )
    if sold:
        yield table
    for name in _TOLD_APART:
        counts = Counter[str]()
        for row in rows:
            counts[row["window"]] += row[name]
        told = [f"{counts[window]:,} ({window})" for window in _WINDOWS if counts[window]]
        if told:
            yield Text(texts[name].format(counts=", ".join(told)))
    if topics:
        yield from _said(topics, texts)


def _said(topics: list[Row], texts: Mapping[str, str]) -> Iterator[RenderableType]:
    window = max((row["window"] for row in topics), key=_WINDOWS.index)
    table = Table(box=None, pad_edge=False, width=WIDTH, show_header=False)
    table.add_column(width=28)
    table.add_column()
    for verdict in VERDICTS:
        found = [row for row in topics if row["window"] == window and row["verdict"] == verdict]
        found = sorted(found, key=lambda row: (-row["answers"], row["topic"]))[:TOPICS_SHOWN]
        if found:
            table.add_row(texts[verdict], "; ".join(_topic(row, texts) for row in found))
    yield Text(texts["what"].format(window=window), style="italic")
    yield table


def _topic(row: Row, texts: Mapping[str, str]) -> str:
    parts = [_percent(row["share"])]
    if row["lift"] is not None:
        parts.append(texts["more"].format(lift=f"{row['lift']:.1f}"))
    return f"{row['topic']} ({', '.join(parts)})"


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _interval(value: float | None, low: float | None, high: float | None, scale: int) -> str:
    """The value with its bounds, in whole points; '-' where there are no answers."""
    if value is None or low is None or high is None:
        return "-"
    return f"{value * scale:.0f} ({low * scale:.0f} to {high * scale:.0f})"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
