"""The build backend of the distribution `posventa` (PEP 517): collects its package, then has setuptools build it.

Never builds in the checkout, which stays as it is. A source distribution holds the collected package and this file, so
that it can be built where no checkout is.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from setuptools import build_meta

import collect

_HERE: Final = Path(__file__).parent
_OF_THE_DISTRIBUTION: Final = ("pyproject.toml", "README.md", "MANIFEST.in", "backend.py", "collect.py")

Options = dict[str, Any] | None


def build_wheel(wheel_directory: str, config_settings: Options = None, metadata_directory: str | None = None) -> str:
    """Builds the wheel into `wheel_directory`. Returns the name of its file."""
    directory = str(Path(wheel_directory).absolute())
    with _tree():
        return str(build_meta.build_wheel(directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Options = None) -> str:
    """Builds the source distribution into `sdist_directory`. Returns the name of its file."""
    directory = str(Path(sdist_directory).absolute())
    with _tree():
        return str(build_meta.build_sdist(directory, config_settings))


@contextlib.contextmanager
def _tree() -> Iterator[None]:
    """In a directory that setuptools can build from: this one in a source distribution, else one made for it."""
    if (_HERE / collect.PACKAGE).is_dir():
        with contextlib.chdir(_HERE):
            yield
        return
    checkout = _HERE.parent
    with TemporaryDirectory() as temporary, contextlib.chdir(temporary):
        tree = Path(temporary)
        for name in _OF_THE_DISTRIBUTION:
            shutil.copy(_HERE / name, tree)
        shutil.copy(checkout / "LICENSE", tree)
        (tree / "VERSION").write_text(collect.version(checkout))
        collect.collect(checkout, tree)
        yield
