"""posventa up: everything on this machine, until Ctrl-C."""

import json
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.up_directory import UP_DIRECTORY
from streams.embedded.password import password_file
from streams.embedded.stack import Stack


def up(
    directory: Annotated[Path, typer.Option("--dir", help="where everything is kept between runs")] = UP_DIRECTORY,
    workers: Annotated[int, typer.Option(min=0, max=64, help="how many workers share the partitions")] = 1,
    kafka_port: Annotated[int, typer.Option(min=0, max=65535, help="Kafka's port; 0 = any free one")] = 9092,
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="ClickHouse's HTTP port; 0 = any free one")] = 8123,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="the web page's port; 0 = any free one")] = 8080,
    as_json: Annotated[bool, typer.Option("--json", help="print one line of JSON when ready")] = False,
) -> None:
    """Run Kafka, ClickHouse, workers and a web page on this machine, without Docker. Ctrl-C stops them."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    stack = Stack(directory, workers=workers, kafka_port=kafka_port, http_port=http_port, web_port=web_port)
    stack.start()
    try:
        if stack.wait_ready(asked_to_stop):
            _announce(stack, as_json)
        while not asked_to_stop.wait(0.5):
            stack.check()
    finally:
        stack.stop()


def _announce(stack: Stack, as_json: bool) -> None:
    addresses = stack.addresses
    if as_json:
        typer.echo(
            json.dumps(
                {
                    **addresses._asdict(),
                    "directory": str(stack.directory),
                    "processes": stack.processes(),
                    "metrics": stack.metrics,
                }
            )
        )
        return
    typer.echo(
        f"Ready. Everything is kept in {stack.directory}; Ctrl-C stops it.\n"
        f"  web page    {addresses.web}\n"
        f"  ClickHouse  {addresses.clickhouse}   POSVENTA_CLICKHOUSE={addresses.clickhouse}\n"
        f"              anyone here may read the views; who may write: posventa, {password_file(stack.directory)}\n"
        f"  Kafka       {addresses.kafka}   POSVENTA_KAFKA={addresses.kafka}"
    )
    for number, address in enumerate(stack.metrics):
        typer.echo(f"  metrics     {address}   of worker-{number}")
