"""What a person is told of a value that was refused: enough to find it, and no address of anybody.

Owns the words for found values. Pure.
"""

import re
from typing import Final

from schemas.errors import shown

_ADDRESS: Final = re.compile(r"\S*@\S*")


def as_found(value: object) -> str:
    """A value as a message may hold it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "an address" if "@" in value else shown(value)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to print really long integers
        return f"an integer of {value.bit_length()} bits"
    return shown(value)


def without_addresses(text: str) -> str:
    """The text, with whatever looks like an address taken out."""
    return _ADDRESS.sub("(an address)", text) if "@" in text else text
