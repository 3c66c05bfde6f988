"""docs/reference/commands.md lists every command with its options, and no others; and explains the JSON that it shows."""

from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

import pytest

from streams.embedded.stack import Addresses
from tests.support.commands_page import SECTIONS, commands, example_of, keys_of, options_of

COMMANDS: Final[dict[str, Any]] = commands()
WITH_JSON: Final = [name for name, command in COMMANDS.items() if any("--json" in p.opts for p in command.params)]
_KINDS: Final = {"str": "text", "list": "texts", "int": "number", "Path": "path", "bool": ""}


def _values(option: Any) -> str:
    """What an option takes, in words: nothing for a flag."""
    kind = option.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if option.min is not None:
        return f"{option.min} or more" if option.max is None else f"{option.min} to {option.max}"
    return _KINDS[kind.__name__]


def rows(command: Any) -> list[str]:
    """The table of options as it must stand in the document."""
    found = []
    for option in command.params:
        name = option.opts[0] if option.opts[0].startswith("-") else option.opts[0].upper()
        assert option.default is None or isinstance(option.default, (bool, int, str)) or option.default.name
        default = "" if isinstance(option.default, (bool, NoneType)) else f"`{option.default}`"
        found.append(f"| `{name}` | {_values(option)} | {default} | {option.help} |")
    return found


def test_every_command_has_its_section_in_order_and_nothing_else_has() -> None:
    assert list(SECTIONS) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_options_are_listed_with_values_and_defaults(command: str) -> None:
    assert options_of(command) == rows(COMMANDS[command])


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_and_its_exit_codes_are_told(command: str) -> None:
    section = " ".join(SECTIONS[command].split())
    assert " ".join(COMMANDS[command].help.split()) in section
    assert "| `0` |" in section
    assert "| `2` |" in section


@pytest.mark.parametrize("command", WITH_JSON)
def test_every_key_of_its_json_is_explained(command: str) -> None:
    if command == "demo":
        assert sorted(keys_of(command)) == sorted([*keys_of("report"), *Addresses._fields])
        return
    example = example_of(command)
    assert keys_of(command) == list(example[0] if isinstance(example, list) else example)
