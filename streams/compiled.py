"""Which modules are compiled, and whether what was compiled is what stands in the sources.

Owns the list of the pure core. Imports nothing of the project, since setup.py reads it before anything is installed.
"""

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

CORE: Final = (
    "schemas/events.py",
    "schemas/validation.py",
    "schemas/wire.py",
    "schemas/codec.py",
    "streams/reading/topics.py",
    "streams/reading/letters.py",
    "streams/reading/kinds.py",
    "streams/reading/vocabulary.py",
    "streams/reading/lexicon.py",
    "streams/reading/segments.py",
    "streams/reading/clauses.py",
    "streams/reading/languages.py",
    "streams/reading/reader.py",
    "streams/brokers/partitioner.py",
    "streams/changelog/records.py",
    "streams/unit/marks.py",
    "streams/unit/record.py",
    "streams/unit/intake.py",
    "streams/unit/folding.py",
    "streams/unit/rows.py",
    "streams/unit/unit.py",
    "streams/domain/rules.py",
    "streams/domain/state.py",
    "streams/domain/fold.py",
    "streams/domain/linking.py",
    "streams/domain/panes.py",
    "streams/domain/cases.py",
    "streams/domain/counting.py",
    "streams/domain/contributions.py",
)

_ROOT: Final = Path(__file__).parent.parent


def is_compiled() -> bool:
    """Whether the core runs compiled."""
    return bool(artefacts())


def stale() -> list[str]:
    """The sources that are newer than what was compiled of them: another program would run than is written there. None outside
    a checkout: a wheel's files are as old as the order in which they were unpacked."""
    if not (_ROOT / "setup.py").exists():
        return []
    return [
        source
        for source in CORE
        for artefact in _artefacts_of(_ROOT / source)
        if artefact.stat().st_mtime < (_ROOT / source).stat().st_mtime
    ]


def artefacts() -> list[Path]:
    """The files that were compiled of the core."""
    return [artefact for source in CORE for artefact in _artefacts_of(_ROOT / source)]


def _artefacts_of(source: Path) -> list[Path]:
    candidates = [source.with_suffix(suffix) for suffix in EXTENSION_SUFFIXES]
    return [candidate for candidate in candidates if candidate.exists()]
