"""The laws of the protocol hold in every simulated run; and the simulation notices when the code breaks one of its rules."""

import ast
from typing import Final

import pytest

from tests.model.mutants import MUTANTS, Mutant, catch
from tests.model.simulation import simulate
from tests.model.sweep import FAULTS, Sweep, steps_of
from tests.support.examples import share
from tests.support.places import ROOT

SEEDS = share(200)
# What a mutant gets; most are caught by the first two.
MUTANT_SEEDS = 250
# What runs in the simulation is told the time.
ROOMS: Final = ("worker", "partition", "delivery", "unit", "changelog", "domain")
CLOCKS: Final = {"time", "datetime"}


def test_whatever_goes_wrong_every_law_holds() -> None:
    for seed in range(SEEDS):
        violation = simulate(seed).violation
        assert violation is None, (
            f"{violation.law}: {violation.seen}; see it again: python -m tests.model --seed {seed} --log"
        )


@pytest.mark.parametrize("fault", FAULTS)
def test_at_whatever_step_a_worker_dies_or_becomes_a_zombie_every_law_holds(fault: str) -> None:
    for step in range(1, steps_of(0, fault) + 1):
        violation = Sweep(0, fault, step).violation()
        assert violation is None, f"{fault} at step {step}: {violation.law}: {violation.seen}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_noticed(mutant: Mutant) -> None:
    _, violation = catch(mutant, MUTANT_SEEDS)
    assert violation is not None
    assert violation.law in mutant.laws


def test_a_seed_makes_the_same_run_again() -> None:
    assert [simulate(seed) for seed in range(5)] == [simulate(seed) for seed in range(5)]


def test_nothing_that_is_simulated_reads_a_clock_of_its_own() -> None:
    files = [file for room in ROOMS for file in (ROOT / "streams" / room).glob("*.py")]
    nodes = [(file.name, node) for file in files for node in ast.walk(ast.parse(file.read_text()))]
    imported = [(name, alias.name) for name, node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [(name, node.module or "") for name, node in nodes if isinstance(node, ast.ImportFrom)]
    assert files
    assert [found for found in imported if found[1] in CLOCKS] == []
