"""The command line: finds each command's module when it is asked for, and turns errors into messages and exit codes.

Exit codes: 0 fine, 1 a finding or a server that is away, 2 misuse. A command is the function of its module's name.
"""

import importlib
import importlib.util
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from sinks.errors import SinkError
from streams.compiled import stale
from streams.errors import Misuse, PosventaError

COMMANDS: Final = (
    "up", "demo", "publish", "worker", "migrate", "report", "lag", "verify", "dead-letters", "doctor",
)  # fmt: skip


def _module(name: str) -> str:
    return f"streams.cli.{name.replace('-', '_')}"


class Commands(TyperGroup):
    """Imports a command when it is called: Faust alone takes a second, and `posventa lag` need not wait for it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands of this version, in the order of the documentation."""
        return [name for name in COMMANDS if importlib.util.find_spec(_module(name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None when there is no such."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = getattr(importlib.import_module(_module(cmd_name)), cmd_name.replace("-", "_"))
        if isinstance(found, typer.Typer):  # a command with sub-commands
            command = get_command(found)
        else:
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(cmd_name)(found)
            command = get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback()
def posventa() -> None:
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
