"""Every word that a page takes from the glossary, a column shows or a class of a sale's way is named by, is in it, once."""

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from typing import Final, get_args

import pytest

import streams
from schemas.events import Feedback, Sale
from schemas.measures import MEASURES
from sinks.tables import TABLES
from streams.domain.linking import Match
from tests.support.places import ROOT

DOCS: Final = ROOT / "docs"
GLOSSARY: Final = (DOCS / "glossary.md").read_text()
TERMS: Final = [
    term
    for line in GLOSSARY.splitlines() if line.startswith("- **")
    for term in re.findall(r"\*\*([^*]+)\*\*", line.partition(":")[0] + ":")
]  # fmt: skip
CODE_WORDS: Final = set(re.findall(r"`([A-Za-z_]+)`", GLOSSARY))
# The rooms whose classes are words of the house; what Faust or an operating system wants stays outside.
ROOMS: Final = ("partition", "delivery", "unit", "domain", "changelog")
PAGES: Final = ("architecture.md", "guarantees.md", "operating.md", "reference/changelog-format.md")


def classes() -> dict[str, str]:
    """The public classes of the rooms, with their modules; errors are explained by the trees in their own modules."""
    found = {}
    for room in ROOMS:
        package = importlib.import_module(f"streams.{room}")
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for name, kind in inspect.getmembers(module, inspect.isclass):
                if kind.__module__ == info.name and not name.startswith("_") and not issubclass(kind, Exception):
                    found[name] = info.name
    return found


def every_name() -> set[str]:
    """What the modules of streams define or import: classes, and aliases of types."""
    return {
        name
        for info in pkgutil.walk_packages(streams.__path__, "streams.")
        for name in vars(importlib.import_module(info.name))
    }


def test_a_word_is_explained_once() -> None:
    assert len(TERMS) > 50
    assert [term for term, times in Counter(TERMS).items() if times > 1 and term != "topic"] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_writes_in_italics_is_in_the_glossary(page: str) -> None:
    text = re.sub(r"```.*?```|`[^`]*`|\*\*[^*]*\*\*", "", (DOCS / page).read_text(), flags=re.DOTALL)
    words = {" ".join(word.split()).lower() for word in re.findall(r"(?<![\w*\\])\*([^*\n]+)\*(?![\w*])", text)}
    known = {term.lower() for term in TERMS}
    assert {word for word in words if not {word, word.removesuffix("s"), word.removesuffix("es")} & known} == set()


def test_every_class_of_a_sales_way_is_a_word_of_the_glossary() -> None:
    assert {name: module for name, module in classes().items() if name not in CODE_WORDS} == {}


def test_a_class_or_type_that_the_glossary_names_exists() -> None:
    named = {word for word in CODE_WORDS if re.fullmatch(r"([A-Z][a-z]+)+", word)}
    assert named - every_name() == set()


def test_every_column_that_is_no_field_and_no_measure_is_explained() -> None:
    explained_elsewhere = {*Sale._fields, *Feedback._fields, *MEASURES}
    columns = {column for table in TABLES for column in table.columns}
    assert columns - explained_elsewhere - CODE_WORDS == set()


def test_every_way_of_matching_is_explained() -> None:
    assert set(get_args(Match)) <= CODE_WORDS
