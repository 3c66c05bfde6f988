"""The recipe of CONTRIBUTING.md for a measure, carried out in a copy of the project, by five lines and one command."""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sinks.migrate import MIGRATIONS, migrate
from tests.support.grown import store
from tests.support.places import ROOT

MEASURE = "reversed_referrals"
MEANING = "refunds and chargebacks of referred sales, at their time"
# What is written by hand: file, the line before, and the new line, or what the line becomes.
MEANT = (
    "schemas/measures.py",
    r'    Measure\("unlinked_feedback".*\n',
    f'    Measure("{MEASURE}", "count", "{MEANING}", of="refunds chargebacks"),\n',
)
PLACED = (
    "streams/domain/panes.py",
    r"UNLINKED_FEEDBACK: Final = .*\n",
    f'{MEASURE.upper()}: Final = MEASURES.index("{MEASURE}")\n',
)
COUNTED = (
    "streams/domain/counting.py",
    r"        pane\[at.COMMISSION_REVERSED\] .*\n",
    f"        pane[at.{MEASURE.upper()}] += sign if head.referred_by else 0\n",
)
OPENED = (
    "sinks/explaining.py",
    r'        "unlinked_feedback": .*\n',
    f'        "{MEASURE}": _Lines("reversal", "1", "r.sale_id IN (SELECT s.sale_id FROM journeys AS s FINAL WHERE <cell> AND '
    "s.referred_by != '')\"),\n",
)
FORMAT_TEST = "tests/pure/changelog/test_format.py"
MIGRATION = f"{len(list(MIGRATIONS.glob('*.sql'))) + 1:04}_{MEASURE}.sql"
BY_THE_COMMAND = {f"sinks/migrations/{MIGRATION}", "sinks/migrations/SHA256SUMS", "docs/reference/views.md"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's sources without what was compiled of them, so that they run as they are written."""
    there = tmp_path_factory.mktemp("copy")
    for folder in ("schemas", "sinks", "streams", "tests", "docs"):
        shutil.copytree(ROOT / folder, there / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for file in ("pyproject.toml", "posventa.py"):
        shutil.copy(ROOT / file, there)
    return there


def python(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a module of the copy."""
    command = [sys.executable, "-m", *words]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=240)


def failures(copy: Path, *names: str) -> str:
    """What these tests of the copy say when they fail; '' when they pass."""
    done = python(copy, "pytest", "-q", "-x", "-p", "no:cacheprovider", *names)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def add(copy: Path, file: str, before: str, line: str) -> None:
    _replace(copy / file, before, r"\g<0>" + line)


def raise_format(copy: Path, said: str) -> None:
    """As the test of the format asks: the next number where it says, and the digest that it names in the test."""
    asked = re.search(r"Set FORMAT in (\S+) to (\d+) and enter the digest here: (\d+: '\w+')", said)
    assert asked, said
    _replace(copy / asked[1], r"^FORMAT: Final = \d+$", f"FORMAT: Final = {asked[2]}")
    _replace(copy / FORMAT_TEST, r"^DIGESTS: Final = \{", f"DIGESTS: Final = {{{asked[3]}, ")


def _replace(file: Path, before: str, after: str) -> None:
    text, changed = re.subn(before, after, file.read_text(), flags=re.MULTILINE)
    assert changed == 1, f"{file} has no line like {before!r} any more"
    file.write_text(text)


def lines_by_hand(copy: Path) -> dict[str, int]:
    """How many lines of each file are other ones than here, tests and what the command wrote left out."""
    found = {}
    for file in copy.rglob("*"):
        name = str(file.relative_to(copy))
        if file.is_dir() or name.startswith(("tests/", ".hypothesis/")) or name in BY_THE_COMMAND:
            continue
        before, after = (ROOT / name).read_bytes() if (ROOT / name).exists() else b"", file.read_bytes()
        if before != after:
            lines = difflib.ndiff(before.decode().splitlines(), after.decode().splitlines())
            found[name] = sum(line.startswith("+ ") for line in lines)
    return found


def test_a_measure_is_five_lines_and_each_one_forgotten_is_named(copy: Path, clickhouse: str) -> None:
    migrate(clickhouse)
    store(clickhouse, version=1)  # by the version before

    add(copy, *MEANT)
    assert "counted nowhere: count it in streams/domain/counting.py" in failures(
        copy, "tests/pure/domain/test_measures.py"
    )
    add(copy, *PLACED)
    add(copy, *COUNTED)
    assert "sinks/explaining.py says what the lines of each measure are" in failures(copy, "tests/pure/test_growing.py")
    add(copy, *OPENED)
    assert failures(copy, "tests/pure/domain/test_measures.py") == ""
    raise_format(copy, failures(copy, f"{FORMAT_TEST}::test_a_changed_shape_needs_another_format"))
    assert failures(copy, f"{FORMAT_TEST}::test_a_changed_shape_needs_another_format") == ""
    assert "say `python -m sinks.views NAME`" in failures(copy, "tests/pure/sinks/test_views.py")
    done = python(copy, "sinks.views", MEASURE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"{MIGRATION} makes the change\n")
    assert failures(copy, "tests/pure/sinks/test_views.py", "tests/pure/test_growing.py") == ""

    assert lines_by_hand(copy) == {
        "schemas/measures.py": 1,
        "sinks/explaining.py": 1,
        "streams/domain/counting.py": 1,
        "streams/domain/panes.py": 1,
        "streams/domain/state.py": 1,
    }
    shown = python(copy, "tests.support.grown", clickhouse, MEASURE)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout) == {
        "run": [MIGRATION],
        "before": {"1h": [0, 0], "24h": [1, 0], "series": [1, 0], "daily": [1, 0]},
        "after": {"1h": [0, 2], "24h": [1, 2], "series": [1, 2], "daily": [1, 2]},
        "told": f"Int64: {MEANING}",
    }
