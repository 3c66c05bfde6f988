"""The public Python API for brand platforms: `from posventa import Publisher`. See docs/publishing.md."""

from schemas.errors import InvalidValue
from schemas.events import Feedback, Finding, Sale
from streams.errors import PosventaError, Unavailable
from streams.publishing.publisher import Publisher

__all__ = ["Feedback", "Finding", "InvalidValue", "PosventaError", "Publisher", "Sale", "Unavailable"]
