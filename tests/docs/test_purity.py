"""What is called pure reaches no network, and is compiled as a whole; a command loads what it needs, and no more."""

import subprocess
import sys
from functools import cache

import pytest

from streams.compiled import CORE
from tests.support.house import production
from tests.support.places import ROOT

# All that the pure core needs beside the standard library: Avro for events, msgpack for states and rows.
PURE_LIBRARIES = "fastavro, fastavro.schema, msgpack, mypy_extensions"
# Of the standard library: whoever loads these means to do more than compute.
IMPURE = {"asyncio", "concurrent", "http", "multiprocessing", "selectors", "socket", "sqlite3", "ssl", "subprocess"}
FAUST = {"faust", "mode"}
CLIENTS = {"aiokafka", "kafka", "clickhouse_connect", "clickhouse_migrations", "rocksdict", "aiohttp"}


@cache
def loaded_by(code: str) -> frozenset[str]:
    """The first parts of the names of all modules that a fresh Python has loaded after running the code."""
    tell = "\nimport sys\nprint('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code + tell], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("room", ["schemas", "streams.domain", "streams.unit"])
def test_a_pure_room_loads_no_client_no_loop_and_no_validation(room: str) -> None:
    modules = [module.name for module in production() if module.name.startswith(f"{room}.")]
    assert modules
    loaded = loaded_by(f"import {', '.join(modules)}")
    strange = loaded - loaded_by(f"import {PURE_LIBRARIES}") - sys.stdlib_module_names - {"schemas", "streams", "sinks"}
    assert {name for name in strange if not name.endswith("__mypyc")} == set()
    assert loaded & IMPURE == set()


def test_names_of_topics_load_nothing() -> None:
    assert loaded_by("import streams.brokers.topics") - loaded_by("import typing") == {"streams"}


@pytest.mark.parametrize(
    ("command", "clients"),
    [
        ("report", {"clickhouse_connect"}),
        ("migrate", {"clickhouse_connect"}),
        ("lag", {"clickhouse_connect", "kafka"}),
        ("mark", {"clickhouse_connect", "kafka"}),
        ("publish", {"clickhouse_connect", "kafka"}),  # the first by way of the errors that main() knows
    ],
)
def test_a_command_starts_with_the_clients_that_it_needs_and_without_faust(command: str, clients: set[str]) -> None:
    code = f"import sys\nfrom streams.cli.main import app\napp(['{command}', '--help'], standalone_mode=False)"
    assert loaded_by(code) & (CLIENTS | FAUST) == clients


def test_the_compiled_core_holds_all_of_unit_and_domain() -> None:
    pure = {
        str(module.path)
        for module in production()
        if module.name.startswith(("streams.unit", "streams.domain")) and not module.is_package
    }
    assert pure
    assert sorted(pure - set(CORE)) == [], "enter it in CORE of streams/compiled.py"
    assert [source for source in CORE if not (ROOT / source).exists()] == []
