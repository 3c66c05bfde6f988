"""What the owners of one worker share. Owns nothing of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from streams.delivery.outbox import Outbox
from streams.partition.cluster import Cluster
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.intake import Astray


@dataclass(frozen=True, slots=True)
class Shared:
    """Handed to each owner by the worker."""

    settings: Settings
    timing: Timing
    outbox: Outbox
    look_at: Callable[[], Awaitable[Cluster]]  # raises OwnershipLost while Kafka is away
    seek: Callable[[str, int, int], Awaitable[None]]  # topic, partition, offset
    reroute: Callable[[Sequence[Astray]], Awaitable[None]]
