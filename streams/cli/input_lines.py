"""A file that a command takes, or standard input, by its lines: each bounded, and what can't be read told as misuse.

Owns opening and reading them. Never knows what is in a line.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from rich.console import Console
from rich.progress import wrap_file

from streams.errors import Misuse
from streams.visible import visible

STANDARD_INPUT: Final = "-"
_LINE_BYTES_MAX: Final = 1_000_000  # no line that is taken has more


class InputFile(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes:
        """So many bytes at most; none at the end."""

    def readline(self, size: int, /) -> bytes:
        """A line, or so many bytes of it; none at the end."""


@contextmanager
def input_lines(file: str, command: str, watched_as: str = "") -> Iterator[Iterator[bytes]]:
    """The lines of a file; '-' is standard input. `watched_as` names what a bar shows on a terminal. Raises Misuse."""
    with input_file(file, command, watched_as) as source:
        yield bounded_lines(file, command, source)


@contextmanager
def input_file(file: str, command: str, watched_as: str = "") -> Iterator[InputFile]:
    """The file itself, as input_lines() opens it. Raises Misuse."""
    if file == STANDARD_INPUT:
        if sys.stdin is None:
            raise Misuse(
                f"'-': standard input is closed; {command} takes a file of JSON Lines, or what is piped into it"
            )
        yield sys.stdin.buffer
        return
    path = Path(file)
    try:
        handle = path.open("rb")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise _unreadable(file, command, error) from error
    console = Console(stderr=True)
    with handle:
        if not (watched_as and console.is_terminal):
            yield handle
            return
        with wrap_file(handle, size, description=watched_as, console=console, transient=True) as watched:
            yield watched


def bounded_lines(file: str, command: str, source: InputFile) -> Iterator[bytes]:
    """The lines. Of one that is too long its beginning, which no parser takes; the rest of it is passed over."""
    try:
        while line := source.readline(_LINE_BYTES_MAX):
            yield line
            while len(line) == _LINE_BYTES_MAX and not line.endswith(b"\n"):
                line = source.readline(_LINE_BYTES_MAX)
    except OSError as error:
        raise _unreadable(file, command, error) from error


def _unreadable(file: str, command: str, error: OSError | ValueError) -> Misuse:
    why = error.strerror if isinstance(error, OSError) else error
    return Misuse(f"{visible(file)}: {why}; {command} takes a file of JSON Lines, or '-'")
