"""A worker that is stopped for good: its place in the group is given up, instead of being kept for it until its session ends.

Owns the command's side and the worker's side of it. Invariant: only a worker that has ended is taken out of the group, since
one that runs would join again.
"""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Final

from streams.brokers.membership import leave
from streams.errors import Misuse, PosventaError, Unavailable
from streams.settings import Settings
from streams.timing import Timing
from streams.worker.state_directory import LeaveRequest, StateDirectory, name_in

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.2
_MORE_S: Final = 5.0  # beyond what a worker may take to stop


def leave_for_good(settings: Settings, timing: Timing) -> bool:
    """Stops the worker that uses the state directory, if one does, and takes it out of the group. False if it was not in it.

    Blocks for as long as a worker may take to stop. Raises Misuse when no worker has used the directory, Unavailable when
    the worker does not end or Kafka does not answer, NotAdmitted when Kafka refuses us.
    """
    path = Path(settings.state_dir)
    if name_in(path) is None:
        raise Misuse(
            f"POSVENTA_STATE_DIR={path}: no worker has used this directory; use the variables of the worker that is to leave"
        )
    directory, had_left = _ended(path, timing)
    try:
        return bool(leave(settings, [directory.name])) or had_left
    finally:
        directory.close()


def _ended(path: Path, timing: Timing) -> tuple[StateDirectory, bool]:
    """The directory, once no worker uses it; and whether one did, which has then left by itself."""
    request, asked = LeaveRequest(path), False
    deadline = timing.clock.monotonic() + timing.look_every_s + timing.stop_s_max + _MORE_S
    try:
        while True:
            try:
                return StateDirectory(path), asked
            except Misuse as error:  # in use
                if timing.clock.monotonic() > deadline:
                    raise Unavailable(
                        f"POSVENTA_STATE_DIR={path}: its worker was asked to leave and still runs; stop it, then say it again"
                    ) from error
            if not asked:
                request.ask()
                asked = True
            timing.clock.sleep(_LOOK_S)
    finally:
        request.take_back()


async def stop_when_asked(request: LeaveRequest, timing: Timing) -> None:
    """Runs as long as the worker. Stops it as SIGTERM does, when it is asked to leave."""
    while not request.is_asked:  # noqa: ASYNC110 - somebody else's file wakes nobody
        await asyncio.sleep(timing.look_every_s)
    log.info("asked to leave the group: stopping")
    os.kill(os.getpid(), signal.SIGTERM)


def leave_when_asked(settings: Settings, request: LeaveRequest, name: str) -> None:
    """Called by a worker at its end. Never raises: who asked does it again, and else the session ends."""
    if not request.is_asked:
        return
    try:
        leave(settings, [name])
        log.info("left the group: the other workers have its partitions now")
    except PosventaError as error:
        log.warning("could not leave the group: %s", error)
