"""`posventa rebuild` in a process of its own, that may be killed at any moment.

Owns the process: forked as a worker is (worker.py). Never changes what a rebuild does, but for not waiting for readers who
would be there in a deployment.
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

from sinks.client import connected
from sinks.migrate import migrate
from streams.rebuild.conductor import carry_out, drop_older
from streams.rebuild.plan import Wishes, make_plan
from streams.settings import load_settings

MOMENTS: Final = {
    "building": "SELECT count() FROM generation_steps WHERE step = 'building'",
    "built": "SELECT count() FROM freshness WHERE generation > 1",
    "cutting": "SELECT count() FROM generation_steps WHERE step = 'cutting'",
    "cut": "SELECT count() FROM generation_steps WHERE step = 'cut'",
    "in use": "SELECT count() FROM generations",
    "dropping": "SELECT countIf(generation = 1) = 0 FROM freshness",
}
_READERS_DONE_S: Final = 1.0
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

_context = multiprocessing.get_context("forkserver")


class Rebuilding:
    """One process. `environment` is added to ours."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._process = _context.Process(target=_main, args=(dict(environment), log))
        self._process.start()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._process.is_alive()

    @property
    def is_done(self) -> bool:
        """Whether it came to its end by itself."""
        return self._process.exitcode == 0

    def end(self) -> None:
        """SIGKILL; afterwards it is gone, and its builders with it."""
        self._process.kill()
        self._process.join()


def _main(environment: Mapping[str, str], log: Path) -> None:
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update(environment)
    with log.open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    settings = load_settings()
    url = settings.clickhouse.get_secret_value()
    migrate(url)
    with connected(url) as client:
        drop_older(settings, client, _tell, _READERS_DONE_S)
    verdict = carry_out(make_plan(settings, Wishes()), _tell, _READERS_DONE_S)
    if verdict is not None and verdict.differing:
        sys.exit(f"{verdict.differing} differences: {verdict.differences[:3]}")


def _tell(doing: str, done: int, of: int) -> None:
    """Nobody looks."""
