"""The shapes that are shipped: their mapping files, by name.

Owns the list. Never follows a mapping.
"""

from importlib.resources import files
from typing import Final

SHIPPED: Final = (
    "shopify-orders",
    "shopify-webhook",
    "woocommerce",
    "stripe",
    "awin",
    "dub",
    "segment",
    "delighted",
    "typeform",
    "judgeme",
    "cloudevents",
    "csv",
)


def shipped(name: str) -> str:
    """The text of a shipped mapping. Raises KeyError for a name that is none."""
    if name not in SHIPPED:
        raise KeyError(name)
    return (files("streams.shapes") / "shipped" / f"{name}.toml").read_text(encoding="utf-8")
