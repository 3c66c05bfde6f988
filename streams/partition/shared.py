"""What the owners of one worker share. Owns nothing of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.delivery.outbox import Outbox
from streams.partition.cluster import Cluster
from streams.partition.unit_counts import UnitCounts
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.intake import Astray
from streams.unit.record import Record
from streams.unit.rows import RowMaker
from streams.unit.unit import GetMany, Unit, UnitMaker


class Maker(Protocol):
    """Makes units: a UnitMaker, or what stands around one."""

    def make(self, get_many: GetMany, version: int, batch: Sequence[Record], now_ms: int) -> Unit:
        """As UnitMaker has it."""


class History(Protocol):
    """What is other where a generation is built from what the topics hold already."""

    def log_of(self, number: int) -> int:
        """The partition of the source topics that a partition's state is made from now."""

    def maker(self, number: int, maker: UnitMaker, rows: RowMaker) -> Maker:
        """Stands around the maker of a partition's units."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Handed to each owner by the worker."""

    settings: Settings
    timing: Timing
    outbox: Outbox
    look_at: Callable[[], Awaitable[Cluster]]  # raises OwnershipLost while Kafka is away
    seek: Callable[[str, int, int], Awaitable[None]]  # topic, partition, offset
    reroute: Callable[[Sequence[Astray]], Awaitable[None]]
    history: History | None = None  # None: every record is read for the first time
    counts: UnitCounts = field(default_factory=UnitCounts)
