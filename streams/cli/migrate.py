"""posventa migrate: the ClickHouse schema of this version."""

import json
from typing import Annotated

import typer

from sinks.errors import SinkUnavailable
from sinks.migrate import migrate as bring_up_to_date
from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside


def migrate(
    directory: UpDirectory = UP_DIRECTORY, as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False
) -> None:
    """Create or upgrade the ClickHouse schema. Safe to repeat."""
    try:
        applied = bring_up_to_date(settings_beside(directory).clickhouse.get_secret_value())
    except SinkUnavailable as error:
        raise SinkUnavailable(f"{error}; when it is there, say posventa migrate again") from error
    if as_json:
        typer.echo(json.dumps({"applied": applied}))
        return
    typer.echo("\n".join(f"applied {name}" for name in applied) or "up to date")
