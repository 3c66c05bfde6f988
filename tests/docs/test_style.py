"""The sizes and openings of the house: what fits a screen, and says what it is for, can be read."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.house import Function, Module, all_modules, definitions, docstrings, parse, production

FUNCTION_LINES_MAX: Final = 60
MODULE_LINES_MAX: Final = 400
CLASS_LINES_MAX: Final = 120  # of code
CODE_COLUMNS_MAX: Final = 120
MESSAGE_CHARACTERS_MIN: Final = 60  # a longer string is a sentence to somebody

_NO_CODE: Final = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
_SAYS_WHAT: Final = 20  # characters of a first line that can say something


def code_lines(module: Module) -> set[int]:
    """The lines that hold code. Blank lines, comments and docstrings don't count: nobody should save on them."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines.difference(*(range(doc.lineno, (doc.end_lineno or 0) + 1) for doc in docstrings(module)))


def too_long(module: Module) -> Iterator[tuple[str, int, int]]:
    """What is longer than it may be: its full name, its lines, and how many it may have."""
    if (length := len(module.text.splitlines())) > MODULE_LINES_MAX:
        yield module.name, length, MODULE_LINES_MAX
    code = code_lines(module)
    for name, node, _ in definitions(module):
        spanned = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if isinstance(node, Function) and len(spanned) > FUNCTION_LINES_MAX:
            yield f"{module.name}.{name}", len(spanned), FUNCTION_LINES_MAX
        elif isinstance(node, ast.ClassDef) and (length := len(code.intersection(spanned))) > CLASS_LINES_MAX:
            yield f"{module.name}.{name}", length, CLASS_LINES_MAX


def without_docstring(module: Module, *, methods: bool) -> Iterator[str]:
    """The public functions and classes, and methods if asked, that don't say what they are for."""
    for name, node, above in definitions(module):
        is_method = isinstance(above[-1], ast.ClassDef)
        is_reachable = len(above) == 1 or (is_method and methods and not any(isinstance(a, Function) for a in above))
        is_public = not any(part.startswith("_") for part in name.split("."))
        if is_reachable and is_public and ast.get_docstring(node) is None:
            yield f"{module.name}.{name}"


def test_functions_modules_and_classes_fit_the_eye() -> None:
    long = [
        f"{name} has {lines} lines, {may} are enough"
        for module in all_modules()
        for name, lines, may in too_long(module)
    ]
    assert long == [], "split it: " + "; ".join(long)


@pytest.mark.parametrize(
    ("path", "source", "long"),
    [
        ("streams/a.py", "def f():\n" + "    pass\n" * FUNCTION_LINES_MAX, ["streams.a.f"]),
        ("streams/a.py", "def f():\n" + "    pass\n" * (FUNCTION_LINES_MAX - 1), []),
        ("tests/a.py", "class C:\n" + "    x = 1\n" * CLASS_LINES_MAX, ["tests.a.C"]),
        (
            "tests/a.py",
            "class C:\n    '''Of\n\n    much.'''\n    # why\n\n" + "    x = 1\n" * (CLASS_LINES_MAX - 1),
            [],
        ),
        ("bench/a.py", "x = 1\n" * (MODULE_LINES_MAX + 1), ["bench.a"]),
    ],
)
def test_what_is_too_long_is_seen(path: str, source: str, long: list[str]) -> None:
    assert [name for name, _, _ in too_long(parse(path, source))] == long


def too_wide(module: Module) -> set[int]:
    """Lines whose code goes beyond the width. Comments, docstrings and messages may be wider, up to ruff's limit."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    comments = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    texts = enumerate(module.text.splitlines(), 1)
    wide = {line for line, text in texts if len(text[: comments.get(line)].rstrip()) > CODE_COLUMNS_MAX}
    said = [node for node in ast.walk(module.tree) if isinstance(node, ast.Constant | ast.JoinedStr)]
    return wide.difference(*(range(t.lineno, (t.end_lineno or 0) + 1) for t in said if _is_message(t)))


def _is_message(text: ast.Constant | ast.JoinedStr) -> bool:
    return text.end_lineno != text.lineno or (text.end_col_offset or 0) - text.col_offset > MESSAGE_CHARACTERS_MIN


def test_code_is_wrapped() -> None:
    assert [f"{module.path}:{line}" for module in all_modules() for line in sorted(too_wide(module))] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = 1  # " + "why " * 40, set()),
        ("print(\n    '" + "message " * 15 + "'\n)", set()),
        ("x = (1, " + "2, " * 40 + ")  # fmt: skip", {1}),
        ("x = f(" + "'word', " * 15 + ")", {1}),
    ],
)
def test_code_that_is_too_wide_is_seen(source: str, lines: set[int]) -> None:
    assert too_wide(parse("streams/a.py", source + "\n")) == lines


def test_every_module_says_what_it_owns_and_every_package_what_it_is_for() -> None:
    silent = [
        str(module.path)
        for module in all_modules()
        if len((ast.get_docstring(module.tree) or "").partition("\n")[0]) < _SAYS_WHAT
    ]
    assert silent == [], "its first line says what it owns; of a package, what the room is for"


def test_owns_never_and_invariant_begin_sentences() -> None:
    """They open a module in this order, and each once: a reader finds them without reading."""
    for module in production():
        words = re.findall(r"(?:^|[.;] |\n)(Owns|Never|Invariants?)\b", ast.get_docstring(module.tree) or "")
        order = ["Owns", "Never", "Invariant", "Invariants"]
        assert [order.index(word) for word in words] == sorted({order.index(word) for word in words}), module.path


def test_everything_public_says_what_it_is_for() -> None:
    """Doubles in tests may leave a method to what it stands in for; tests are named as laws instead."""
    silent = [name for module in production() for name in without_docstring(module, methods=True)]
    for module in all_modules():
        if module.top == "bench" or (module.top == "tests" and not module.path.name.startswith("test_")):
            silent += without_docstring(module, methods=module.top == "bench")
    assert silent == []


def test_nothing_is_left_to_do() -> None:
    """What is not done is in an issue, not in a comment."""
    marks = re.compile("TO" + "DO|FIX" + "ME|HA" + "CK")
    assert [str(module.path) for module in all_modules() if marks.search(module.text)] == []
