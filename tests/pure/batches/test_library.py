"""The library of batches stands alone, and says what it relies on. Its example: tests/engines/batches/test_page.py."""

import ast
import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher, subscription_state
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from faust import App, Schema
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import TRANSPORTS, aiokafka
from faust.types import ConsumerMessage

from tests.support.places import ROOT

LIBRARY = ROOT / "streams" / "batches"
OURS = ("streams", "sinks", "schemas", "posventa")
MODULES = sorted(LIBRARY.glob("*.py"))

# Ends a program that imports anything of posventa.
ALONE = f"""\
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OURS}:
            raise ImportError(f"{{name}} is not part of the library")
sys.meta_path.insert(0, Nothing())
"""


def lift(directory: Path) -> None:
    """Lays the library there under another name."""
    shutil.copytree(LIBRARY, directory / "lifted", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_library_imports_faust_and_aiokafka_with_its_codecs_and_nothing_else(module: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, "beyond its own folder"
            imported |= {(node.module or "").partition(".")[0]} if node.level == 0 else set()
    assert imported - sys.stdlib_module_names <= {"faust", "mode", "aiokafka", "cramjam"}  # Faust's services; unpacking


def test_a_copy_of_the_folder_works_where_posventa_is_not(tmp_path: Path) -> None:
    lift(tmp_path)
    program = ALONE + "".join(f"import lifted.{module.stem}\n" for module in MODULES if module.stem != "__init__")
    program += "from lifted import register\nregister()\n"
    program += "from faust.transport.drivers import by_url\nprint(by_url('batch://x').Consumer.__module__)\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "lifted.transport\n", done.stderr


def parameters(function: Callable[..., Any]) -> str:
    return ", ".join(inspect.signature(function).parameters)


def names_in(function: Any) -> set[str]:
    """The names that a function reads or sets on whatever object."""
    return set(inspect.unwrap(function).__code__.co_names)


DRIVER, THREAD, CONSUMER = aiokafka, aiokafka.AIOKafkaConsumerThread, aiokafka.Consumer
BASE, FETCHER, STATE = faust_consumer.Consumer, fetcher.Fetcher, subscription_state

# What is called or overridden, with the parameters that it must have.
SHAPES: list[tuple[Callable[..., Any], str]] = [
    (THREAD._create_worker_consumer, "self, transport"),
    (THREAD._fetch_records, "self, consumer, active_partitions, timeout, max_records"),
    (THREAD._ensure_consumer, "self"),
    (THREAD.seek, "self, partition, offset"),
    (THREAD.call_thread, "self, fun, args, kwargs"),
    (CONSUMER._new_consumer_thread, "self"),
    (CONSUMER._to_message, "self, tp, record"),
    (CONSUMER.verify_event_path, "self, now, tp"),
    (CONSUMER.seek, "self, partition, offset"),
    (DRIVER.server_list, "urls, default_port"),
    (DRIVER.credentials_to_aiokafka_auth, "credentials, ssl_context"),
    (Schema.compile, "self, app, on_key_decode_error, on_value_decode_error, default_propagate"),
    (App.create_event, "self, key, value, headers, message"),
    (FETCHER.fetched_records, "self, partitions, timeout, max_records"),
    (FETCHER._create_fetch_waiter, "self"),
    (STATE.SubscriptionState.assigned_partitions, "self"),
    (STATE.SubscriptionState.fetch_context, "self"),
    (STATE.Assignment.state_value, "self, tp"),
    (AIOKafkaConsumer.commit, "self, offsets"),
    (MemoryRecords.next_batch, "self"),
    (MemoryRecords.has_next, "self"),
    (MemoryRecords.size_in_bytes, "self"),
    (_DefaultRecordBatchPy.__init__, "self, buffer"),
]

# What is read or replaced without being called, with the code that must know it.
NAMES: list[tuple[Any, str]] = [
    (BASE.__init__, "_read_offset"),
    (BASE._drain_messages, "_read_offset"),
    (BASE.resume_flow, "flow_active"),
    (AIOKafkaConsumer.__init__, "_subscription"),
    (AIOKafkaConsumer.__init__, "_closed"),
    (AIOKafkaConsumer.start, "_fetcher"),
    (FETCHER.__init__, "_records"),
    (FETCHER.close, "_closed"),
    (FETCHER.fetched_records, "_records"),
    (FETCHER._proc_fetch_request, "MemoryRecords"),
    (FETCHER._set_error, "FetchError"),
    (fetcher.FetchResult.check_assignment, "position"),
    (_DefaultRecordBatchPy.__next__, "_read_msg"),
    (_DefaultRecordBatchPy._read_msg, "_buffer"),
    *[(_DefaultRecordBatchPy._maybe_uncompress, f"{name}_decode") for name in ("gzip", "snappy", "lz4", "zstd")],
]


def _tie(where: Any) -> str:
    installed = ", ".join(f"{package} {version(package)}" for package in ("faust-streaming", "aiokafka"))
    return f"{installed}: {where.__module__}.{where.__qualname__} changed under streams/batches (docs/batches.md)"


@pytest.mark.parametrize(("function", "expected"), SHAPES, ids=lambda value: getattr(value, "__qualname__", None))
def test_what_it_calls_and_overrides_has_the_shape_that_it_was_written_for(
    function: Callable[..., Any], expected: str
) -> None:
    assert parameters(function) == expected, _tie(function)


@pytest.mark.parametrize(("code", "name"), NAMES, ids=lambda value: getattr(value, "__qualname__", value))
def test_what_it_reads_and_replaces_is_still_used(code: Any, name: str) -> None:
    assert name in names_in(code), f"{_tie(code)}: it knows no {name}"


def test_messages_and_aliases_are_as_they_were() -> None:
    assert parameters(ConsumerMessage).startswith(
        "topic, partition, offset, timestamp, timestamp_type, headers, key, value, checksum"
    )
    assert isinstance(TRANSPORTS.aliases, dict)


def test_every_setting_that_is_passed_on_is_one_of_the_client() -> None:
    tree = ast.parse((LIBRARY / "transport.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if ast.unparse(call.func) == "aiokafka.AIOKafkaConsumer"]
    passed = {keyword.arg for call in made for keyword in call.keywords if keyword.arg}
    assert passed
    assert passed <= set(inspect.signature(AIOKafkaConsumer.__init__).parameters)
