"""The metrics listener of a worker: asks its event loop at each scrape, and says so when that does not answer.

Owns the question. Never counts, and never touches what the event loop owns: it is read there. Invariant: a worker that hangs
or is still starting answers a scrape all the same, without figures.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from streams.addresses import listening
from streams.errors import Misuse
from streams.monitoring import catalogue
from streams.monitoring.exposition import Sample, families, serve
from streams.settings import variable

_ANSWER_S_MAX: Final = 3.0  # far longer than a unit takes, and less than the 10 s that Prometheus waits


class Metrics(Collector):
    """Of one worker."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._read: Callable[[], list[Sample]]

    def answer_from(self, loop: asyncio.AbstractEventLoop, read: Callable[[], list[Sample]]) -> None:
        """From now on scrapes are answered with what `read`, called in the loop, returns."""
        self._read, self._loop = read, loop

    def collect(self) -> Iterator[Family]:
        """Called by each scrape, in its thread."""
        found = self._asked()
        answered = Sample(catalogue.ANSWERING, (), found is not None)
        return families([answered, *(found or ())])

    def _asked(self) -> list[Sample] | None:
        if self._loop is None:
            return None

        async def read() -> list[Sample]:
            return self._read()

        question = read()
        try:
            answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        except RuntimeError:  # the loop is closed: the worker ends
            question.close()
            return None
        try:
            return answer.result(_ANSWER_S_MAX)
        except (TimeoutError, asyncio.CancelledError):
            answer.cancel()
            return None


def listen(metrics: Metrics, address: str) -> None:
    """Serves them at an address of POSVENTA_METRICS_LISTEN. Raises Misuse when it can't listen there."""
    try:
        serve(metrics, *listening(address))
    except OSError as error:
        raise Misuse(
            f"{variable('metrics_listen')}={address}: {error.strerror or error}; choose another address, or none"
        ) from error
