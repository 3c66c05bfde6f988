"""What the distribution `posventa` is made of: the modules that posventa.py needs, found by following its imports.

Owns where a module lies once it is published: in the one package `posventa`, ours in private packages within it
(`schemas.codec` is there `posventa._schemas.codec`). Never lists a module by hand. Invariant: what is written differs
from its source in the names of imported modules and in nothing else.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "posventa"  # the only name that the distribution puts beside other people's packages


class NotCollectable(Exception):
    """A module is imported in a way that can't be rewritten. Says where, and how to write it."""


def collect(checkout: Path, target: Path) -> None:
    """Writes the package, with the data files of what is in it and `py.typed`, into the directory `target`."""
    modules = closure(checkout)
    for name, source in modules.items():
        _write(target / _place(name, source), rewritten(source, modules))
    for package, patterns in _pyproject(checkout)["tool"]["setuptools"]["package-data"].items():
        if package in modules:
            for file in (file for pattern in patterns for file in (checkout / package).glob(pattern)):
                _write(target / PACKAGE / f"_{file.relative_to(checkout)}", file.read_text(encoding="utf-8"))
    _write(target / PACKAGE / "py.typed", "")


def closure(checkout: Path) -> dict[str, Path]:
    """Every module of the checkout that `import posventa` needs, now or later: its name there, and its source."""
    found: dict[str, Path] = {}
    waiting = [PACKAGE]
    while waiting:
        name = waiting.pop()
        if name in found or (source := _source(checkout, name)) is None:
            continue
        found[name] = source
        package = name.rpartition(".")[0]  # is loaded with the module
        waiting += [*imported(source), *([package] if package else [])]
    return found


def imported(source: Path) -> Iterator[str]:
    """The names that a file imports, in functions too; `from a import b` may mean the module a.b."""
    for node in _imports(source):
        if isinstance(node, ast.ImportFrom):
            yield _module(node, source)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from (alias.name for alias in node.names)


def rewritten(source: Path, modules: dict[str, Path]) -> str:
    """The text of a file with the modules of ours imported from where they lie once published."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    for node in _imports(source):
        at = node.lineno - 1
        if isinstance(node, ast.ImportFrom) and (module := _module(node, source)) in modules:
            before, after = f"from {module} import ", f"from {_published(module)} import "
            if before not in lines[at]:
                raise NotCollectable(f"{source}:{node.lineno}: write '{before.strip()} ...' on one line")
            lines[at] = lines[at].replace(before, after, 1)
        elif isinstance(node, ast.Import) and any(alias.name in modules for alias in node.names):
            raise NotCollectable(f"{source}:{node.lineno}: write 'from ... import ...' for modules of ours")
    return "".join(lines)


def version(checkout: Path) -> str:
    """The version of both distributions, which stands in the checkout's pyproject.toml."""
    found: str = _pyproject(checkout)["project"]["version"]
    return found


def _published(name: str) -> str:
    return name if name == PACKAGE else f"{PACKAGE}._{name}"


def _place(name: str, source: Path) -> Path:
    path = Path(*_published(name).split("."))
    return path / "__init__.py" if name == PACKAGE or source.name == "__init__.py" else path.with_suffix(".py")


def _source(checkout: Path, name: str) -> Path | None:
    path = checkout.joinpath(*name.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _imports(source: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def _module(node: ast.ImportFrom, source: Path) -> str:
    if node.level or node.module is None:
        raise NotCollectable(f"{source}:{node.lineno}: write the whole name of the module, without leading dots")
    return node.module


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _pyproject(checkout: Path) -> dict[str, Any]:
    return tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
