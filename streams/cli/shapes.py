"""posventa shapes: the shapes that are shipped, and the mapping of one, to copy and change."""

import json
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.cli.shaped import mapping_text
from streams.shapes.catalogue import SHIPPED, shipped
from streams.shapes.mapping import Document, read_mapping, variables_of


def shapes(
    shape: Annotated[str | None, typer.Argument(help="show the mapping of this one")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show the shapes of files and webhooks that are known, or one's mapping: a TOML file to copy and change."""
    if shape is not None:
        text, name = mapping_text(shape, None)
        if as_json:
            print(json.dumps([{**_told(name), "mapping": text}]))
        else:
            print(text, end="")
        return
    if as_json:
        print(json.dumps([{**_told(name), "mapping": None} for name in SHIPPED]))
        return
    table = Table("shape", "what it is of", box=box.SIMPLE_HEAD)
    for name in SHIPPED:
        table.add_row(name, Text(_document(name).about))
    Console().print(table)
    print(
        "posventa publish --as SHAPE --set brand_id=BRAND FILE publishes one; --dry-run shows what would be published"
    )


def _told(name: str) -> dict[str, object]:
    document = _document(name)
    variables = variables_of(shipped(name), name)
    return {
        "shape": name,
        "about": document.about,
        "format": document.format,
        "variables": {known: variable.default for known, variable in variables.items()},
    }


def _document(name: str) -> Document:
    return read_mapping(shipped(name), name, {})
