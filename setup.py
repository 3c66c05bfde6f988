"""Compiles the pure core with mypyc. All else about the package is in pyproject.toml.

The same files run as plain Python, which is the reference: where no C compiler is, or POSVENTA_PLAIN=1 is set, they do, at
about half the speed. Tests run both ways (tests/plain.py).
"""

import os
import runpy
import sys

from setuptools import setup

_BUILDING = {
    "build_ext",
    "bdist_wheel",
    "editable_wheel",
}  # installing asks for other things first, each time from here

extensions = []
if _BUILDING & set(sys.argv) and os.environ.get("POSVENTA_PLAIN") != "1":
    from mypyc.build import mypycify

    core = runpy.run_path("streams/compiled.py")["CORE"]
    # Types are checked by `make lint`, with all libraries at hand; here only what the compiler needs.
    extensions = mypycify(
        ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports", *core], opt_level="3"
    )
    for extension in extensions:
        extension.optional = True  # no compiler: a warning, and plain Python

setup(ext_modules=extensions)
