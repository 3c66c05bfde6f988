"""posventa monitor: metrics of lag, freshness and quality for Prometheus, without a worker."""

import signal
import sys
from contextlib import suppress
from typing import Annotated, Final

import typer

from streams import json_log
from streams.addresses import listening
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside
from streams.errors import Misuse

_LISTEN: Final = "127.0.0.1:9464"


def monitor(
    directory: UpDirectory = UP_DIRECTORY,
    listen: Annotated[
        str, typer.Option("--listen", help="host:port of the metrics; 0.0.0.0 for all of this machine's")
    ] = _LISTEN,
) -> None:
    """Serve metrics of lag, freshness and refusals for Prometheus at /metrics, until Ctrl-C or SIGTERM."""
    from streams.monitoring.monitor import monitor as serve

    try:
        host, port = listening(listen)
    except ValueError as error:
        raise Misuse(f"--listen {listen}: {error}") from None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with suppress(KeyboardInterrupt):
            settings = settings_beside(directory)
            if settings.log == "json":
                json_log.begin()
            serve(settings, host, port, lambda: typer.echo(f"Ready: http://{listen}/metrics"))
    except OSError as error:
        raise Misuse(f"--listen {listen}: {error.strerror or error}; choose another address") from error
