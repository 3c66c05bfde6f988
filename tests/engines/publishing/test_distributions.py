"""What is built is what others install: it works beside their own packages, is typed, and lacks nothing."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.events import Feedback, Sale
from streams.brokers.creation import ensure_topics
from streams.brokers.topics import FEEDBACK, SALES
from streams.settings import Settings
from tests.support.engines import read_all
from tests.support.places import ROOT

# Building and installing ask a package index, as `make setup` does.
pytestmark = pytest.mark.timeout(900)

SERVER_FOLDERS: Final = ("schemas", "streams", "sinks")
FOR_A_CHECKOUT: Final = ("sinks/views/templates/", "sinks/migrations/SHA256SUMS")  # new migrations are written in one
VERSION: Final[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

# A brand's own application, whose packages are called as ours are.
APPLICATION: Final = {
    "schemas/__init__.py": "class Order:\n    number = 'order-1'\n",
    "streams/__init__.py": "QUALITY = 'live'\n",
    "sinks/__init__.py": "TABLE = 'orders'\n",
    "shop.py": """\
from schemas import Order
from posventa import Finding, Publisher
from sinks import TABLE
from streams import QUALITY

with Publisher() as publisher:
    publisher.sale(
        event_id="evt-1", brand_id="stall", customer_id="cust-7", sale_id=Order.number, action="PLACED",
        affiliate_id="aff-3", product_id=TABLE, offering="SERVICE", amount="49.90", currency="EUR",
        occurred_at="2026-01-01T12:00:00Z",
    )
    publisher.feedback(
        event_id="evt-2", brand_id="stall", customer_id="cust-7", feedback_id="survey-1", action="ANSWERED",
        sale_id=Order.number, metric="NPS", score=9, findings=[Finding("DONE_RIGHT", QUALITY)],
        occurred_at="2026-01-09T08:30:00+01:00",
    )
""",
}

# What a type checker of theirs must know, and the two mistakes that it must find.
CONSUMER: Final = """\
from typing import assert_type

from posventa import (
    Attribution, Feedback, Finding, InvalidValue, PosventaError, Publisher, Reversal, Sale, Unavailable,
)


def publish(publisher: Publisher) -> int:
    sale = publisher.sale(event_id="evt-1")
    assert_type(sale, Sale)
    assert_type(sale.affiliate_id, str | None)
    assert_type(publisher.feedback(event_id="evt-2"), Feedback)
    assert_type(publisher.publish({"event_id": "evt-3"}), Sale | Reversal | Attribution | Feedback)
    return sale.amount


try:
    with Publisher(bootstrap_servers="broker:9092") as opened:
        publish(opened)
except InvalidValue as refused:
    assert_type(refused.field, str)
except Unavailable as unavailable:
    error: PosventaError = unavailable
findings: tuple[Finding, ...] = Feedback.findings
opened.sell()
Publisher(delivery_s="long")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sources and the wheel of `posventa`, built as `make dist` does."""
    directory = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", directory, ROOT / "publisher")
    return directory


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel of `posventa-server`, not compiled, built where nothing else lies about."""
    tree = tmp_path_factory.mktemp("server")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "posventa.py"):
        shutil.copy(ROOT / name, tree)
    for name in SERVER_FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", tree / "dist", tree, POSVENTA_PLAIN="1")
    with ZipFile(_only(tree / "dist", "*.whl")) as wheel:
        yield wheel


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    """The Python of an environment in which `posventa` was installed and nothing else was asked for."""
    place = tmp_path_factory.mktemp("venv")
    venv.create(place)
    _run(sys.executable, "-m", "pip", "--python", place, "install", "--quiet", _only(built, "*.whl"))
    return place / "bin" / "python"


def test_an_application_with_packages_of_our_names_publishes(python: Path, kafka: str, tmp_path: Path) -> None:
    ensure_topics(Settings(kafka=kafka))
    for name, text in APPLICATION.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    _run(python, "shop.py", cwd=tmp_path, POSVENTA_KAFKA=kafka)
    (sale,), (answer,) = (
        [r for r in read_all(kafka, topic) if r.key == b"stall:cust-7"] for topic in (SALES, FEEDBACK)
    )
    sold, said = decode_of_sales(sale.value), decode_of_feedback(answer.value)
    assert isinstance(sold, Sale)
    assert isinstance(said, Feedback)
    assert (sold.sale_id, sold.amount) == ("order-1", 499_000)
    assert said.findings == (("DONE_RIGHT", "live"),)
    assert sale.partition == answer.partition


def test_its_environment_has_nothing_of_what_the_server_needs_alone(python: Path) -> None:
    ask = "import importlib.metadata as m; print(*(d.name.lower().replace('_', '-') for d in m.distributions()))"
    installed = set(_run(python, "-c", ask).split())
    heavy = _requirements(ROOT) - _requirements(ROOT / "publisher")
    assert "posventa" in installed
    assert len(heavy) > 5
    assert not installed & heavy


def test_a_strict_type_checker_knows_what_is_imported(python: Path, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(CONSUMER)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "consumer.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = [line.rpartition("[")[2] for line in done.stdout.splitlines() if ": error:" in line]
    assert found == ["attr-defined]", "arg-type]"], done.stdout + done.stderr


def test_the_sources_can_be_built_without_a_checkout(built: Path) -> None:
    """As they just were: `build` makes the wheel of the unpacked sources."""
    with tarfile.open(_only(built, "*.tar.gz")) as sources, ZipFile(_only(built, "*.whl")) as wheel:
        held = {name.partition("/")[2] for name in sources.getnames()}
        assert {name for name in wheel.namelist() if name.startswith("posventa/")} <= held
        assert {"backend.py", "collect.py", "pyproject.toml"} <= held


def test_each_has_one_version_and_the_two_share_no_file(built: Path, server: ZipFile) -> None:
    with ZipFile(_only(built, "*.whl")) as wheel:
        for found, name in ((wheel, "posventa"), (server, "posventa-server")):
            assert _name_and_version(found) == (name, VERSION)
        assert {name.partition("/")[0] for name in wheel.namelist()} == {"posventa", f"posventa-{VERSION}.dist-info"}
        assert not set(wheel.namelist()) & set(server.namelist())
        assert "posventa/py.typed" in wheel.namelist()
        assert not [name for name in wheel.namelist() if name.endswith("entry_points.txt")], (
            "the command is the server's"
        )


def test_the_server_has_every_file_of_its_folders_and_no_other(server: ZipFile) -> None:
    """Migrations and schemas too. `posventa` is the other distribution's name."""
    files = (file for folder in SERVER_FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file())
    ours = {str(file.relative_to(ROOT)) for file in files if file.suffix not in (".so", ".pyc")}
    ours = {name for name in ours if not name.startswith(FOR_A_CHECKOUT)}
    assert {name for name in server.namelist() if ".dist-info/" not in name} == ours
    assert {"sinks/migrations/0001_tables.sql", "schemas/avro/sale.v1.avsc", "streams/py.typed"} <= ours


def _run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _only(directory: Path, pattern: str) -> Path:
    (found,) = directory.glob(pattern)
    return found


def _name_and_version(wheel: ZipFile) -> tuple[str, str]:
    (file,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = HeaderParser().parsestr(wheel.read(file).decode())
    return metadata["Name"], metadata["Version"]


def _requirements(directory: Path) -> set[str]:
    project: dict[str, Any] = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
    return {Requirement(line).name for line in project["dependencies"]}
