"""The programs that try the clients, and what each needs: fetched once, by pinned versions, into .venv-clients.

A program prints a line per check: `ok`, tab, what; or `FAILED`, tab, what, tab, why.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from streams.embedded.jars import Jar, as_pinned
from tests.support.places import ROOT

HERE: Final = Path(__file__).parent
KEPT: Final = ROOT / ".venv-clients"  # `make clients` makes it, with the clients in Python
_SECONDS_MAX: Final = 240  # of one program


class Program(NamedTuple):
    """A client, and the command that tries it; `command` prepares what is missing and raises CannotRun."""

    client: str
    command: Callable[[], list[str]]


class CannotRun(Exception):
    """A tool is missing, or what the program needs cannot be had. `str()` of it says what to do."""


def lines_of(program: Program, environment: Mapping[str, str]) -> list[str]:
    """What the program says, and a line of its own when it does not end well."""
    try:
        command = program.command()
        done = subprocess.run(
            command,
            env=os.environ | environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            check=False,
        )
    except CannotRun as error:
        return [f"FAILED\tstart\t{error}"]
    except subprocess.TimeoutExpired as error:
        said = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout or ""
        return [*_told(said), f"FAILED\tend\tnot after {_SECONDS_MAX} s"]
    lines = _told(done.stdout)
    if done.returncode != 0 and not any(line.startswith("FAILED") for line in lines):
        why = " ".join((done.stderr or done.stdout).split())[-600:]
        lines.append(f"FAILED\tend\texit {done.returncode}: {why}")
    return lines or ["FAILED\tend\tit said nothing"]


def _told(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("ok\t", "FAILED\t"))]


def _require(tool: str, package: str) -> str:
    found = shutil.which(tool)
    if found is None:
        raise CannotRun(f"{tool} is not on this machine: install {package}")
    return found


def _run(command: list[str], folder: Path, why: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRun(f"{why}: {' '.join(done.stderr.split())[-600:]}")


def _jdbc(version: str) -> list[str]:
    java = _require("java", "a JDK of version 17 or newer, such as Debian's openjdk-17-jdk-headless")
    return [java, "-cp", os.pathsep.join(map(str, _jars(version))), str(HERE / "jdbc" / "Jdbc.java")]


def _jars(version: str) -> list[Path]:
    """The driver's jar and all that it depends on, each compared with its pinned SHA-256 before every use."""
    from jgo.maven import MavenContext

    repository = MavenContext(repo_cache=KEPT / "jars")
    pins = (HERE / "jdbc" / f"jars-{version}.txt").read_text(encoding="utf-8").splitlines()
    found = []
    for line in pins:
        jar = Jar._make(line.replace(":", " ").split())
        path: Path = repository.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        found.append(as_pinned(path, jar))
    return found


def _go() -> list[str]:
    go = _require("go", "Go 1.26 or newer")
    program = KEPT / "go-client"
    _run([go, "build", "-mod=readonly", "-o", str(program), "."], HERE / "go", "go build")
    return [str(program)]


def _node(script: str) -> list[str]:
    node, npm = _require("node", "Node.js 20 or newer"), _require("npm", "npm, which comes with Node.js")
    folder = KEPT / "node"
    shutil.copytree(HERE / "node", folder, dirs_exist_ok=True)
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    installed = folder / "installed"
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, "npm ci")
        installed.write_text(wanted, encoding="utf-8")
    return [node, str(folder / script)]


def _python(name: str, *arguments: str) -> list[str]:
    return [str(KEPT / "bin" / "python"), "-m", f"tests.clients.python.{name}", *arguments]


PROGRAMS: Final = (
    Program("clickhouse-jdbc 0.10.0", lambda: _jdbc("0.10.0")),
    Program("clickhouse-jdbc 0.8.6", lambda: _jdbc("0.8.6")),
    Program("clickhouse-go/v2 2.51.0, HTTP", _go),
    Program("@clickhouse/client 1.23.1", lambda: _node("client.mjs")),
    Program("Cube clickhouse-driver 1.7.43", lambda: _node("cube.mjs")),
    Program("clickhouse-connect 1.12.0", lambda: _python("connect")),
    Program("SQLAlchemy clickhousedb://", lambda: _python("alchemy", "clickhousedb")),
    Program("clickhouse-sqlalchemy 0.3.2", lambda: _python("alchemy", "clickhouse-sqlalchemy")),
    Program("dbt-clickhouse 1.10.3", lambda: _python("dbt_project")),
)
