"""A line per check, for the program that started this one. Runs in an environment of its own."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

TRICKY: Final = 'it\'s "q" \\ tab\there\nnext ñ€😀 {x:String}'
HOST: Final = os.environ["CLICKHOUSE_HOST"]
PORT: Final = int(os.environ["CLICKHOUSE_PORT"])
PASSWORD: Final = os.environ["WRITER_PASSWORD"]
GROSS: Final = os.environ["GROSS"]
ROWS: Final[Mapping[str, int]] = {
    name: int(rows) for name, rows in (view.split("=") for view in os.environ["ROWS"].split(","))
}
_failed: list[str] = []


def check(what: str) -> Callable[[Callable[[], None]], None]:
    """Runs the decorated function at once and prints whether it held."""

    def run(checked: Callable[[], None]) -> None:
        try:
            checked()
        except Exception as error:
            _failed.append(what)
            said = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAILED\t{what}\t{said}", flush=True)
        else:
            print(f"ok\t{what}", flush=True)

    return run


def error_of(tried: Callable[[], object]) -> str:
    """What it raises, as text. Raises AssertionError when it doesn't."""
    try:
        tried()
    except Exception as error:
        return str(error)
    raise AssertionError("no error")


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for it, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.1)


def end() -> None:
    """Exits 1 if something failed."""
    sys.exit(bool(_failed))
