"""posventa worker: one Faust worker against the configured Kafka and ClickHouse."""

import os
import sys
from typing import Annotated

import typer

from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside


def worker(
    directory: UpDirectory = UP_DIRECTORY,
    leave: Annotated[
        bool,
        typer.Option(
            "--leave", help="stop the worker of this POSVENTA_STATE_DIR for good: others get its partitions now"
        ),
    ] = False,
) -> None:
    """Run one worker until Ctrl-C or SIGTERM. Everything is configured by POSVENTA_* variables.

    After a rebuild it goes on with the new generation.
    """
    settings = settings_beside(directory)
    if leave:
        from streams.timing import Timing
        from streams.worker.leaving import leave_for_good

        was_in = leave_for_good(settings, Timing())
        typer.echo("left: its partitions go to the other workers" if was_in else "it was not in the group")
        return
    from streams.worker.app import run

    run(settings)
    # Another generation takes over: as a new process, which keeps this one's id, and so its supervisor.
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - this very command again
