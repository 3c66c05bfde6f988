"""What the screens of people share: the languages that we speak, and the words of the views' values in each.

Owns the choice of a language. A screen keeps its own texts (cli/report_table.py, embedded/page.py); a word that two of
them show stands here. Invariant: every word is there in every language.
"""

import re
from collections.abc import Iterable
from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "direct": "(direct)",  # where an affiliate would stand
        "none": "none", "thin": "thin", "indicative": "indicative", "solid": "solid",  # evidence
        "ok": "ok", "idle": "idle", "behind": "behind", "stalled": "stalled",  # status
    },
    "es": {
        "direct": "(directa)",
        "none": "ninguna", "thin": "escasa", "indicative": "indicativa", "solid": "sólida",
        "ok": "bien", "idle": "sin actividad", "behind": "atrasado", "stalled": "parado",
    },
}  # fmt: skip
LANGUAGES: Final = tuple(WORDS)


def spoken(tags: Iterable[str]) -> str:
    """The first language of the tags (`es`, `es-MX;q=0.5`, `es_ES.UTF-8`) that we speak, else English."""
    for tag in tags:
        language = re.split(r"[-_;.]", tag.strip(), maxsplit=1)[0].lower()
        if language in LANGUAGES:
            return language
    return "en"
