"""posventa demo: everything on this machine, with made-up sales and feedback, ending in the report."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from streams.cli.report import as_json_text, ask, language_of, show
from streams.demo.show import now_ms, stream, tell_history, wait_until_shown
from streams.demo.story import Story
from streams.embedded.preflight import require_port
from streams.embedded.stack import Stack
from streams.errors import Misuse
from streams.publishing.publisher import Publisher

_PORTS: Final = {"--kafka-port": 9092, "--http-port": 8123, "--web-port": 8080}
_LINE_S: Final = 5.0  # between two lines of progress where there is no terminal

_Port = Annotated[int | None, typer.Option(min=0, max=65535, help="by default as for up, or any free one")]


def demo(
    seconds: Annotated[int, typer.Option(min=1, help="how long new sales and feedback stream in")] = 20,
    directory: Annotated[Path | None, typer.Option("--dir", help="keep everything there; else nothing is kept")] = None,
    kafka_port: _Port = None,
    http_port: _Port = None,
    web_port: _Port = None,
    seed: Annotated[int, typer.Option(help="another seed, another story")] = 7,
    lang: Annotated[str | None, typer.Option(help="en or es; by default that of LANG")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the report and the addresses as JSON")] = False,
) -> None:
    """Show it all: a month of made-up sales and feedback, a lively while, the report. On a terminal it streams on."""
    language = language_of(lang)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    chosen = {"--kafka-port": kafka_port, "--http-port": http_port, "--web-port": web_port}
    kafka, http, web = (_port(option, port) for option, port in chosen.items())
    with _kept(directory) as kept:
        stack = Stack(kept, kafka_port=kafka, http_port=http, web_port=web)
        try:
            stack.start()
            typer.echo("Starting Kafka, ClickHouse and a worker on this machine", err=True)
            if stack.wait_ready(stop):
                _play(stack, Story(seed, now_ms()), seconds, stop, language, as_json)
        finally:
            stack.stop()


def _play(stack: Stack, story: Story, seconds: int, stop: threading.Event, language: str, as_json: bool) -> None:
    with Publisher(stack.settings) as publisher:
        typer.echo(f"{tell_history(publisher, story):,} events of a month are published", err=True)
        with _progress() as progress:
            stream(publisher, story, stop, seconds, progress)
        wait_until_shown(stack.addresses.clickhouse, now_ms(), stop)
        if stop.is_set():
            return
        found = ask(stack.addresses.clickhouse)
        if as_json:
            typer.echo(as_json_text({**found, **stack.addresses._asdict()}))
            return
        show(found, language)
        typer.echo(f"\nWeb page    {stack.addresses.web}\nClickHouse  {stack.addresses.clickhouse}")
        if sys.stdin.isatty() and sys.stdout.isatty():
            typer.echo("Sales and feedback stream on; Ctrl-C stops everything.")
            stream(publisher, story, stop, inf, lambda _: stack.check())


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Hears how many more events there are; shows it as a bar on a terminal, else as a line now and then."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Sales and feedback stream in", total=None)
        yield lambda count: progress.advance(task, count)


def _lines() -> Callable[[int], None]:
    total, due_s = 0, time.monotonic() + _LINE_S

    def more(count: int) -> None:
        nonlocal total, due_s
        total += count
        if time.monotonic() >= due_s:
            due_s += _LINE_S
            typer.echo(f"{total:,} events streamed in", err=True)

    return more


@contextmanager
def _kept(directory: Path | None) -> Iterator[Path]:
    """The directory asked for, or one that is gone afterwards."""
    if directory is not None:
        yield directory
        return
    with TemporaryDirectory(prefix="posventa-demo-") as temporary:
        yield Path(temporary)


def _port(option: str, asked: int | None) -> int:
    """The port asked for; else that of `up`, unless it is taken."""
    if asked is not None:
        return asked
    try:
        require_port(option, _PORTS[option], patience_s=0)
    except Misuse:
        return 0
    return _PORTS[option]
