"""The demo's course: a history, a lively while, and waiting until all of it is in ClickHouse.

Owns the publishing of the demo; the stack and the printing are the command's business.
"""

import time
from collections.abc import Callable
from threading import Event as Flag
from typing import Final

from sinks.client import connected
from sinks.errors import SinkUnavailable
from sinks.reading import freshness, total
from streams.demo.story import Story
from streams.errors import Unavailable
from streams.publishing.publisher import Publisher

TICK_S: Final = 0.1  # three events each: thirty a second
_SETTLE_S: Final = 60.0
_LOOK_S: Final = 0.2


def tell_history(publisher: Publisher, story: Story) -> int:
    """Publishes the 30 days up to the story's start; returns how many events that were."""
    happened = story.history()
    for event in happened:
        publisher.publish(event)
    publisher.flush()
    return len(happened)


def stream(publisher: Publisher, story: Story, stop: Flag, seconds: float, progress: Callable[[int], None]) -> None:
    """Publishes what happens now until told to stop, or for so many seconds. `progress` hears of each tick's events."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stop.wait(TICK_S):
        happening = story.next(now_ms())
        for event in happening:
            publisher.publish(event)
        progress(len(happening))
    publisher.flush()


def wait_until_shown(clickhouse: str, published_at_ms: int, stop: Flag) -> None:
    """Waits until everything published before that time is in ClickHouse. Raises Unavailable after a minute."""
    deadline = time.monotonic() + _SETTLE_S
    while not stop.is_set() and _complete_up_to_ms(clickhouse) < published_at_ms:
        if time.monotonic() > deadline:
            raise Unavailable(f"not everything is in ClickHouse after {_SETTLE_S:.0f} s; see: posventa lag")
        stop.wait(_LOOK_S)


def now_ms() -> int:
    """The time in the unit of the events."""
    return time.time_ns() // 1_000_000


def _complete_up_to_ms(clickhouse: str) -> float:
    try:
        with connected(clickhouse) as client:
            whole = total(freshness(client))
    except SinkUnavailable:
        return 0.0  # it is being restarted
    return float(whole["complete_up_to"].timestamp() * 1000) if whole else 0.0
