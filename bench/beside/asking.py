"""How a tree is asked for a measurement: bench.once there, in a process of that tree's own interpreter and code.

Owns those processes and what they may take. A process that is not needed any more, or takes too long, ends; what it started
ends with it (streams/embedded/tether.py).
"""

import json
import os
import select
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import once
from bench.beside.comparing import turns
from bench.ground import Wrong

_PYTHON: Final = Path(".venv/bin/python")
_STOP_S_MAX: Final = 60.0
# What would make the other tree's build or code this one's; where pip has its caches and settings stays.
_OURS: Final = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHONPATH", "VIRTUAL_ENV")


class Tree(NamedTuple):
    """A tree that is built, and the commit it stands at."""

    commit: str
    directory: Path

    @contextmanager
    def talk(
        self, *arguments: str | Path, log: Path, more: Mapping[str, str] | None = None, hash_seed: int = 0
    ) -> Iterator["Talk"]:
        """bench.once here, with `more` in its environment, until the end of the block; it is asked to end by closing stdin."""
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [str(self.directory / _PYTHON), "-m", "bench.once", *map(str, arguments)],
                cwd=self.directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                env={**environment_of_a_tree(), **(more or {}), "PYTHONHASHSEED": str(hash_seed)},
            )  # fmt: skip
        try:
            yield Talk(f"{self.commit}: bench.once {arguments[0]}", process, log)
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            try:
                process.wait(_STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Talk:
    """What is said to bench.once, and what it answers, line by line. Raises Wrong when it fails, or not in time."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    def ask(self, *words: str | int, seconds: float) -> dict[str, Any]:
        """The answer to a line."""
        self.tell(*words)
        return self.hear(seconds)

    def tell(self, *words: str | int) -> None:
        """Says a line."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{' '.join(map(str, words))}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next line. It is written at once, so that its beginning means that all of it is there."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise Wrong(f"{self._name}: no answer in {seconds:.0f} s")
        if line := self._process.stdout.readline():
            return answer(self._name, line.decode())
        raise self._ended()

    def _ended(self) -> Wrong:
        return Wrong(f"{self._name} ended:\n{last_lines(self._log.read_text())}")


def alternate(both: Sequence[Talk], seconds: float) -> list[dict[str, Any]]:
    """The results of two measurements that take turns, unit by unit: first this one, then the other twice, and so on."""
    answers = [talk.hear(seconds) for talk in both]
    for order in turns():
        for which in order:
            if "turn" in answers[which]:
                answers[which] = both[which].ask("go", seconds=seconds)
        if not any("turn" in each for each in answers):
            return answers
    raise AssertionError("turns() has no end")


def answer(name: str, line: str) -> dict[str, Any]:
    """What a line of bench.once says. Raises Wrong when it is of another protocol, or none."""
    try:
        found: dict[str, Any] = json.loads(line)
        protocol = found["protocol"]
    except (ValueError, TypeError, KeyError):
        raise Wrong(f"{name}: expected a line of JSON with its protocol, found {line[:200]!r}") from None
    if protocol != once.PROTOCOL:
        raise Wrong(f"{name}: protocol {protocol} there, {once.PROTOCOL} here: they can't be compared")
    return found


def run(
    command: list[str], directory: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Runs one of our own commands to its end. Raises Wrong when it takes longer than `seconds`: it is killed then."""
    try:
        return subprocess.run(  # noqa: S603
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise Wrong(f"{' '.join(command)} in {directory} took longer than {seconds:.0f} s") from None


def environment_of_a_tree() -> dict[str, str]:
    """Ours, without what belongs to this tree."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}


def last_lines(text: str, count: int = 15) -> str:
    """The end of a log, for a message to people."""
    return "\n".join(text.strip().splitlines()[-count:])
