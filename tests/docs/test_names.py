"""What pages, files and messages tell a reader to type or to open exists: commands, settings, make targets, paths."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from streams.cli.main import COMMANDS
from streams.settings import BESIDE, Settings
from tests.support.commands_page import commands
from tests.support.house import Module, all_modules, docstrings, messages
from tests.support.places import ROOT

PAGES: Final = sorted(
    path for pages in ("*.md", "docs/**/*.md", "bench/*.md", "tests/*.md") for path in ROOT.glob(pages)
)
OTHER_TEXTS: Final = [
    path
    for name in (
        "docker-compose.yml",
        ".env.example",
        "Makefile",
        "setup.py",
        ".ci/run",
        "deploy/Dockerfile",
        "pyproject.toml",
    )
    if (path := ROOT / name).exists()
]
CODE: Final = [module for module in all_modules() if module.top != "tests"]

SETTINGS: Final = {f"POSVENTA_{name}".upper() for name in Settings.model_fields} | set(BESIDE)
TARGETS: Final = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
FOLDERS: Final = "schemas|streams|sinks|tests|bench|docs|deploy"


# What follows the project's name in sentences of messages, and is no command.
PROSE: Final = {"and", "when", "yet"}


def code_of(page: Path) -> list[str]:
    """What a page shows as code: the lines of its blocks, and what stands between back-ticks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [
        *(line for block in blocks for line in block.splitlines()),
        *re.findall(r"^    (\S.*)", prose, re.MULTILINE),
        *re.findall(r"`([^`\n]+)`", prose),
    ]


def code_in(module: Module) -> list[str]:
    """What a module's messages say, and what its docstrings show between back-ticks."""
    shown = [words for doc in docstrings(module) for words in re.findall(r"`([^`\n]+)`", str(doc.value))]
    return [*messages(module), *shown]


def unknown_commands(text: str) -> Iterator[str]:
    """Commands and options of ours that a text tells one to type, and that don't exist."""
    for command, rest in re.findall(r"(?:^|[\s/:(])(?<!from )posventa ([a-z][a-z-]*)([^\n;|`]*)", text):
        if command not in COMMANDS:
            yield f"posventa {command}"
            continue
        words = re.findall(r"(?<!\S)(--[a-z][a-z-]*)", rest)
        yield from (f"posventa {command} {word}" for word in words if word not in options_of(command))


def unknown_settings(text: str) -> Iterator[str]:
    """Variables named like ours that nobody reads. One that ends with _ stands for all that begin so."""
    for name in re.findall(r"POSVENTA_[A-Z][A-Z_]*", text):
        if name not in SETTINGS and not (name.endswith("_") and any(known.startswith(name) for known in SETTINGS)):
            yield name


def unknown_targets(text: str) -> Iterator[str]:
    """What a text tells one to make, and make cannot."""
    for target in re.findall(r"(?:^|\s)make ((?:[a-z]+ ?)+)(?![a-z:])", text):
        yield from (f"make {word}" for word in target.split() if word not in TARGETS)


def unknown_paths(text: str) -> Iterator[str]:
    """Paths from the root that lead nowhere. One with NAME in it is a recipe's."""
    for path in re.findall(rf"(?<![\w./-])(?:{FOLDERS})/[\w./*-]*\w", text):
        if "NAME" not in path and not any(ROOT.glob(path)):
            yield path


def unknown_names(module: Module) -> Iterator[str]:
    """Whatever the messages, docstrings and comments of a module name, and that doesn't exist."""
    for text in code_in(module):
        yield from (name for name in unknown_commands(text) if name.removeprefix("posventa ") not in PROSE)
        yield from unknown_settings(text)
        for shown in re.findall(r"`([^`\n]+)`", text):
            yield from unknown_targets(shown)
    yield from unknown_paths(module.text)


@cache
def options_of(name: str) -> set[str]:
    """The options that a command takes, or one of its parts."""
    parts = [command for words, command in commands().items() if words.split()[0] == name]
    return {option for part in parts for parameter in part.params for option in parameter.opts} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    code, text = code_of(page), page.read_text(encoding="utf-8")
    assert [name for line in code for name in (*unknown_commands(line), *unknown_targets(line))] == []
    assert [*unknown_settings(text), *unknown_paths("\n".join(code))] == []


@pytest.mark.parametrize("path", OTHER_TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_file_of_settings_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [*unknown_settings(text), *unknown_paths(text)] == []


def test_what_a_message_names_exists() -> None:
    unknown = [f"{module.path}: {name}" for module in CODE for name in unknown_names(module)]
    assert unknown == [], "\n".join(unknown)


def test_every_command_is_a_module_that_says_what_it_does() -> None:
    folder = ROOT / "streams" / "cli"
    assert [name for name in COMMANDS if not (folder / f"{name.replace('-', '_')}.py").exists()] == []
    assert [name for name, command in commands().items() if not command.help] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("posventa dead-letters list", []),
        ("posventa live-letters list", ["posventa live-letters"]),
        ("posventa dead-letters replay --al", ["posventa dead-letters --al"]),
        ("see: posventa lag --jason", ["posventa lag --jason"]),
        (".venv/bin/posventa up --dir x; echo", []),
        ("POSVENTA_PAIN=5m and POSVENTA_KAFKA_SECURITY_…", ["POSVENTA_PAIN"]),
        ("make tests", ["make tests"]),
        ("make demo", []),
        ("docs/nowhere.md and tests/docs/*.py", ["docs/nowhere.md"]),
    ],
)
def test_what_does_not_exist_is_seen(text: str, found: list[str]) -> None:
    assert [*unknown_commands(text), *unknown_settings(text), *unknown_targets(text), *unknown_paths(text)] == found
