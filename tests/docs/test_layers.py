"""Imports run one way: from a person's command down to the vocabulary, also those within functions.

STANDS_ON is the one place where the order stands. A new folder, or a new module beside the folders, is entered there.
"""

import re
from functools import cache
from typing import Final

import pytest

import streams
from tests.support.house import BESIDE, Module, all_modules, imports, parse, production

# Each room of production code, from top to bottom, and the rooms on which it stands. It may import these and all on
# which they stand in turn. A room is a folder, or a module directly in the root or in streams/.
STANDS_ON: Final[dict[str, str]] = {
    # a sale's way: the list in streams/__init__.py, in its order
    "streams.cli": "streams.rebuild streams.worker streams.recount streams.monitoring streams.letters streams.doctor "
    "streams.embedded streams.demo streams.words streams.compiled streams.reading streams.shapes streams.json_log",
    "streams.worker": "streams.batches streams.partition streams.generations streams.monitoring streams.json_log",
    "streams.batches": "",
    "streams.partition": "streams.delivery streams.letters",
    "streams.delivery": "streams.unit streams.timing streams.backoff streams.histogram",
    "streams.unit": "streams.changelog sinks",
    "streams.changelog": "streams.domain streams.brokers",
    "streams.domain": "streams.errors schemas",
    "streams.brokers": "streams.settings streams.errors",
    # beside it
    "streams.rebuild": "streams.worker streams.recount",
    "streams.generations": "streams.brokers sinks",
    "streams.reading": "streams.errors schemas",
    "streams.shapes": "streams.errors schemas",
    "streams.recount": "streams.generations streams.letters streams.brokers sinks",
    "streams.letters": "streams.brokers",
    "streams.monitoring": "streams.brokers streams.histogram sinks",
    "streams.doctor": "streams.generations streams.brokers sinks",
    "streams.demo": "streams.publishing sinks",
    "streams.embedded": "streams.rebuild streams.words streams.backoff sinks",
    "posventa": "streams.publishing",
    "streams.publishing": "streams.brokers schemas",
    "streams.settings": "streams.addresses streams.visible streams.errors",
    "streams.addresses": "",
    "streams.visible": "",
    "streams.words": "",
    "streams.timing": "",
    "streams.histogram": "",
    "streams.json_log": "streams.settings",
    "streams.backoff": "",
    "streams.errors": "",
    "streams.compiled": "",
    # below it
    "sinks.embedded": "sinks.views",
    "sinks.views": "sinks",
    "sinks": "schemas",
    "schemas": "",
    "setup": "",
    "publisher": "",
}
# A library of its own: whoever stands on these rooms may not import it, but for these.
LIBRARY: Final = "streams.batches"
READERS: Final = (
    "streams.worker",
    "streams.rebuild",
    "streams.partition",
    "streams.brokers.arrivals",
    "streams.brokers.logs",
)

_HERE: Final = "tests/docs/test_layers.py"
_OURS: Final = frozenset(room.partition(".")[0] for room in STANDS_ON) | BESIDE


@cache
def room_of(name: str) -> str:
    """The room of a module: its folder, or itself where it stands beside the folders."""
    packages = {module.name for module in all_modules() if module.is_package}
    folder = name if name in packages else name.rpartition(".")[0]
    return name if folder in ("", "streams") else folder


@cache
def below(room: str) -> frozenset[str]:
    """All rooms that a room may import."""
    rooms = STANDS_ON[room].split()
    return frozenset(rooms).union(*(below(found) for found in rooms))


def told_rooms() -> list[str]:
    """The rooms of a sale's way, as streams/__init__.py lists them."""
    return re.findall(r"^(\w+)  +\S", streams.__doc__ or "", re.MULTILINE)


def wrong_imports(module: Module) -> list[str]:
    """What a production module may not import, each told with its place."""
    here, found = room_of(module.name), []
    for line, name in imports(module):
        there = room_of(name)
        if name.partition(".")[0] not in _OURS or there == here:
            continue
        is_free = there in below(here) if there != LIBRARY else module.name in READERS or here in READERS
        if not is_free:
            found.append(f"{module.path}:{line}: {here} may not import {name}; the order is in STANDS_ON of {_HERE}")
    return found


def test_every_room_is_known() -> None:
    rooms = {room_of(module.name) for module in production()} - {"streams"}
    assert sorted(rooms - STANDS_ON.keys()) == [], (
        f"enter the new room in STANDS_ON of {_HERE}, at its height, and in streams/__init__.py if a sale passes it"
    )
    assert sorted(STANDS_ON.keys() - rooms) == [], f"gone, or never there: take it out of STANDS_ON of {_HERE}"


def test_imports_run_one_way() -> None:
    wrong = [line for module in production() if module.name != "streams" for line in wrong_imports(module)]
    assert wrong == [], "\n".join(wrong)


def test_the_order_is_one_and_keeps_what_is_promised() -> None:
    for room, rooms in STANDS_ON.items():
        assert not any(room in (found, *below(found)) for found in rooms.split()), f"{room} stands on itself"
    way = [room for room in STANDS_ON if room in {f"streams.{name}" for name in told_rooms()}]
    wrong = [room for place, room in enumerate(way) if below(room).intersection(way[:place])]
    assert wrong == [], "a sale's way is told from top to bottom"
    assert below("schemas") == frozenset()
    assert below("sinks") == {"schemas"}
    assert below("streams.domain") == {"schemas", "streams.errors"}
    assert not any(room.partition(".")[0] in BESIDE for room in STANDS_ON)


def test_the_bench_does_not_lean_on_the_tests() -> None:
    bench = [module for module in all_modules() if module.top == "bench"]
    assert [module.name for module in bench for _, name in imports(module) if name.partition(".")[0] == "tests"] == []


def test_the_package_tells_the_way_as_the_order_has_it() -> None:
    told = told_rooms()
    assert len(told) > 5
    rooms = [room.removeprefix("streams.") for room in STANDS_ON if room.startswith("streams.")]
    assert told == rooms[: len(told)]
    folders = {module.name.removeprefix("streams.") for module in production() if module.is_package}
    assert [room for room in rooms[len(told) :] if room in folders and room not in (streams.__doc__ or "")] == []


@pytest.mark.parametrize(
    ("path", "source", "wrong"),
    [
        ("streams/domain/made_up.py", "def f():\n    from streams.worker import worker\n", True),
        ("streams/unit/made_up.py", "import streams.partition.owner\n", True),
        ("streams/unit/made_up.py", "from streams.batches import RecordBatch\n", True),
        ("streams/brokers/lag.py", "from streams.batches import lenient\n", True),
        ("streams/brokers/arrivals.py", "from streams.batches import lenient\n", False),
        ("streams/batches/made_up.py", "from ..brokers import topics\n", True),
        ("streams/batches/made_up.py", "from .schema import BatchSchema\n", False),
        ("sinks/made_up.py", "from streams import errors\n", True),
        ("schemas/made_up.py", "if TYPE_CHECKING:\n    import sinks\n", True),
        ("streams/delivery/made_up.py", "from sinks import tables\nimport asyncio\n", False),
        ("streams/worker/made_up.py", "import tests.support.doubles\n", True),
        ("sinks/made_up.py", "from bench import results\n", True),
    ],
)
def test_an_import_against_the_order_is_seen(path: str, source: str, wrong: bool) -> None:
    assert bool(wrong_imports(parse(path, source))) == wrong
