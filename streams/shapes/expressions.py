"""JMESPath, as mappings use it: expressions are checked when a mapping is read, and find values in one document.

Owns the only use of the library. Never computes with numbers: what would make a float of one is refused when the mapping
is read, so that money stays what the source wrote. Invariant: the same document gives the same value.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.visitor import TreeInterpreter

_INEXACT: Final = frozenset({"to_number", "to_string", "avg", "sum", "abs", "ceil", "floor"})
_KNOWN: Final = frozenset(jmespath.functions.Functions.FUNCTION_TABLE)
_INSIDE: Final = frozenset({"projection", "value_projection", "filter_projection", "flatten", "subexpression",
                            "index_expression", "pipe"})  # fmt: skip
_INTERPRETER: Final = TreeInterpreter()  # holds no document; making one for each search would take as long again
_PART: Final = re.compile(r"\{([^{}]*)\}")


class BadExpression(ValueError):
    """An expression, template or pattern of a mapping that can't be used; the message says why."""


class NoFit(ValueError):
    """An expression meets a value that it can't be used on. The message holds no value."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One JMESPath expression. `roots` are the names that it reads at the top of a document."""

    text: str
    roots: frozenset[str]
    _path: tuple[str | int, ...]
    _parsed: Any

    def find(self, document: Mapping[str, Any]) -> Any:
        """What it finds, or None. Raises NoFit."""
        if self._path:  # most are names with dots between them, or places of lists
            found: Any = document
            for step in self._path:
                if isinstance(step, str):
                    found = found.get(step) if isinstance(found, dict) else None
                else:
                    found = found[step] if isinstance(found, list) and len(found) > step else None
            return found
        try:
            return _INTERPRETER.visit(self._parsed, document)
        except JMESPathError as error:
            raise NoFit(
                f"{self.text}: {type(error).__name__}: a function meets a value that it does not take"
            ) from None
        except (TypeError, ValueError, AttributeError):
            raise NoFit(f"{self.text}: it can't be used on what is there") from None


def expression(text: str) -> Expression:
    """Reads an expression. Raises BadExpression with what to change."""
    try:
        parsed = jmespath.compile(text)
    except ParseError as error:
        raise BadExpression(f"no JMESPath expression: {' '.join(str(error).split())[:200]}") from None
    except JMESPathError as error:
        raise BadExpression(f"no JMESPath expression: {error}") from None
    for node in _nodes(parsed.parsed):
        if node["type"] == "function_expression" and node["value"] not in _KNOWN - _INEXACT:
            why = "makes floats" if node["value"] in _INEXACT else "is no function of JMESPath"
            raise BadExpression(f"{node['value']}() {why}; a mapping computes by its own options")
        if node["type"] == "literal" and _holds_float(node["value"]):
            raise BadExpression("a number with a fraction is a float here: write it as text, such as '1.5'")
    return Expression(text, frozenset(_roots(parsed.parsed)), _path(parsed.parsed), parsed.parsed)


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in braces: `{id}:{type}`."""

    text: str
    parts: tuple[str | Expression, ...]

    @property
    def roots(self) -> frozenset[str]:
        """The names that it reads at the top of a document."""
        return frozenset().union(*(part.roots for part in self.parts if isinstance(part, Expression)))


def template(text: str) -> Template:
    """Reads a template. Raises BadExpression."""
    found = _PART.split(text)
    if "{" in "".join(found[::2]) or "}" in "".join(found[::2]):
        raise BadExpression("a brace without its other half, or one within another")
    if len(found) < 3:
        raise BadExpression("no {expression} in it: a constant is a `value`")
    parts = [expression(part) if place % 2 else part for place, part in enumerate(found)]
    return Template(text, tuple(part for part in parts if part != ""))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.get("children", ()):
        if isinstance(child, dict):  # the numbers of a slice are not
            yield from _nodes(child)


def _path(node: Any) -> tuple[str | int, ...]:
    """The steps, where an expression is nothing but names with dots between them, and places counted from the front."""
    if node["type"] == "field" or (node["type"] == "index" and node["value"] >= 0):
        return (node["value"],)
    if node["type"] not in ("subexpression", "index_expression"):
        return ()
    parts = [_path(child) for child in node["children"]]
    return tuple(step for part in parts for step in part) if all(parts) else ()


def _roots(node: Any) -> Iterator[str]:
    if node["type"] == "field":
        yield node["value"]
    children = node.get("children", [])
    for child in children[:1] if node["type"] in _INSIDE else () if node["type"] == "expref" else children:
        if isinstance(child, dict):
            yield from _roots(child)


def _holds_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_float, value.values()))
    return any(map(_holds_float, value)) if isinstance(value, list) else isinstance(value, float)
