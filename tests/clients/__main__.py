"""`python -m tests.clients [CLIENT]`: tries every client, or those with that word in their name, and prints a table.

Exits 1 when anything failed.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.clients.programs import PROGRAMS, lines_of
from tests.clients.stage import stage


def main() -> int:
    """Prints a line per check when its program has ended, and the verdicts in the end."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    failed: list[str] = []
    passed = 0
    with tempfile.TemporaryDirectory(prefix="posventa-clients-") as directory, stage(Path(directory)) as environment:
        print(f"{'client':32}{'what was done':72}verdict")
        for program in (program for program in PROGRAMS if wanted in program.client):
            began = time.monotonic()
            for line in lines_of(program, environment):
                verdict, what, *why = line.split("\t")
                print(f"{program.client:32}{what:72}{verdict}")
                if verdict == "ok":
                    passed += 1
                else:
                    failed.append(f"{program.client}: {what}: {' '.join(why)}")
            print(f"{program.client:32}{f'took {time.monotonic() - began:.0f} s':72}", flush=True)
    for line in failed:
        print(line)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
