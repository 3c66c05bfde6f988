"""What a brand platform installs is what posventa.py needs, under one name, with the dependencies that it declares."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

from collect import PACKAGE, NotCollectable, closure, collect, imported, rewritten
from tests.support.places import ROOT

MODULES: Final = closure(ROOT)
OURS: Final = {name.partition(".")[0] for name in MODULES}

# An application in whose directory ours are other people's names, and which publishes nothing but could.
APPLICATION: Final = """\
import sys
sys.path[:0] = sys.argv[1:]
import schemas, sinks, streams
from posventa import Publisher
assert Publisher.__module__ == "posventa._streams.publishing.publisher", Publisher.__module__
assert not [name for name in sys.modules if name.startswith(("schemas.", "sinks.", "streams."))]
print(schemas.OWNER, sinks.OWNER, streams.OWNER)
"""


def project(directory: Path) -> dict[str, Any]:
    """The `project` table of a distribution."""
    found: dict[str, Any] = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
    return found


SERVER, LIGHT = project(ROOT), project(ROOT / "publisher")


def test_what_it_imports_of_others_is_what_it_declares() -> None:
    names = {name.partition(".")[0] for source in MODULES.values() for name in imported(source)}
    others = names - OURS - sys.stdlib_module_names
    of = packages_distributions()
    assert {name for other in others for name in of[other]} == {Requirement(d).name for d in LIGHT["dependencies"]}


def test_it_needs_no_other_versions_than_the_server() -> None:
    server = {found.name: found.specifier for found in map(Requirement, SERVER["dependencies"])}
    for needed in map(Requirement, LIGHT["dependencies"]):
        assert needed.specifier == server[needed.name], needed.name
        assert not needed.extras, "what only some need is not for all"
    assert LIGHT["requires-python"] == SERVER["requires-python"]


def test_an_application_may_have_packages_of_our_names(tmp_path: Path) -> None:
    collect(ROOT, tmp_path / "installed")
    for name in ("schemas", "sinks", "streams"):
        (tmp_path / "application" / name).mkdir(parents=True)
        (tmp_path / "application" / name / "__init__.py").write_text("OWNER = 'mine'\n")
    places = [str(tmp_path / "application"), str(tmp_path / "installed")]
    done = subprocess.run([sys.executable, "-c", APPLICATION, *places], capture_output=True, text=True, check=False)
    assert done.stdout == "mine mine mine\n", done.stderr


def test_a_checkout_can_be_imported_from_wherever_one_is(tmp_path: Path) -> None:
    program = "import posventa; print(posventa.Publisher.__module__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "streams.publishing.publisher\n", done.stderr


def test_what_is_collected_differs_from_its_source_in_names_of_imported_modules_only() -> None:
    changed = 0
    for source in MODULES.values():
        before, after = source.read_text().splitlines(), rewritten(source, MODULES).splitlines()
        for ours, theirs in zip(before, after, strict=True):
            changed += ours != theirs
            assert ours == re.sub(r"^( *)from posventa\._", r"\1from ", theirs)
    assert changed > len(MODULES), "most modules import one of ours"


def test_no_message_names_a_module_that_is_not_there() -> None:
    for source in MODULES.values():
        tree = ast.parse(source.read_text())
        spoken = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        documented = [
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        ]
        for text in spoken:
            if text not in documented:
                assert not re.search(r"\b(schemas|streams|sinks)[./]\w|make setup", text), f"{source}: {text}"


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("import schemas.events", "write 'from ... import ...'"),
        ("from . import events", "without leading dots"),
        ("from schemas.events \\\n    import Sale", "on one line"),
    ],
)
def test_an_import_that_cannot_be_rewritten_is_refused_with_its_place(tmp_path: Path, line: str, advice: str) -> None:
    source = tmp_path / "odd.py"
    source.write_text(f"import json\n{line}\n")
    with pytest.raises(NotCollectable, match=f"odd.py:2: .*{advice}"):
        rewritten(source, MODULES)


def test_what_is_imported_in_a_function_is_collected_too(tmp_path: Path) -> None:
    (tmp_path / "schemas" / "deep").mkdir(parents=True)
    for name, text in {
        f"{PACKAGE}.py": "from schemas.near import go",
        "schemas/__init__.py": "",
        "schemas/near.py": "def go() -> None:\n    from schemas.deep import far",
        "schemas/deep/__init__.py": "",
        "schemas/deep/far.py": "import json",
        "schemas/unneeded.py": "",
    }.items():
        (tmp_path / name).write_text(text)
    assert closure(tmp_path).keys() == {PACKAGE, "schemas", "schemas.near", "schemas.deep", "schemas.deep.far"}
