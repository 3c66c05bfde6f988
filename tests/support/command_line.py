"""The command line as a person uses it, within this process: arguments and variables in, exit code and words out."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple
from unittest.mock import patch

import pytest

from streams.cli.main import main


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Runs one command to its end. It finds no POSVENTA_ variables but these."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("POSVENTA_")}
    out, err = StringIO(), StringIO()
    umask = os.umask(0o077)
    with (
        patch.dict(os.environ, bare | dict(environment or {}), clear=True),
        patch.object(sys, "argv", ["posventa", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    os.umask(umask)
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, out.getvalue(), err.getvalue())
