"""What posventa lag says of a partition."""

import pytest

from streams.brokers.lag import Lag
from streams.cli.lag import status_of


@pytest.mark.parametrize(
    ("found", "reported", "expected"),
    [
        (Lag("t", 0, 0, 0.0), None, "no worker"),
        (Lag("t", 0, 9, 1.0), None, "no worker"),
        (Lag("t", 0, 0, 0.0), "stalled", "no worker"),
        (Lag("t", 0, 9, 61.0), "stalled", "stalled"),
        (Lag("t", 0, 9, 61.0), "ok", "behind"),
        (Lag("t", 0, 9, 60.0), "ok", "ok"),
        (Lag("t", 0, 0, 0.0), "idle", "idle"),
    ],
)
def test_status_is_the_owners_unless_kafka_knows_worse(found: Lag, reported: str | None, expected: str) -> None:
    assert status_of(found, reported) == expected
