"""Attacks upon a real front, as anyone on the machine may send them, and what they must leave as it was.

Owns the engine, the file and the listener of one siege.
"""

import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sinks.client import connected
from sinks.migrate import migrate
from sinks.tables import AFFILIATE_PANES
from streams.embedded.clickhouse import EmbeddedClickHouse
from tests.attacks.grammar import Attack, Targets, attack
from tests.support.plain_http import Told, ask
from tests.support.views_data import pane

CANARY: Final = "canary-in-a-coal-mine"
_NUMBERS: Final = (
    "SELECT database, name, total_rows, metadata_modification_time FROM system.tables WHERE database != 'system' "
    "ORDER BY ALL",
    "SELECT name, engine FROM system.databases ORDER BY ALL",
    "SELECT * FROM posventa.affiliate_series ORDER BY ALL",
    "SELECT * FROM posventa.affiliate_daily WHERE day < today() ORDER BY ALL",
    "SELECT * FROM posventa.comments ORDER BY ALL",
)


class Siege:
    """An engine with some data, and what no statement may reach. A context manager."""

    def __init__(self, directory: Path) -> None:
        self._outside = directory / "outside"
        self._outside.mkdir()
        (self._outside / "canary").write_text(f"{CANARY}\n")
        self._server = EmbeddedClickHouse(directory / "clickhouse")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[object] = []
        self.statuses: Counter[str] = Counter()
        self.wrong: list[str] = []

    @contextmanager
    def standing(self) -> Iterator["Siege"]:
        """With everything running."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._server.start()
        try:
            self._fill()
            yield self
        finally:
            self._server.stop()
            self._listener.close()

    def attack(self, seeds: Iterable[int], at_once: int = 4) -> None:
        """Sends the attacks of those seeds, and enters into `wrong` whatever they reached."""
        targets = Targets(str(self._outside / "canary"), str(self._outside), self._listener.getsockname()[1])
        before = self._numbers()
        with ThreadPoolExecutor(at_once) as threads:
            for seed, told in threads.map(lambda seed: (seed, self._send(attack(seed, targets))), seeds):
                self.statuses[f"{told.status} {told.headers.get('X-ClickHouse-Exception-Code', '')}".strip()] += 1
                if CANARY.encode() in told.body:
                    self.wrong.append(f"seed {seed}: tells what it may not: {attack(seed, targets).sql!r}")
                if self._connections:
                    self.wrong.append(f"about seed {seed}: connected: {self._connections.pop()}")
        if (found := sorted(path.name for path in self._outside.rglob("*"))) != ["canary"]:
            self.wrong.append(f"written: {found}")
        if self._numbers() != before:
            self.wrong.append("the numbers are other ones")

    def _send(self, made: Attack) -> Told:
        return ask(self._server.open_url, made.sql, made.parameters, get=made.get)

    def _fill(self) -> None:
        migrate(self._server.url)
        with connected(self._server.url) as client:
            rows = [{"generation": 1, **pane(seed, 1_700_000_000 // 300 * 300 + 300 * seed)} for seed in range(500)]
            names = [name for name in AFFILIATE_PANES.columns if name in rows[0]]
            client.insert(AFFILIATE_PANES.name, [[row[name] for name in names] for row in rows], column_names=names)
            client.command(f"INSERT INTO comments (brand_id, feedback_id, comment) VALUES ('b1', 'f1', '{CANARY}')")

    def _numbers(self) -> list[bytes]:
        told = [ask(self._server.url, f"{sql} FORMAT TSV") for sql in _NUMBERS]
        assert all(one.status == 200 for one in told), told
        return [one.body for one in told]

    def _listen(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            connection.close()
            self._connections.append(address)
