"""What the README tells a reader to type exists, and what its documents link to is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
POSVENTA = Path(sys.executable).with_name("posventa")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

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


def test_a_guarantee_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(tests/[a-z_]+\.py)`", (ROOT / "docs" / "guarantees.md").read_text()))
    assert named
    assert all((ROOT / name).exists() for name in named)
