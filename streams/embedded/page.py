"""The overview page as HTML: what runs where, how fresh the numbers are, the rolling report's key columns.

Pure: rows in, text out, everything escaped. English and Spanish.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from streams.visible import visible
from streams.words import LANGUAGES, WORDS

ROWS_MAX: Final = 200  # a page for people; BI tools read the views

STYLE: Final = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto }
caption { text-align: start; font-size: 1.25rem; font-weight: 600; padding: 1rem 0 .5rem }
th, td { padding: .25rem .75rem; text-align: end }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
th { font-weight: 600 }
.text { text-align: start }
.stalled, .behind { font-weight: 700 }
"""

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "posventa: what customers finally thought", "other": "Español",
        "servers": "What runs where", "freshness": "Freshness", "report": "Rolling report, best sellers first",
        "nothing": "Nothing yet: publish sales and feedback, or try posventa demo.",
        "away": "ClickHouse does not answer; it is restarted by itself. This page tries again.",
        "topic": "topic", "partition": "partition", "complete_up_to": "complete up to (UTC)",
        "lag_records": "lag, records", "lag_seconds": "lag, seconds", "status": "status", "total": "total",
        "brand_id": "brand", "affiliate_id": "affiliate", "window": "window", "currency": "currency",
        "sales": "sales", "net": "net", "new_customers": "new", "repeat_sales": "repeat", "nps": "NPS", "csat": "CSAT",
        "refund_rate": "refunded", "evidence": "evidence",
    },
    "es": {
        "title": "posventa: lo que al final pensaron los clientes", "other": "English",
        "servers": "Qué se ejecuta y dónde", "freshness": "Actualidad",
        "report": "Informe móvil, primero los que más venden",
        "nothing": "Aún no hay nada: publique ventas y opiniones, o pruebe posventa demo.",
        "away": "ClickHouse no responde; se reinicia solo. Esta página volverá a intentarlo.",
        "topic": "tema", "partition": "partición", "complete_up_to": "completo hasta (UTC)",
        "lag_records": "retraso, registros", "lag_seconds": "retraso, segundos", "status": "estado", "total": "total",
        "brand_id": "marca", "affiliate_id": "afiliado", "window": "ventana", "currency": "moneda",
        "sales": "ventas", "net": "neto", "new_customers": "nuevos", "repeat_sales": "recompras", "nps": "NPS",
        "csat": "CSAT", "refund_rate": "devueltas", "evidence": "evidencia",
    },
}  # fmt: skip

_FRESHNESS: Final = ("topic", "partition", "complete_up_to", "lag_records", "lag_seconds", "status")
_REPORT: Final = (
    "brand_id", "affiliate_id", "window", "currency", "sales", "net", "new_customers", "repeat_sales", "nps", "csat",
    "refund_rate", "evidence",
)  # fmt: skip
_TEXT_COLUMNS: Final = frozenset({"topic", "status", "brand_id", "affiliate_id", "window", "currency", "evidence"})

Row = Mapping[str, Any]


def overview(lang: str, servers: Mapping[str, str], fresh: Iterable[Row] | None, report: Iterable[Row]) -> str:
    """The whole page. `fresh` is None when ClickHouse is away."""
    texts = WORDS[lang] | _TEXTS[lang]
    other = LANGUAGES[1 - LANGUAGES.index(lang)]
    body = _table(texts, "servers", ("", ""), [(escape(name), escape(where)) for name, where in servers.items()], 2)
    if fresh is None:
        body += f"<p role=status>{escape(texts['away'])}</p>"
    else:
        body += _table(texts, "freshness", _FRESHNESS, [_cells(texts, _FRESHNESS, row) for row in fresh])
        best = sorted(report, key=lambda row: row["net"], reverse=True)[:ROWS_MAX]
        body += (
            _table(texts, "report", _REPORT, [_cells(texts, _REPORT, row) for row in best])
            if best
            else f"<p>{escape(texts['nothing'])}</p>"
        )
    return (
        f'<!doctype html><html lang={lang}><head><meta charset=utf-8><meta http-equiv=refresh content=10>'
        f'<meta name=viewport content="width=device-width"><title>{escape(texts["title"])}</title>'
        f'<link rel=stylesheet href=/style.css></head><body><h1>{escape(texts["title"])}</h1>'
        f'<p><a href="/?lang={other}" hreflang={other} lang={other}>{texts["other"]}</a></p>{body}</body></html>'
    )  # fmt: skip


def _table(
    texts: Mapping[str, str], caption: str, columns: Iterable[str], rows: Iterable[Iterable[str]], text_columns: int = 0
) -> str:
    names = list(columns)
    kinds = [" class=text" if name in _TEXT_COLUMNS or place < text_columns else "" for place, name in enumerate(names)]
    head = "".join(
        f"<th scope=col{kind}>{escape(texts[name])}" for name, kind in zip(names, kinds, strict=True) if name
    )
    lines = "".join("<tr>" + "".join(f"<td{k}>{cell}" for cell, k in zip(row, kinds, strict=True)) for row in rows)
    return f"<table><caption>{escape(texts[caption])}</caption><thead><tr>{head}</thead><tbody>{lines}</tbody></table>"


def _cells(texts: Mapping[str, str], columns: Iterable[str], row: Row) -> list[str]:
    return [escape(visible(_shown(texts, column, row[column]))) for column in columns]


def _shown(texts: Mapping[str, str], column: str, value: Any) -> str:  # noqa: PLR0911 - one line for each kind of column
    if value is None:
        return "–"
    if column == "topic":
        return str(value) or texts["total"]
    if column == "partition":
        return "" if value < 0 else str(value)
    if column == "affiliate_id":
        return str(value) or texts["direct"]
    if column in ("status", "evidence"):
        return texts[value]
    if column == "complete_up_to":
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if column in ("csat", "refund_rate"):
        return f"{value:.0%}"
    if column == "net":
        return f"{value:,.2f}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)
