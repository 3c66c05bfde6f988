"""The command posventa: one module a command, and what an error looks like.

Exit codes: 0 fine, 1 a finding or a failure, 2 misuse.
"""

import sys

import typer

from streams.cli.worker import worker
from streams.errors import Misuse, PosventaError

app = typer.Typer(
    help="After-sales truth for affiliates: what customers finally thought of what was sold to them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(worker)


def main() -> None:
    """The entry point of the console script."""
    try:
        app()
    except PosventaError as error:
        print(f"posventa: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, Misuse) else 1)


if __name__ == "__main__":
    main()
