"""The rows that one flush carries.

Owns their order by table, partition and key. Never imports a Kafka client: the peers of the bench use it beside theirs.
"""

from dataclasses import dataclass, field

from sinks.tables import Table
from streams.unit.rows import Rows


@dataclass(slots=True)
class Load:
    """Rows of many units, the newest of each key."""

    rows: dict[Table, dict[int, dict[object, bytes]]] = field(default_factory=dict)  # by table, partition and key
    count: int = 0
    size_bytes: int = 0  # of all rows ever put: at least that of those which are left

    def put(self, partition: int, rows: Rows) -> None:
        """Takes rows, which replace those of the same keys."""
        for table, more in rows.items():
            own = self.rows.setdefault(table, {}).setdefault(partition, {})
            self.count -= len(own)
            own.update(more)
            self.count += len(own)
            self.size_bytes += sum(map(len, more.values()))
