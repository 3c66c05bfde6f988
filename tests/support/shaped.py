"""Files in other people's shapes, followed by a mapping: what the tests of shapes share."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from schemas.events import Event
from streams.shapes.catalogue import shipped
from streams.shapes.documents import documents
from streams.shapes.mapping import read_mapping, variables_of
from streams.shapes.pseudonyms import Pseudonyms
from streams.shapes.rows import UnreadRow, csv_rows
from streams.shapes.shape import LeftOut, Made, RefusedPart, Shape
from tests.support.places import ROOT

KEY: Final = "0123456789abcdef0123456789abcdef"
SAMPLES: Final = ROOT / "tests" / "pure" / "shapes" / "samples"

Told = tuple[int, str]  # a row, and the field that is refused


def shape_from(text: str, **said: str) -> Shape:
    """The shape of a mapping's text."""
    known = variables_of(text, "mapping.toml")
    document = read_mapping(text, "mapping.toml", {name: value for name, value in said.items() if name in known})
    return Shape(document, {name: said[name] for name in said if name not in known}, lambda: Pseudonyms(KEY))


def followed(shape: Shape, data: bytes) -> Iterator[tuple[int, Made | RefusedPart | LeftOut]]:
    """What becomes of each row of a file."""
    source = BytesIO(data)
    rows = (
        csv_rows(source, shape.csv, shape.roots)
        if shape.format == "csv"
        else documents(source, shape.json, is_by_line=shape.format == "json-lines")
    )
    for row in rows:
        if isinstance(row, UnreadRow):
            yield row.number, RefusedPart(row.field, row.why)
        else:
            yield from ((row.number, outcome) for outcome in shape.outcomes(row.fields, row.rows))


def result(shape: Shape, data: bytes) -> tuple[list[Event], list[Told], int]:
    """The events of a file, what is refused by row and field, and how much is left out."""
    found = list(followed(shape, data))
    events = [outcome.event for _, outcome in found if isinstance(outcome, Made)]
    refused = [(row, outcome.field) for row, outcome in found if isinstance(outcome, RefusedPart)]
    return events, refused, sum(isinstance(outcome, LeftOut) for _, outcome in found)


def sample(name: str, file: str, **said: str) -> tuple[list[Event], list[Told], int]:
    """As result(), of a shipped shape and one of the sample files."""
    return result(shape_from(shipped(name), brand_id="norte", **said), (SAMPLES / file).read_bytes())


def rendered(events: list[Event]) -> str:
    """All that is in events, for a search."""
    return repr(events)


def path_of(file: str) -> Path:
    """A sample file."""
    return SAMPLES / file
