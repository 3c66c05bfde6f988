"""An owner claims again after a failure, but not when Kafka refuses it: then its worker ends, and says why."""

import asyncio
from types import SimpleNamespace
from typing import Any

import aiokafka.errors
import pytest

from streams.errors import NotAdmitted, OwnershipLost
from streams.partition.owner import Owner
from streams.partition.shared import Shared
from streams.settings import Settings
from streams.timing import Timing


@pytest.mark.parametrize(
    "refusal",
    [aiokafka.errors.TopicAuthorizationFailedError("t"), aiokafka.errors.SaslAuthenticationFailed("wrong password")],
)
def test_a_refusal_ends_the_worker_and_is_not_tried_again(refusal: Exception) -> None:
    claims = 0

    async def look_at() -> Any:
        nonlocal claims
        claims += 1
        raise OwnershipLost("partition 0: a commit failed") from (OSError() if claims < 3 else refusal)

    async def nothing(*_: Any) -> None:
        """Nothing is sought or published again."""

    outbox: Any = SimpleNamespace(generation=0)
    timing = Timing(claim_again_s_first=0.001, claim_again_s_max=0.001)
    owner = Owner(Shared(Settings(), timing, outbox, look_at, nothing, nothing), 0, lambda: None)
    with pytest.raises(NotAdmitted, match=r"POSVENTA_KAFKA=127.0.0.1:9092: "):
        asyncio.run(owner.run())
    assert claims == 3
