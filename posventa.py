"""The public Python API for brand platforms: `from posventa import Publisher`. See docs/publishing.md."""

from schemas.errors import InvalidValue
from schemas.events import Attribution, Feedback, Finding, Reversal, Sale, Score
from streams.errors import PosventaError, Unavailable
from streams.publishing.publisher import Publisher

__all__ = [
    "Attribution",
    "Feedback",
    "Finding",
    "InvalidValue",
    "PosventaError",
    "Publisher",
    "Reversal",
    "Sale",
    "Score",
    "Unavailable",
]
