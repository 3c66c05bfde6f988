"""`python -m bench.beside COMMIT`, or `make bench BESIDE=COMMIT`: measures, keeps the result, shows it, holds it to the limit.

Ends with 1 when the limit is passed, with 2 when there is no figure, with 0 otherwise.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from bench import results
from bench.beside.comparing import verdict
from bench.beside.rounds import PARTS, Sizes, compare
from bench.ground import Wrong
from bench.origin import origin


def main() -> None:
    """Measures, keeps the result, shows it, and says by its exit whether the limit is held."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _end)
    begun = time.monotonic()

    def say(message: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {message}", file=sys.stderr, flush=True)

    try:
        sizes = Sizes(8_000, 2, 60_000, 1) if arguments.small else Sizes(rounds=arguments.rounds)
        result = compare(arguments.commit, sizes, arguments.only, arguments.keep, say)
    except Wrong as wrong:
        print(f"no figure: {wrong}", file=sys.stderr)
        raise SystemExit(2) from None
    result["limit_percent"] = arguments.limit
    results.store("beside", origin(), result, arguments.out)
    print("\n".join(results.beside(result)))
    if "stages" in result and not verdict(result["stages"]["whole"]["ratios"], arguments.limit).within:
        raise SystemExit(1)


def _end(number: int, _: FrameType | None) -> None:
    """Leaves by every `finally`, so that processes end and the other tree is removed."""
    raise SystemExit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description="This tree beside another commit.")
    parser.add_argument("commit", help="a commit, tag or branch")
    parser.add_argument("--limit", type=float, default=2.0, help="%% that a record may cost more CPU (default: 2)")
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"of {','.join(PARTS)} (default: both)")
    parser.add_argument("--rounds", type=int, default=Sizes().rounds, help="of the stages (default: 20)")
    parser.add_argument("--keep", type=_absolute, help="build the other tree there, and keep it for another time")
    parser.add_argument("--small", action="store_true", help="to see that it works; no figure worth keeping")
    parser.add_argument("--out", type=Path, default=results.HERE, help="where results go (default: bench/)")
    return parser.parse_args()


def _absolute(text: str) -> Path:
    return Path(text).absolute()


def _parts(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there are {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    return chosen


if __name__ == "__main__":
    main()
