"""The option with which a command finds what `posventa up` keeps in its directory."""

from pathlib import Path
from typing import Annotated, Final

import typer

UP_DIRECTORY: Final = Path(".posventa")
UpDirectory = Annotated[
    Path,
    typer.Option(
        "--dir", help="that of up: its password is used where POSVENTA_CLICKHOUSE names this machine without a user"
    ),
]
