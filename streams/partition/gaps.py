"""What was fetched and not delivered is fetched again; what was sought and does not come is asked of the logs.

Owns what was sought. Pure. Never reads a clock: `now` is a monotonic time in seconds, handed in.
"""

from collections.abc import Iterator, Mapping

from streams.changelog.meta import Applied
from streams.errors import OwnershipLost
from streams.timing import Timing


class Gaps:
    """Of one claim of a partition. Told when something was applied."""

    def __init__(self, partition: int, timing: Timing, now: float) -> None:
        self._partition = partition
        self._timing = timing
        self._applied_at = now
        self._sought: dict[str, tuple[int, float]] = {}  # by topic: the offset of the last seek, and when

    def applied(self, now: float) -> None:
        """Something was applied."""
        self._applied_at = now

    def is_to_be_sought(self, topic: str, offset: int, found: str, now: float) -> bool:
        """Whether to seek the offset, instead of which was `found` something else; counted as done.

        Raises OwnershipLost when it was sought before, in vain.
        """
        sought, at = self._sought.get(topic, (-1, 0.0))
        if sought == offset and now - at < self._timing.seek_again_s:
            return False  # this was fetched before the seek took effect
        if sought == offset:
            raise OwnershipLost(
                f"{topic}[{self._partition}]: {found}, although {offset} was sought: claiming again will tell why"
            )
        self._sought[topic] = (offset, now)
        return True

    def never_came(
        self, fetched: Mapping[str, int], applied: Mapping[str, Applied], now: float
    ) -> Iterator[tuple[str, int]]:
        """Topics of which records below a fetch position were never delivered, with the position. Ask while nothing waits."""
        if now - self._applied_at < self._timing.missing_s:
            return
        for topic, position in fetched.items():
            if position > applied[topic].offset:
                self._applied_at = now
                self._sought.pop(topic, None)  # what never came tells nothing of the log: seek, however often
                yield topic, position
