"""The monitor: looks every few seconds in a thread of its own, and answers scrapes with what it saw last.

Owns that thread and the listener. A scrape never asks a server, so none that is slow or away keeps one waiting, and
however many scrape, Kafka and ClickHouse are asked as often as before.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from streams.monitoring.catalogue import Metric
from streams.monitoring.look import Look, Sample, look, samples
from streams.settings import Settings

LOOK_EVERY_S: Final = 5.0


class Monitor(Collector):
    """What the last look saw, as families of metrics. Before the first look there is nothing."""

    def __init__(self) -> None:
        self.last: Look | None = None

    def collect(self) -> Iterable[Family]:
        """Called by each scrape, in its thread."""
        return families(samples(self.last)) if self.last else ()


def families(found: Iterable[Sample]) -> Iterator[Family]:
    """The samples as prometheus_client writes them, each metric's together."""
    made: dict[Metric, Family] = {}
    for metric, labels, value in found:
        if metric not in made:
            made[metric] = _family(metric)
        made[metric].add_metric(labels, value)  # type: ignore[attr-defined]
    yield from made.values()


def _family(metric: Metric) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name.removesuffix("_total"), metric.meaning, labels=metric.labels)


def monitor(settings: Settings, host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Serves http://host:port/metrics until the process ends; `on_ready` is called after the first look. Raises OSError
    when it can't listen there."""
    seen = Monitor()
    registry = CollectorRegistry()
    registry.register(seen)
    seen.last = look(settings)
    start_http_server(port, host, registry)
    on_ready()
    while True:
        threading.Event().wait(LOOK_EVERY_S)
        seen.last = look(settings)
