"""posventa worker: one Faust worker against the configured Kafka and ClickHouse."""

from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside


def worker(directory: UpDirectory = UP_DIRECTORY) -> None:
    """Run one worker until Ctrl-C or SIGTERM. Everything is configured by POSVENTA_* variables."""
    from streams.worker.app import run

    run(settings_beside(directory))
