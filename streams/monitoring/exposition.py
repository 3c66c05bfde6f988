"""From samples to what a scrape gets, and the listener that answers scrapes.

Owns how prometheus_client is used. Never knows where a number comes from.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from streams.histogram import Distribution
from streams.monitoring.catalogue import Metric


class Sample(NamedTuple):
    """One number of a metric, or one distribution of a histogram; `labels` in the order in which the metric has them."""

    metric: Metric
    labels: tuple[str, ...]
    value: float | Distribution


def families(found: Iterable[Sample]) -> Iterator[Family]:
    """The samples as prometheus_client writes them, each metric's together."""
    made: dict[Metric, Family] = {}
    for metric, labels, value in found:
        if metric not in made:
            made[metric] = _family(metric)
        family = made[metric]
        if isinstance(family, HistogramMetricFamily) and isinstance(value, Distribution):
            buckets = [(floatToGoString(bound), count) for bound, count in value.buckets]  # type: ignore[no-untyped-call]
            family.add_metric(labels, buckets, value.total)
        else:
            family.add_metric(labels, value)  # type: ignore[attr-defined]
    yield from made.values()


def _family(metric: Metric) -> Family:
    if metric.kind == "histogram":
        return HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name.removesuffix("_total"), metric.meaning, labels=metric.labels)


def serve(collector: Collector, host: str, port: int) -> None:
    """Answers http://host:port/metrics in threads of its own, until the process ends: with what the collector says at each
    scrape, and what prometheus_client knows of the process. Raises OSError when it can't listen there."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    start_http_server(port, host, registry)
