"""The house's own sources as trees, for the tests of its laws (tests/docs/test_layers.py and its neighbours).

Owns finding and reading them. Never judges. Invariant: what stands in the tree is found, known or not, so that a law
holds for the module that somebody adds tomorrow.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.support.places import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef

_NOT_OURS: Final = frozenset({"build", "dist"})  # what an installation leaves behind
BESIDE: Final = frozenset({"tests", "bench", "supply"})  # all other folders are production code


@dataclass(frozen=True)
class Module:
    """One source file. A package's `__init__.py` has the package's name."""

    name: str
    path: Path  # from the root of the project
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether it is a package's `__init__.py`."""
        return self.path.name == "__init__.py"

    @property
    def package(self) -> str:
        """The package that its relative imports begin in."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def top(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]


def parse(path: str, text: str) -> Module:
    """A module of that path from the root, with that source."""
    parts = Path(path).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, Path(path), text, ast.parse(text))


@cache
def all_modules() -> tuple[Module, ...]:
    """Every Python file of the project, by path."""
    tops = [path for path in ROOT.iterdir() if not path.name.startswith(".") and path.name not in _NOT_OURS]
    files = [path for path in tops if path.suffix == ".py"]
    files += [file for folder in tops if folder.is_dir() for file in folder.rglob("*.py")]
    return tuple(parse(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) for file in sorted(files))


@cache
def production() -> tuple[Module, ...]:
    """All but what stands beside it."""
    return tuple(module for module in all_modules() if module.top not in BESIDE)


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and full name of whatever it imports, also within functions; of ours, down to the module."""
    known = {found.name for found in all_modules()}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _source(module, node)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield node.lineno, inner if inner in known else source


def _source(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = module.package.split(".")[: -(node.level - 1) or None]
    return ".".join([*above, node.module] if node.module else above)


def definitions(module: Module) -> Iterator[tuple[str, Definition, list[ast.AST]]]:
    """Every function and class in it: its dotted name, itself, and what it stands in, from the module on."""

    def within(node: ast.AST, prefix: str, above: list[ast.AST]) -> Iterator[tuple[str, Definition, list[ast.AST]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Definition):
                yield prefix + child.name, child, above
                yield from within(child, f"{prefix}{child.name}.", [*above, child])
            else:
                yield from within(child, prefix, above)

    return within(module.tree, "", [module.tree])


def module_names(module: Module) -> list[str]:
    """The names that it defines at its top level: functions, classes, constants, aliases; none that it imports."""
    found: list[str] = []
    for node in module.tree.body:
        if isinstance(node, Definition):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return found


def docstrings(module: Module) -> list[ast.Constant]:
    """The docstrings of a module, its classes and its functions."""
    nodes = [module.tree, *(node for _, node, _ in definitions(module))]
    first = [node.body[0] for node in nodes if ast.get_docstring(node, clean=False) is not None]
    return [node.value for node in first if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]


def messages(module: Module) -> Iterator[str]:
    """Every string in it that is no docstring; of an f-string the fixed parts."""
    docs = {id(found) for found in docstrings(module)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value
