"""The ordinary worker in a process of its own, with a fault planted in it, or with a rule of the protocol taken out.

Owns the process: forked from a server that has imported everything already, since hundreds are started; tied to this one,
so that none is left behind. Never changes what a worker does but by points.py and mutants.py.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Final

from streams.settings import load_settings
from streams.worker.app import run
from tests.faults.mutants import MUTANTS
from tests.faults.points import Plan, plant

# Shorter than a deployment may choose, so that a run need not wait long until a paused worker is taken for dead.
_SESSION_S: Final = 3
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class HurtWorker:
    """One worker process. `environment` is added to ours; `mutant` names one of MUTANTS."""

    def __init__(
        self, environment: Mapping[str, str], log: Path, plan: Plan | None = None, mutant: str | None = None
    ) -> None:
        self.log = log
        self.plan = plan
        self._process = _context.Process(target=_main, args=(dict(environment), log, plan, mutant))
        self._process.start()

    @property
    def running(self) -> bool:
        """Whether it lives; a paused one does."""
        return self._process.is_alive()

    @property
    def hit(self) -> bool:
        """Whether its fault has happened."""
        return self.plan is not None and self.plan.told.exists()

    @property
    def paused(self) -> bool:
        """Whether SIGSTOP is in effect."""
        return self.running and Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2][0] == "T"

    def signal(self, number: int) -> None:
        """Sends a signal, if there is still somebody to get it."""
        if self.running and self._process.pid:
            os.kill(self._process.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        self._process.join(seconds)
        return not self.running

    def end(self) -> None:
        """SIGKILL; afterwards it is gone."""
        self._process.kill()
        self._process.join()


def _main(environment: Mapping[str, str], log: Path, plan: Plan | None, mutant: str | None) -> None:
    # The fork server ends with the process that started it, once nobody else holds this pipe; and then so do we.
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update(environment)
    with log.open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    if mutant:
        MUTANTS[mutant]()
    if plan:
        plant(plan)
    run(load_settings().model_copy(update={"session_timeout": _SESSION_S}))  # what `posventa worker` does
