"""What the README tells a reader to type exists, and what its documents link to is there."""

import pydoc
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.processes import POSVENTA

README = (ROOT / "README.md").read_text()
GUARANTEES = ROOT / "docs" / "guarantees.md"
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

PROSE_COLUMNS_MAX = 200

COMMANDS = [
    line
    for block in re.findall(r"```[a-z]*\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith((".venv/bin/posventa", "make "))
]


def test_the_readme_says_how_to_run_the_demo_and_the_tests() -> None:
    assert {"make demo", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_exists_and_takes_its_options(command: str) -> None:
    program, *words = command.split()
    if program == "make":
        done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return
    done = subprocess.run([POSVENTA, words[0], "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_within_the_project_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_to_a_heading_finds_it(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
        assert anchor in _anchors(page.parent / target if target else page), f"{target}#{anchor}"


def test_every_page_is_listed_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+\.md)", index.read_text())}
    assert {page for page in index.parent.rglob("*.md") if page != index} == linked - set(ROOT.glob("*.md"))


@pytest.mark.parametrize("page", [ROOT / "README.md", GUARANTEES], ids=lambda page: page.name)
def test_a_guarantee_names_tests_that_exist(page: Path) -> None:
    files = set(re.findall(r"`(tests/[a-z_/]+\.py)`", page.read_text()))
    assert files
    assert all((ROOT / name).exists() for name in files)
    laws = set(re.findall(r"`(test_[a-z0-9_]+)`", page.read_text()))
    assert laws <= {law for file in TESTS for law in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}


def test_a_step_of_a_guarantee_names_code_that_exists() -> None:
    named = set(re.findall(r"`((?:streams|sinks|schemas)\.[A-Za-z_.]+)`", GUARANTEES.read_text()))
    assert named
    assert [name for name in sorted(named) if pydoc.locate(name) is None] == []


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent.name != "adr" and page.name != "CHANGELOG.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_sentence_has_a_line_that_a_difference_can_show(page: Path) -> None:
    """Rows of tables, and where links lead, may be as long as they are."""
    lines = enumerate(page.read_text().splitlines(), start=1)
    prose = {number: re.sub(r"\]\([^)]*\)", "]", line) for number, line in lines if not line.startswith("|")}
    assert {number: line for number, line in prose.items() if len(line) > PROSE_COLUMNS_MAX} == {}
