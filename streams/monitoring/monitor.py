"""The monitor: looks every few seconds in a thread of its own, and answers scrapes with what it saw last.

Owns that thread. A scrape never asks a server, so none that is slow or away keeps one waiting, and
however many scrape, Kafka and ClickHouse are asked as often as before.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from streams.monitoring.exposition import families, serve
from streams.monitoring.look import Look, look, samples
from streams.settings import Settings

LOOK_EVERY_S: Final = 5.0


class Monitor(Collector):
    """What the last look saw, as families of metrics. Before the first look there is nothing."""

    def __init__(self) -> None:
        self.last: Look | None = None

    def collect(self) -> Iterable[Family]:
        """Called by each scrape, in its thread."""
        return families(samples(self.last)) if self.last else ()


def monitor(settings: Settings, host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Serves http://host:port/metrics until the process ends; `on_ready` is called after the first look. Raises OSError
    when it can't listen there."""
    seen = Monitor()
    seen.last = look(settings)
    serve(seen, host, port)
    on_ready()
    while True:
        threading.Event().wait(LOOK_EVERY_S)
        seen.last = look(settings)
