"""posventa mark: what stands for a customer in the table of refusals."""

import json
from typing import Annotated

import typer

from streams.brokers.identity import source_topic_ids
from streams.settings import load_settings
from streams.unit.marks import marker


def mark(
    text: Annotated[str, typer.Argument(help="a customer's key, brand_id:customer_id, or another text of an event")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show the mark that stands for a customer, or another text of a refused event, in the table of refusals."""
    found = marker(*source_topic_ids(load_settings()))(text.encode(errors="surrogateescape"))
    typer.echo(json.dumps({"mark": found}) if as_json else found)
