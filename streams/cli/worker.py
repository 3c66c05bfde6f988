"""posventa worker: one Faust worker against the configured Kafka and ClickHouse."""

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
    """Run one worker until Ctrl-C or SIGTERM. Everything is configured by POSVENTA_* variables."""
    settings = settings_beside(directory)
    if leave:
        from streams.timing import Timing
        from streams.worker.leaving import leave_for_good

        was_in = leave_for_good(settings, Timing())
        typer.echo("left: its partitions go to the other workers" if was_in else "it was not in the group")
        return
    from streams.worker.app import run

    run(settings)
