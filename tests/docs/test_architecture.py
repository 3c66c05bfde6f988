"""docs/architecture.md shows the folders that there are, and names code that exists."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text()
ROOMS = {"schemas/", "sinks/"} | {f"streams/{init.parent.name}" for init in (ROOT / "streams").glob("*/__init__.py")}
# `name` or `Class.method`, in a link to the file where it is: [`Inbox.take`](../streams/partition/inbox.py)
LINKED_NAME = re.compile(r"\[`([A-Za-z_.]+)`\]\(((?:\.\./)*[a-z_/]+\.py)\)")


def linked_names() -> Iterator[tuple[Path, str, Path]]:
    """Every name on any page that links to the file it is in: the page, the name, the file."""
    for page in sorted(DOCS.rglob("*.md")):
        for name, link in LINKED_NAME.findall(page.read_text()):
            yield page, name, (page.parent / link).resolve()


def test_the_diagram_is_the_list_of_folders() -> None:
    diagram = re.search(r"```\n(.*?)```", PAGE, re.DOTALL)
    assert diagram
    assert set(re.findall(r"\bstreams/[a-z]+|\bschemas/|\bsinks/", diagram[1])) == ROOMS


def test_every_folder_has_its_paragraph() -> None:
    assert sorted(re.findall(r"^### ((?:streams|schemas|sinks)/[a-z]*)$", PAGE, re.MULTILINE)) == sorted(ROOMS)


@pytest.mark.parametrize(("page", "name", "file"), [
    pytest.param(*found, id=f"{found[0].name}-{found[1]}") for found in linked_names()
])  # fmt: skip
def test_a_name_is_in_the_file_that_it_links_to(page: Path, name: str, file: Path) -> None:
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert getattr(found, "__module__", module) == module, f"{page.name}: {name} is from {found.__module__}"


def test_the_way_of_a_sale_is_told_with_a_link_a_step() -> None:
    way = PAGE.partition("## One sale")[2].partition("\n## ")[0]
    steps = re.split(r"^\d+\. ", way, flags=re.MULTILINE)[1:]
    assert len(steps) >= 10
    assert [step for step in steps if not LINKED_NAME.search(step)] == []
