"""Compiles the pure core with mypyc. All else about the package is in pyproject.toml.

The same files run as plain Python, which is the reference: where no C compiler is, or POSVENTA_PLAIN=1 is set, they do,
at about half the speed. Tests run both ways (tests/support/plain.py).
"""

import os
import runpy
import sys
from pathlib import Path

from setuptools import setup

# Installing asks setup.py for other things first, each time from its beginning.
_BUILDING = {"build_ext", "bdist_wheel", "editable_wheel"} & set(sys.argv)
_EDITABLE = "editable_wheel" in sys.argv

extensions = []
if _BUILDING:
    compiled = runpy.run_path("streams/compiled.py")
    if _EDITABLE:
        for left in [*compiled["artefacts"](), *Path().glob("*__mypyc*.so")]:
            left.unlink()  # of another build, whose sources these may not be any more
    if os.environ.get("POSVENTA_PLAIN") != "1":
        from mypyc.build import mypycify

        # Types are checked by `make lint`, with all libraries at hand; here only what the compiler needs.
        options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
        extensions = mypycify([*options, *compiled["CORE"]], opt_level="3")
        for extension in extensions:
            extension.optional = True  # no compiler: a warning, and plain Python

# A checkout has `from posventa import Publisher`. A wheel leaves that name to the distribution `posventa` (publisher/),
# so that both can be installed side by side.
setup(ext_modules=extensions, py_modules=["posventa"] if _EDITABLE else [])
