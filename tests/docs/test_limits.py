"""The page of limits lists every wait, and every limit that stands as a constant, with their values; and nothing else."""

import ast
import importlib
import re
from dataclasses import fields
from pathlib import Path
from typing import Final

from streams.timing import Timing
from tests.support.places import ROOT

DOCUMENT: Final = ROOT / "docs" / "reference" / "limits.md"
ROOMS: Final = ("batches", "worker", "partition", "delivery", "unit", "domain", "changelog", "brokers", "shapes")
LIMIT: Final = re.compile(r"MAX|MIN|(?<!HEADER_)BYTES|RECORDS|BUFFERED|_SHARE|_TURN")
SECONDS: Final = re.compile(r"_S(_|$)")  # those of `posventa lag` and of creating topics: how long a command waits


def shown(value: float) -> str:
    """A number as the page writes it."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6f}".rstrip("0").rstrip(".")


def timing_rows() -> list[str]:
    """The first table as it must stand in the document."""
    return [
        f"| `{field.name}` | {shown(getattr(Timing(), field.name))} | {field.metadata['meaning']} |"
        for field in fields(Timing)
        if "meaning" in field.metadata
    ]


def constants() -> set[str]:
    """Every constant of the rooms whose name is that of a limit, as module.NAME."""
    files = [file for room in ROOMS for file in (ROOT / "streams" / room).glob("*.py")]
    return {f"{_module(file)}.{name}" for file in files for name in _numbers(file)}


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def _numbers(file: Path) -> list[str]:
    """The names of a module's own numbers that are limits."""
    assigned = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.AnnAssign)]
    names = [node.target.id for node in assigned if isinstance(node.target, ast.Name)]
    module = importlib.import_module(_module(file))
    return [n for n in names if LIMIT.search(n) and not SECONDS.search(n) and isinstance(getattr(module, n), int)]


def test_the_document_lists_every_wait_and_nothing_else() -> None:
    listed = [line for line in DOCUMENT.read_text().splitlines() if re.match(r"\| `[a-z_]+` \|", line)]
    assert listed == timing_rows()


def test_the_document_lists_every_limit_that_is_a_constant_with_its_value() -> None:
    listed = {
        f"streams.{name}": value
        for value, name in re.findall(
            r"^\| .+ \| ([\d,]+) \| `streams\.([\w.]+)` \|$", DOCUMENT.read_text(), re.MULTILINE
        )
    }
    assert set(listed) == constants()
    for place, value in listed.items():
        module, _, name = place.rpartition(".")
        assert value == shown(getattr(importlib.import_module(module), name)), place
