"""Customers by pseudonym: a keyed hash of the address that a source knows them by.

Owns the key while a command runs, and never shows it or an address. Invariant: the same key and the same address, trimmed
and in lower case, give the same pseudonym, whichever source told the address. Pure.
"""

import hmac
from typing import Final

KEY_CHARACTERS_MIN: Final = 16  # as many random hexadecimal digits are 64 bits; docs/shapes.md says to take 256
_MARKED: Final = b"the mark of a posventa pseudonym key"


class Pseudonyms:
    """Makes pseudonyms with one key. Its repr shows nothing."""

    def __init__(self, key: str) -> None:
        """Takes a key of at least KEY_CHARACTERS_MIN characters. Raises ValueError."""
        if len(key) < KEY_CHARACTERS_MIN:
            raise ValueError(f"a key has at least {KEY_CHARACTERS_MIN} characters: openssl rand -hex 32 makes one")
        self._key = key.encode()

    def of(self, address: str) -> str:
        """The pseudonym of an address: 64 hexadecimal digits, HMAC-SHA-256 of it trimmed and in lower case."""
        return hmac.digest(self._key, address.strip().lower().encode("utf-8", "replace"), "sha256").hex()

    def mark(self) -> str:
        """What tells this key from another one, and says nothing else of it."""
        return hmac.digest(self._key, _MARKED, "sha256").hex()[:32]

    def __repr__(self) -> str:
        """No key."""
        return "Pseudonyms(…)"
