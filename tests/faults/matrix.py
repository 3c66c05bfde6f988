"""Runs of the matrix: which there are, and what one came to.

Owns the references, which are runs without any fault, one for each input. Never decides where it runs. Invariant: a run is
a function of its case and its seed, as far as processes and clocks allow.
"""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.domain.rules import Rules
from tests.faults.cases import CASES
from tests.faults.inputs import make_input
from tests.faults.snapshot import Snapshot, differences
from tests.faults.stage import Broken, Stage
from tests.support.comparison import differences as differences_from_oracle

_INPUTS: Final = 3


@dataclass(frozen=True, slots=True)
class Run:
    """A case, and the seed of its input and of its moments."""

    case: str
    seed: int

    @property
    def again(self) -> str:
        """The command that repeats it."""
        return f'python -m tests.faults --runs 1 --seed {self.seed} --case "{self.case}"'


@dataclass(slots=True)
class Outcome:
    """What a run came to: `wrong` is empty when it left behind what a run without faults leaves."""

    run: Run
    faults: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def runs(names: list[str], count: int, seed: int) -> Iterator[Run]:
    """`count` runs of these cases in turn, each with a seed of its own."""
    for number in range(count):
        yield Run(names[number % len(names)], seed + number)


class Matrix:
    """Thread-safe: several stages may share it."""

    def __init__(self) -> None:
        self._references: dict[int, Snapshot] = {}
        self._locks = [threading.Lock() for _ in range(_INPUTS)]

    def perform(self, stage: Stage, run: Run, mutant: str | None = None) -> Outcome:
        """One run on a stage; `mutant` names a rule of the protocol that its workers lack."""
        expected = self._reference(stage, run.seed % _INPUTS)
        outcome = Outcome(run)
        began = time.monotonic()
        try:
            stage.reset(make_input(run.seed % _INPUTS), mutant)
            outcome.faults = CASES[run.case](stage, random.Random(run.seed))
            stage.settle()
            outcome.wrong = differences(stage.snapshot(), expected)
        except Broken as broken:
            outcome.wrong = [str(broken)]
        outcome.seconds = time.monotonic() - began
        return outcome

    def _reference(self, stage: Stage, seed: int) -> Snapshot:
        """What is left of an input when nothing goes wrong. It equals the oracle, or there is nothing to compare with."""
        with self._locks[seed]:
            if seed not in self._references:
                chosen = make_input(seed)
                stage.reset(chosen)
                stage.publish_head()
                stage.publish_tail()
                stage.start_worker(0)
                stage.settle()
                wrong = differences_from_oracle(stage.clickhouse.url, chosen.events, Rules())
                if wrong:
                    raise AssertionError(f"without any fault, input {seed} differs from the oracle: {wrong[:5]}")
                self._references[seed] = stage.snapshot()
            return self._references[seed]
