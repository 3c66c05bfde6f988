"""`python -m tests.attacks`: sends seeded attacks to an embedded ClickHouse, exits 1 when one got out of the database."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.attacks.siege import Siege


def main() -> int:
    """Exits 0 when nothing was told, written, reached or changed."""
    options = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    options.add_argument("--attacks", type=int, default=20_000, help="how many (20000)")
    options.add_argument("--seed", type=int, default=1, help="seed of the first; each next one has the next (1)")
    chosen = options.parse_args()
    began_s = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="posventa-attacks-") as directory,
        Siege(Path(directory)).standing() as siege,
    ):
        siege.attack(range(chosen.seed, chosen.seed + chosen.attacks))
    print(f"{chosen.attacks} attacks in {time.monotonic() - began_s:.0f} s; answers by status and code:")
    print(", ".join(f"{status}: {count}" for status, count in siege.statuses.most_common()))
    print("\n".join(siege.wrong) or "nothing was told, written, reached or changed")
    return 1 if siege.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
