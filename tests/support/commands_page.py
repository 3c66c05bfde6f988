"""docs/reference/commands.md, read: its sections, its tables and its JSON."""

import json
import re
from typing import Any, Final

from typer.main import get_command

from streams.cli.main import app
from tests.support.places import ROOT

PAGE: Final = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
SECTIONS: Final = dict(re.findall(r"^## posventa ([a-z -]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def commands() -> dict[str, Any]:
    """Every command as it parses what is typed, by its words: a command of several stands for these."""
    group: Any = get_command(app)
    found: dict[str, Any] = {}
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        parts = getattr(command, "commands", None)
        found |= {f"{name} {part}": own for part, own in parts.items()} if parts else {name: command}
    return found


def options_of(command: str) -> list[str]:
    """The rows of a command's table of options, as they stand there."""
    return re.findall(r"^\| `(?:--\w|[A-Z]).*\|$", SECTIONS[command], re.MULTILINE)


def keys_of(command: str) -> list[str]:
    """The keys of its JSON that the page explains."""
    table = SECTIONS[command].partition("| key |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def example_of(command: str) -> Any:
    """Its example of JSON, parsed."""
    block = re.search(r"```json\n(.*?)```", SECTIONS[command], re.DOTALL)
    assert block, command
    return json.loads(block[1])


def fits(found: Any, example: Any) -> bool:
    """Whether what a command printed has the keys and types of the example; null is anything's absence."""
    if isinstance(found, dict) and isinstance(example, dict):
        return found.keys() == example.keys() and all(fits(value, example[key]) for key, value in found.items())
    if isinstance(found, list) and isinstance(example, list):
        return bool(example) == bool(found) and all(fits(value, example[0]) for value in found)
    return found is None or example is None or type(found) is type(example)
