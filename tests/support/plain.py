"""Runs tests on the plain Python of the core, though it is compiled: `python -m pytest -p tests.support.plain ...`.

One suite for both; processes that a test starts run what is installed.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType

from streams.compiled import CORE
from tests.support.places import ROOT

_SOURCES = {source.removesuffix(".py").replace("/", "."): ROOT / source for source in CORE}


class _Plain:
    """Finds the core's sources before anybody finds what was compiled of them."""

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """The source of a core module; None for all others."""
        return spec_from_file_location(name, _SOURCES[name]) if name in _SOURCES else None


assert not _SOURCES.keys() & sys.modules.keys(), "the core was imported before tests.support.plain"
sys.meta_path.insert(0, _Plain())
