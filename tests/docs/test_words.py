"""Every word has one meaning: what is public is defined once, and no local name hides what a module imported.

docs/glossary.md says what the words mean.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.support.house import Module, all_modules, module_names, parse, production

# Public names that stand in two modules or more because they mean the same there. Why they do:
THE_SAME = {
    "COMMENTS": "comments: as a table, and as the measure of answers with one, which is read as panes.COMMENTS",
    "DEAD_LETTERS": "the dead letters: as a topic, and as a table of ClickHouse",
    "FEEDBACK": "feedback: as a topic, and as the measure that counts it, which is read as panes.FEEDBACK",
    "METRICS": "how was asked: the order of the schema, and the frozen order of stored states, tied by a test",
    "OFFERINGS": "what is offered: the order of the schema, and the frozen order of stored states, tied by a test",
    "PaneKey": "what names a pane, in both counts",
    "REVERSAL_KINDS": "how money came back: the order of the schema, and the frozen order of stored states, tied by a test",
    "Row": "a row by the names of its columns",
    "Rules": "what decides numbers: the rules, and as much of them as the second count needs",
    "SALES": "sales: as a topic, and as the measure that counts them, which is read as panes.SALES",
    "TOPIC": "a topic that customers speak of: as a kind of row, and as a kind of hit",
    "TopicKey": "what names a topic's pane, in both counts",
    "decode": "the value from its bytes, read with its module's name: state.decode, meta.decode",
    "encode": "the bytes of a value, read with its module's name: codec.encode, state.encode, meta.encode",
    "log": "the module's logger",
    "main": "what a program begins with",
    "migrate": "the command, and what it does",
    "monitor": "the command, and what it does",
    "read": "the command; and reading a log of Kafka",
    "verify": "the command, and what it does",
}


def public_names() -> dict[str, list[str]]:
    """The modules that define each public name."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in production():
        for name in set(module_names(module)):
            if not name.startswith("_"):
                found[name].append(module.name)
    return found


def hidden(module: Module) -> Iterator[str]:
    """Local names that hide what the module imported, once for each function."""
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = list(ast.walk(node))
            local = {name.id for name in inner if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
            local |= {argument.arg for argument in inner if isinstance(argument, ast.arg)}
            yield from sorted(local & imported)


def test_a_public_name_is_defined_once() -> None:
    twice = {name: modules for name, modules in public_names().items() if len(modules) > 1}
    known = THE_SAME.keys()
    told = [f"{name} stands in {', '.join(modules)}" for name, modules in sorted(twice.items()) if name not in known]
    assert told == [], "two things, two names; one thing, one place. Where it is the same, say so in THE_SAME"
    assert sorted(known - twice.keys()) == [], "it stands once now: take it out of the list"


def test_no_local_name_hides_what_was_imported() -> None:
    assert {(str(module.path), name) for module in all_modules() for name in hidden(module)} == set()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from a import records\ndef f():\n    records = 1\n", ["records"]),
        ("import os.path\nlambda os: os\n", ["os"]),
        ("from a import b as c\ndef f(b: int) -> None:\n    for d in b: ...\n", []),
    ],
)
def test_a_hidden_name_is_seen(source: str, names: list[str]) -> None:
    assert list(hidden(parse("streams/a.py", source))) == names


def _errors(module: Module) -> dict[str, set[str]]:
    """The classes of a module with the last names of their bases."""
    return {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    }


@pytest.mark.parametrize("path", ["schemas/errors.py", "streams/errors.py", "sinks/errors.py"])
def test_a_tree_of_errors_shows_every_one(path: str) -> None:
    (module,) = (module for module in production() if str(module.path) == path)
    head, *branches = (ast.get_docstring(module.tree) or "").partition("\n\n")[2].partition("\n\n")[0].splitlines()
    shown = [head, *(branch.removeprefix("+-- ").split()[0] for branch in branches if branch.startswith("+-- "))]
    real = {head}
    classes = {name: bases for found in production() for name, bases in _errors(found).items()}
    while more := {name for name, bases in classes.items() if bases & real} - real:
        real |= more
    assert set(shown) == real
    assert set(_errors(module)) == real, "an error of the tree stands in another module"
