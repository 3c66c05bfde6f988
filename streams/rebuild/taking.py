"""What META says of the logs that a partition of a new generation is made of: which are done with.

Owns the step from one log to the next. Invariant: it is made once all that is to be taken from a log is in the state.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiokafka

from streams.brokers.topics import Names
from streams.changelog import meta as metas
from streams.changelog.tail import last_meta
from streams.errors import OwnershipLost
from streams.partition.cluster import Cluster
from streams.partition.partition import Partition
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.unit import Unit

log = logging.getLogger(__name__)


async def spans_taken(settings: Settings, timing: Timing, names: Names, number: int) -> int:
    """How many logs partition `number` is done with. Raises KafkaError, StateRefused."""
    changelog = aiokafka.TopicPartition(names.changelog, number)
    raw = await last_meta(settings, changelog, timing.changelog_wait_s)
    if raw is None:
        return 0
    metas.check_format(number, raw)
    return len(metas.decode(raw).inherited)


async def move_on(
    settings: Settings, timing: Timing, look_at: Callable[[], Awaitable[Cluster]], number: int, source: int
) -> None:
    """Commits that the log `source` is done with; called when nobody owns the partition. Raises StateRefused."""
    while True:
        partition = Partition(settings, timing, await look_at(), number, source)
        try:
            claimed = await partition.claim(None)
            await claimed.commit(Unit(claimed.meta.version), claimed.meta.moved_on(source))
            return
        except OwnershipLost as error:
            log.warning("%s; again", error)
            await asyncio.sleep(timing.claim_again_s_first)
        finally:
            await partition.close()
