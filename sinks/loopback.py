"""The names that this machine gives itself, and whoever may write into its own ClickHouse."""

from typing import Final
from urllib.parse import urlsplit

WRITERS_NAME: Final = "posventa"  # the user who writes, with a password; without a user one reads
LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Whether what is sent there stays on this machine. What is no URL does not."""
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:
        return False
