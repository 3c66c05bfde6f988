"""What stands for an id, or another text of an event, where the event itself does not lie: in the table of refusals.

Owns how a mark is made. Pure. Never tells what it was made of. Invariant: the same text has the same mark in every worker,
after every crash and replay, as long as the source topics are the same ones; docs/adr/0014-refusals-keep-marks.md says why.
"""

import hmac
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final

Mark = Callable[[bytes], str]

_PURPOSE: Final = b"posventa marks of refusals"
_DIGITS: Final = 32  # of 64: 128 bits tell any two texts apart


def marker(sales_topic_id: str, feedback_topic_id: str) -> Mark:
    """Makes marks, `#` and 32 hexadecimal digits, with the key that these two topics have: Kafka made their ids at random,
    and ClickHouse does not know them."""
    key = sha256(b"\0".join([_PURPOSE, sales_topic_id.encode(), feedback_topic_id.encode()])).digest()
    return partial(_mark, key)


def _mark(key: bytes, text: bytes) -> str:
    return f"#{hmac.digest(key, text, 'sha256').hex()[:_DIGITS]}"
