"""The protocol with one of its rules taken out: what the matrix must find, or it proves nothing.

Each mutant changes the classes of the process that it is called in.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import aiokafka

from streams.delivery.flush import Flush, Told
from streams.partition.partition import Claimed


def no_fence() -> None:
    """Every owner has a transactional id of its own, so that a claim fences nobody."""
    make = aiokafka.AIOKafkaProducer.__init__

    def unfenced(self: Any, *arguments: Any, **named: Any) -> None:
        if named.get("transactional_id"):
            named["transactional_id"] += f"-{id(self)}"
        make(self, *arguments, **named)

    aiokafka.AIOKafkaProducer.__init__ = unfenced


def position_before_rows() -> None:
    """The sink position is reported before the rows below it are inserted."""
    attempt = Flush.attempt

    def reporting_first(self: Any, load: Any, standings: Any) -> Any:
        told: dict[int, Told] = {}
        self._report(standings, told)
        return attempt(
            self, load, {n: replace(own, left=frozenset({told[n].position})) for n, own in standings.items()}
        )

    Flush.attempt = reporting_first  # type: ignore[method-assign]


def copy_before_commit() -> None:
    """The local copy is written before the transaction is committed."""
    send = Claimed._send_changes

    async def copying_first(self: Any, unit: Any) -> int:
        end = await send(self, unit)
        self.local.write(unit.changed.items(), end, self._clock.wall_ms())
        return end

    Claimed._send_changes = copying_first  # type: ignore[method-assign]


MUTANTS: Final[dict[str, Callable[[], None]]] = {
    mutant.__name__: mutant for mutant in (no_fence, position_before_rows, copy_before_commit)
}
