"""From a view to its SQL, by Jinja. Owns what the templates may name."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from schemas.measures import STANDING_ALONE, TOPIC_MEASURES
from sinks.views import columns
from sinks.views.catalogue import OTHERS, TRAILING, TRAILING_DAYS
from sinks.views.of_sales import CAMPAIGN_RATES, CAMPAIGN_SCORES
from sinks.views.view import View
from sinks.windows import SALE_WINDOWS, WINDOWS

TEMPLATES: Final = Path(__file__).parent / "templates"
_PARTS: Final = "_parts.sql"


def rendered(view: View) -> str:
    """The statement that makes the view, with what is to be said about it in front."""
    return _ENVIRONMENT.get_template(view.template).render(view=view).strip()


def functions() -> str:
    """The functions in which rates are written, as the views define them."""
    found: str = _ENVIRONMENT.get_template(_PARTS).module.functions()  # type: ignore[attr-defined]
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _environment() -> Environment:
    made = Environment(  # noqa: S701 - SQL is no HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["quoted"] = _quoted
    made.globals |= {
        "AS_MONEY": columns.AS_MONEY,
        "measures": columns.MEASURE_COLUMNS,
        "least": columns.THIN,
        "others": OTHERS,
        "summed": (columns.NET, columns.EARNINGS, columns.NPS_ANSWERS),
        "of_campaign": {"scores": CAMPAIGN_SCORES, "rates": CAMPAIGN_RATES},
        "of_row": columns.of_row,
        "of_rows": columns.of_rows,
        "rates": columns.RATES,
        "sale_windows": SALE_WINDOWS,
        "standing_alone": STANDING_ALONE,
        "topic_measures": TOPIC_MEASURES,
        "trailing": TRAILING,
        "trailing_days": TRAILING_DAYS,
        "windows": WINDOWS,
    }
    return made


_ENVIRONMENT: Final = _environment()
