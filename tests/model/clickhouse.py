"""ClickHouse as the writer sees it: ReplacingMergeTree tables, sink positions, backups; and a Writer that talks to it.

Owns the merged rows. Reads versions and sort keys from the migration. Invariant: of a key the greatest version counts, of
equals the last. A restored or emptied ClickHouse breaks the connections that were open to the one before.
"""

import random
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from sinks.errors import RowsRefused, SinkUnavailable
from sinks.tables import FRESHNESS, TABLES, Table, unpack_row
from sinks.writer import SinkPosition, Writer
from tests.model.network import Network, Weather

_MIGRATIONS: Final = Path(__file__).parents[2] / "sinks/migrations"
Row = tuple[Any, ...]
Tables = dict[str, dict[Row, Row]]


def _engines() -> dict[str, tuple[int, tuple[int, ...]]]:
    """{table: (index of its version, indexes of its sort key)}."""
    table_re = re.compile(r"EXISTS posventa\.(\w+)\n.*?ReplacingMergeTree\((\w+)\).*?ORDER BY \(([^)]+)\)", re.DOTALL)
    found = [match for file in _MIGRATIONS.glob("*.sql") for match in table_re.findall(file.read_text())]
    by_name = {name: (version, key.split(", ")) for name, version, key in found}
    engines = {}
    for table in TABLES:
        version, key = by_name[table.name]
        engines[table.name] = (table.columns.index(version), tuple(map(table.columns.index, key)))
    return engines


ENGINES: Final = _engines()


def key_of(table: str, row: Row) -> Row:
    """What identifies a row."""
    return tuple([row[index] for index in ENGINES[table][1]])


class ClickHouse:
    """The server. `law` checks every insert."""

    def __init__(self, law: Any) -> None:
        self.tables: Tables = {table.name: {} for table in TABLES}
        self.incarnation = 0
        self.is_away = False
        self.refused = -1  # remainder of the checksum of keys whose rows it does not take
        self._law = law

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        """One block: all of it or nothing."""
        if table != FRESHNESS.name and any(
            crc32(repr(key_of(table, row)).encode()) % 9 == self.refused for row in rows
        ):
            raise RowsRefused("a value is none that its column takes")
        self._law.check_rows(table, rows)
        version, merged = ENGINES[table][0], self.tables[table]
        for row in rows:
            key = key_of(table, row)
            held = merged.get(key)
            if held is None or row[version] >= held[version]:
                merged[key] = row
        if table == FRESHNESS.name:
            self._law.check_positions(self)

    def positions(self) -> dict[int, SinkPosition]:
        """What Writer's query finds, for all partitions."""
        columns = FRESHNESS.columns
        partition, *rest = map(
            columns.index, ["source_partition", "changelog_offset", "claim", "report", "state_version"]
        )
        grouped: dict[int, list[Row]] = {}
        for row in self.tables[FRESHNESS.name].values():
            grouped.setdefault(row[partition], []).append(row)
        return {
            number: SinkPosition(number, *(min(row[index] for row in rows) for index in rest))
            for number, rows in sorted(grouped.items())
            if len(rows) == 2
        }

    def backup(self, backup: Tables, names: Collection[str]) -> None:
        """Copies some tables."""
        for name in names:
            backup[name] = dict(self.tables[name])

    def restore(self, backup: Tables) -> None:
        """Becomes what it was; an empty backup empties it."""
        self.tables = {table.name: dict(backup.get(table.name, {})) for table in TABLES}
        self.incarnation += 1
        self._law.check_positions(self)


class SimulatedWriter(Writer):
    """One worker's connection."""

    def __init__(self, server: ClickHouse, network: Network, weather: Weather, rng: random.Random) -> None:
        super().__init__("http://simulated")
        self._server = server
        self._network = network
        self._weather = weather
        self._rng = rng
        self._incarnation = server.incarnation

    def insert(self, table: Table, rows: Collection[bytes]) -> None:
        if not rows:
            return
        whole = [unpack_row(row) for row in rows]
        partial = table is not FRESHNESS and self._rng.random() < self._weather.lost
        taken = [row for row in whole if self._rng.random() < 0.5] if partial else whole

        def effect() -> None:
            self._server.insert(table.name, taken)
            if partial:
                raise SinkUnavailable("some blocks were written, others not")

        self._call(effect)

    def positions(self, partitions: Collection[int]) -> dict[int, SinkPosition]:
        def effect() -> dict[int, SinkPosition]:
            return {number: found for number, found in self._server.positions().items() if number in partitions}

        return dict(self._call(effect))

    def repeat(self, position: SinkPosition, topics: Sequence[str], worker: str, ends_age_seconds: float) -> None:
        def effect() -> None:
            self._server.insert(FRESHNESS.name, [self._repeated(position, topic, worker) for topic in topics])

        self._call(effect)

    def _repeated(self, position: SinkPosition, topic: str, worker: str) -> Row:
        held = self._server.tables[FRESHNESS.name].get((self._generation, topic, position.partition))
        row = dict(zip(FRESHNESS.columns, held or [0] * len(FRESHNESS.columns), strict=True))
        named = position._asdict() | {"generation": self._generation, "topic": topic, "worker": worker}
        named["source_partition"] = named.pop("partition")
        return tuple((row | named).values())

    def close(self) -> None:
        """Nothing is left behind."""

    def _call(self, effect: Any) -> Any:
        connected_to = self._incarnation

        def arrive() -> Any:
            if self._server.is_away:
                raise SinkUnavailable("away")
            if self._server.incarnation != connected_to:
                self._incarnation = self._server.incarnation
                raise SinkUnavailable("the connection is broken")
            return effect()

        return self._network.call_from_thread(arrive, self._weather, lambda: SinkUnavailable("no answer"))
