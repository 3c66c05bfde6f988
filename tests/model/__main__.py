"""Runs many seeds, one seed again, or the mutants. Exits 1 when a law was broken, or a mutant was not caught."""

import argparse
import logging
import sys
import time
from collections import Counter

from tests.model.loop import PROCESS
from tests.model.mutants import MUTANTS, catch
from tests.model.simulation import KINDS, Outcome, Simulation, simulate
from tests.model.sweep import FAULTS, Sweep, steps_of

_TELL_EVERY_S = 10.0


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many runs (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--kinds", help=f"only these kinds of faults, comma-separated: {', '.join(KINDS)}")
    parser.add_argument("--log", action="store_true", help="with --seed: what the workers say, by virtual time")
    parser.add_argument("--mutants", action="store_true", help="which law catches which mutant")
    parser.add_argument("--sweep", action="store_true", help="with --seed: every crash point of that history")
    options = parser.parse_args()
    kinds = options.kinds.split(",") if options.kinds else None
    if options.mutants:
        return _mutants(options.seeds)
    if options.sweep:
        return _sweep(options.seed or 0)
    if options.seed is not None:
        outcome = simulate(options.seed, kinds, watch=_log if options.log else None)
        print(outcome)
        return int(outcome.violation is not None)
    return _many(range(options.first, options.first + options.seeds), kinds)


def _many(seeds: range, kinds: list[str] | None) -> int:
    broken: list[Outcome] = []
    by_kind: Counter[str] = Counter()
    units, begun, told = 0, time.monotonic(), time.monotonic()
    for number, seed in enumerate(seeds, 1):
        outcome = simulate(seed, kinds)
        by_kind.update(outcome.kinds)
        units += outcome.units
        if outcome.violation is not None:
            broken.append(outcome)
            print(f"seed {seed}: {outcome.violation.law}: {outcome.violation.seen}", flush=True)
        if time.monotonic() - told > _TELL_EVERY_S:
            told = time.monotonic()
            print(f"{number} of {len(seeds)} runs, {len(broken)} broke a law", file=sys.stderr, flush=True)
    print(f"{len(seeds)} runs in {time.monotonic() - begun:.0f} s, {units} units committed, {len(broken)} broke a law")
    print(", ".join(f"{kind} in {count}" for kind, count in sorted(by_kind.items())))
    return int(bool(broken))


def _mutants(seeds: int) -> int:
    missed = 0
    for mutant in MUTANTS:
        where, violation = catch(mutant, seeds)
        missed += violation is None or violation.law not in mutant.laws
        print(f"{mutant.name}: {f'{where}: {violation.law}' if violation else 'NOT CAUGHT'}", flush=True)
    return int(bool(missed))


def _sweep(seed: int) -> int:
    broken = 0
    for fault in FAULTS:
        steps = steps_of(seed, fault)
        for step in range(1, steps + 1):
            violation = Sweep(seed, fault, step).violation()
            if violation is not None:
                broken += 1
                print(f"{fault} at step {step}: {violation.law}: {violation.seen}", flush=True)
        print(f"{fault} at each of {steps} steps, {broken} broke a law so far")
    return int(bool(broken))


def _log(simulation: Simulation) -> None:
    """Shows the workers' log with virtual time and the process that speaks."""

    class Clock(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            process = PROCESS.get()
            return f"{simulation.loop.now:9.3f} {process.name if process else '-'}: {record.getMessage()}"

    handler = logging.StreamHandler()
    handler.setFormatter(Clock())
    logger = logging.getLogger("streams")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
