"""The command line: finds each command's module when it is asked for, and turns errors into messages and exit codes.

Exit codes: 0 fine, 1 a finding or a server that is away, 2 misuse. A command is what its module has under its own name: a
function, or a typer.Typer of several.
"""

import importlib
import sys
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from sinks.errors import SinkError
from streams.compiled import stale
from streams.errors import Misuse, PosventaError

COMMANDS: Final = (
    "up",
    "demo",
    "publish",
    "worker",
    "migrate",
    "report",
    "lag",
    "verify",
    "dead-letters",
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


def main() -> None:
    """The entry point of `posventa`."""
    try:
        if sources := stale():
            raise Misuse(f"{', '.join(sources)} changed after they were compiled: say `make setup`")
        app()
    except (PosventaError, SinkError) as error:
        print(f"posventa: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, Misuse) else 1)
