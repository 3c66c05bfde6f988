"""The command line: finds each command's module when it is asked for, and turns errors into messages and exit codes.

Exit codes: 0 fine, 1 a finding or a server that is away, 2 misuse. A command is what its module has under its own name: a
function, or a typer.Typer of several.
Invariant: whatever happens is told in words without a secret; where it happened is told to who sets POSVENTA_TRACEBACK.
"""

import importlib
import logging
import os
import sys
import traceback
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from sinks.errors import SinkError
from streams import json_log
from streams.cli.doubts import doubts
from streams.compiled import stale
from streams.errors import Misuse, PosventaError
from streams.settings import TRACEBACK, without_secrets
from streams.visible import visible

log = logging.getLogger(__name__)

COMMANDS: Final = (
    "up",
    "demo",
    "publish",
    "shapes",
    "worker",
    "migrate",
    "report",
    "explain",
    "lag",
    "verify",
    "rebuild",
    "read",
    "dead-letters",
    "doctor",
    "mark",
    "monitor",
)  # as the documentation lists them


class Commands(TyperGroup):
    """Imports a command when it is called, so that none waits for what another one needs: Faust takes a second."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None when there is no such."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        found = getattr(importlib.import_module(f"streams.cli.{name}"), name)
        if isinstance(found, typer.Typer):  # a command of several
            return get_command(found)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(found)
        return get_command(single)


_OURS_ALONE: Final = 0o077  # events, with ids and comments, lie in what a command and its children write

app = typer.Typer(
    cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"posventa {version('posventa-server')}")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="print the version and end")
]


@app.callback()
def posventa(_version: _Version = False) -> None:
    """After-sales truth for affiliates: what customers finally thought of what was sold to them."""
    for doubt in doubts(os.environ):
        typer.echo(f"posventa: {doubt}", err=True)


def main() -> None:
    """The entry point of `posventa`."""
    os.umask(_OURS_ALONE)
    try:
        try:
            if sources := stale():
                raise Misuse(f"{', '.join(sources)} changed after they were compiled: say `make setup`")
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it can still be told that there is no room
    except Exception as error:
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    """Says on standard error what happened; returns the exit code."""
    if isinstance(error, PosventaError | SinkError):
        message = str(error)
    elif isinstance(error, OSError):
        _give_up_output()
        message = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
    else:
        message = (
            f"{type(error).__name__}: {error}\nThis is a fault of posventa: please report it. "
            f"{TRACEBACK}=1 shows where it happened"
        )
    where = "".join(traceback.format_exception(error)) if os.environ.get(TRACEBACK) else ""
    if not isinstance(error, BrokenPipeError):  # whoever read has seen enough
        with suppress(OSError):
            if json_log.is_in_use():
                log.critical("%s", _shown(message), exc_info=error if where else None)
            else:
                typer.echo(without_secrets(where + _shown(f"posventa: {message}")), err=True)
    return 2 if isinstance(error, Misuse) else 1


def _shown(message: str) -> str:
    return "\n".join(visible(line) for line in message.split("\n"))


def _give_up_output() -> None:
    """Standard output may be what failed: Python would try once more when it ends, and fail with a message of its own."""
    with suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
