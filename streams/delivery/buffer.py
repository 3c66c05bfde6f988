"""The rows that one flush carries.

Owns their order by table, partition and key. Never imports a Kafka client: the peers of the bench use it beside theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sinks.tables import Table
from streams.unit.rows import Rows

# When records came (epoch ms), ascending.
Arrivals = Sequence[int]


@dataclass(slots=True)
class Load:
    """Rows of many units, the newest of each key."""

    rows: dict[Table, dict[int, dict[object, bytes]]] = field(default_factory=dict)  # by table, partition and key
    count: int = 0
    size_bytes: int = 0  # of all rows ever put: at least that of those which are left
    arrivals: list[tuple[int, Arrivals]] = field(default_factory=list)  # of the records of units, with their partition

    def put(self, partition: int, rows: Rows, arrivals: Arrivals | None = None) -> None:
        """Takes rows, which replace those of the same keys, and when the records arrived of which they were made."""
        if arrivals:
            self.arrivals.append((partition, arrivals))
        for table, more in rows.items():
            own = self.rows.setdefault(table, {}).setdefault(partition, {})
            self.count -= len(own)
            own.update(more)
            self.count += len(own)
            self.size_bytes += sum(map(len, more.values()))
