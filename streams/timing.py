"""All waits, timeouts and periods of a worker, in one frozen Timing, with the clocks that they are measured by.

Owns the values and how they relate. Made once, in streams/worker/app.py, and handed on; a test hands in another. Every
field's meaning is its documentation; docs/reference/limits.md is tied to it by a test. Invariant: the relations hold.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

# A broker's group.min.session.timeout.ms, unless it was set otherwise: no session is shorter.
SESSION_S_MIN: Final = 6.0
# What supervisors grant a process between SIGTERM and SIGKILL: systemd 90 s, Kubernetes 30 s.
_TERMINATION_S: Final = 30.0
# The status of freshness promises a report this often, also when idle.
_REPORT_S_MAX: Final = 5.0
# It also promises "stalled" when the ends of a log can't be read for so long.
_ENDS_UNREAD_S_MAX: Final = 15.0


def _of(seconds: float, meaning: str) -> float:
    """A field of Timing."""
    found: float = field(default=seconds, metadata={"meaning": meaning})
    return found


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks, seconds that never jump and epoch milliseconds; and how a thread of its own waits by them."""

    monotonic: Callable[[], float] = time.monotonic
    wall_ms: Callable[[], int] = _wall_ms
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds. `_max` ends the name of a limit; `_every_s` that of a period."""

    clock: Clock = field(default_factory=Clock)

    start_s_max: float = _of(60.0, "a worker that starts waits for Kafka, then it ends")
    heartbeat_every_s: float = _of(
        0.5,
        "a worker sends a heartbeat, whose answer is how it hears of a rebalance: nobody fetches until the last one has "
        "heard; at least four a session",
    )
    request_s_max: float = _of(90.0, "Faust's consumer waits for an answer of Kafka; at least two sessions")
    poll_interval_s_max: float = _of(
        30 * 24 * 3600.0,
        "between two polls: far beyond any wait for ClickHouse, since a worker that exceeds it does not come back for "
        "minutes",
    )
    let_go_s_max: float = _of(
        2.0,
        "a unit in the making holds up letting go of its partition; the new owner's claim fences it anyway; far less than "
        "a session, since no heartbeat is sent while a new assignment is taken on",
    )
    last_flush_s_max: float = _of(5.0, "a worker that stops flushes; what it leaves undone, the next owner sends again")
    stop_s_max: float = _of(
        15.0, "a worker stops: a unit in the making and a last flush; then it ends, whatever it waits for"
    )
    look_every_s: float = _of(1.0, "the ends of the source logs are asked for, and the worker's progress is looked at")
    ends_s_max: float = _of(
        5.0, "a broker is waited for that is asked where a log ends; then it, or another one, is asked again"
    )
    tally_every_s: float = _of(10.0, "the log tells how many records there were, if there were any")
    stuck_s: float = _of(
        180.0,
        "nothing was applied although input waits, and ClickHouse is not waited for: the worker ends; a broker's restart, "
        "a rebalance and a recovery each take less",
    )
    unit_every_s: float = _of(
        0.1,
        "a partition that has little to do makes a unit: a transaction costs Kafka milliseconds of CPU however small it "
        "is, and rows wait for a flush anyway",
    )
    missing_s: float = _of(10.0, "what was fetched was not delivered: it is fetched again")
    seek_again_s: float = _of(
        5.0, "what was sought does not come: the partition is claimed again; a seek takes far less"
    )
    damage_every_s: float = _of(60.0, "the log names a batch that can't be read")
    claim_again_s_first: float = _of(
        0.2, "the first wait after a failure, before the next claim; then doubled each time"
    )
    claim_again_s_max: float = _of(10.0, "the longest wait after a failure")
    owned_well_s: float = _of(60.0, "a claim held so long before it failed: that is another trouble, waits begin anew")
    transaction_s_max: float = _of(
        60.0, "a crashed owner's open transaction holds back the readers of the dead letters"
    )
    changelog_wait_s: float = _of(
        0.02, "one read of the changelog waits; it brings nothing where only transaction markers are left"
    )
    progress_every_s: float = _of(5.0, "a long recovery tells how far it is")
    generation_every_s: float = _of(1.0, "a worker asks ClickHouse whether another generation takes over")
    report_every_s: float = _of(2.0, "freshness is reported, also when nothing comes")
    retry_s_first: float = _of(0.25, "the first wait for a ClickHouse that is away; then doubled each time")
    retry_s_max: float = _of(5.0, "the longest wait for a ClickHouse that is away")

    def __post_init__(self) -> None:
        # No heartbeat is sent while a partition is let go of: the session must outlast that, and a heartbeat.
        assert self.let_go_s_max + 4 * self.heartbeat_every_s < SESSION_S_MIN
        assert self.let_go_s_max + self.last_flush_s_max < self.stop_s_max < _TERMINATION_S
        # A report that just missed one look at the clock comes before the promise is broken.
        assert 2 * self.report_every_s < _REPORT_S_MAX
        # The ends of a log are asked for twice in a look; a report of before the look ends tells those of the look before.
        assert self.look_every_s + 2 * self.ends_s_max + self.report_every_s < _ENDS_UNREAD_S_MAX
        # A worker is not stuck that claims again, notices what is missing and seeks it twice.
        assert self.claim_again_s_max + self.missing_s + 2 * self.seek_again_s + self.transaction_s_max < self.stuck_s
        assert self.seek_again_s < self.missing_s
        assert self.claim_again_s_first <= self.claim_again_s_max < self.owned_well_s
        assert self.retry_s_first <= self.retry_s_max
        assert self.stuck_s < self.poll_interval_s_max
