"""What is installed is locked: every file by its hash, for all that pyproject.toml asks for, and for nobody's registry."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

from tests.support.places import ROOT

PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS: Final = sorted((ROOT / "requirements").glob("*.txt"))
HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def locked(file: Path) -> dict[str, set[str]]:
    """The versions of each name; more than one where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for requirement, hashes in entries(file):
        assert HASH.fullmatch(hashes[0]), f"{file.name}: {requirement} has no hash"
        [pin] = requirement.specifier
        assert pin.operator == "=="
        found.setdefault(requirement.name, set()).add(pin.version)
    return found


def entries(file: Path) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a lock, each with its hashes."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    logical = "\n".join(lines).replace("\\\n", " ").splitlines()
    parts = [re.split(r" +(?=--)", line.strip()) for line in logical]
    return [(Requirement(requirement), hashes) for requirement, *hashes in parts]


def asked(name: str) -> list[str]:
    """What pyproject.toml asks for in what a lock is for."""
    build: list[str] = PYPROJECT["build-system"]["requires"] + PYPROJECT["dependency-groups"]["build"]
    server: list[str] = PYPROJECT["project"]["dependencies"]
    extras = PYPROJECT["project"]["optional-dependencies"]
    return {"build": build, "server": server, "dev": [*build, *server, *extras["embedded"], *extras["dev"]]}[name]


def test_there_is_a_lock_for_each_use() -> None:
    assert [file.stem for file in LOCKS] == ["build", "dev", "server"]


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_a_lock_has_a_version_that_fits_for_all_that_is_asked_for(file: Path) -> None:
    found = locked(file)
    for requirement in map(Requirement, asked(file.stem)):
        versions = found.get(requirement.name, set())
        assert versions, f"requirements/{file.name} lacks {requirement}: make lock"
        assert all(version in requirement.specifier for version in versions), f"{requirement}, {versions}: make lock"


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_no_lock_has_another_version_than_the_one_that_is_tested_nor_a_place_to_fetch_from(file: Path) -> None:
    everything = locked(ROOT / "requirements" / "dev.txt")
    assert {name: versions for name, versions in locked(file).items() if versions != everything.get(name)} == {}
    assert not re.search(r"https?:|--(extra-)?index|--find-links", file.read_text())


@pytest.mark.parametrize(
    ("name", "locks"), [("Makefile", ["build", "dev"]), ("deploy/Dockerfile", ["build", "server"])]
)
def test_nothing_is_installed_but_what_is_locked_and_ours(name: str, locks: list[str]) -> None:
    """Apart from the peers of the bench and the clients of ClickHouse, each in an environment of their own."""
    lines = re.findall(r"^.*(?:pip (?:install|wheel)|\$\(PIP_INSTALL\)) .*$", (ROOT / name).read_text(), re.MULTILINE)
    lines = [line for line in lines if ":=" not in line and not re.search(r"\.venv-\w+/", line)]
    assert [found for line in lines for found in re.findall(r"-r requirements/(\w+)\.txt", line)] == locks
    assert [line for line in lines if "--require-hashes" not in line and "--no-deps" not in line] == []
