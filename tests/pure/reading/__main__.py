"""How well the newest reader reads: `python -m tests.pure.reading [--olist DIR] [--wrong]`.

Prints a table of precision and recall with 95 % intervals by language, pack and part, as docs/reading.md has it. --wrong
shows the open sentences that are read otherwise than labelled; never a sealed one.
"""

import argparse
from pathlib import Path

from streams.reading.precision import wilson
from streams.reading.published import NEWEST, reader
from streams.reading.topics import TOPICS_OF
from tests.pure.reading.labelled import LANGUAGES, PARTS, Figures, Labelled, found_in, measured, olist, sentences


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.pure.reading", description="Measures the comment reader.")
    parser.add_argument("--olist", type=Path, help="directory of the Olist CSV files: its labelled reviews too")
    parser.add_argument("--wrong", action="store_true", help="show the open sentences that are read otherwise")
    arguments = parser.parse_args()
    made = reader(NEWEST)
    print(f"reader {NEWEST}; percent, in brackets the 95 % interval (Wilson)\n")
    print(
        "| comments | number | precision | recall | of complaints: precision | not told: precision | recall | quiet |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, labelled in _sets(arguments.olist).items():
        print(_row(name, len(labelled), measured(made, labelled)))
        for one in labelled if arguments.wrong and "open" in name else ():
            found = found_in(made, one)
            if measured(made, [one]).wrong or measured(made, [one]).missed:
                print(f"    {one.text!r} ({one.tests}): {sorted(found)}, not {[sorted(c) for c in one.required]}")


def _sets(directory: Path | None) -> dict[str, list[Labelled]]:
    sets = {
        f"{language} {pack}, {part}": sentences(language, pack, (part,))
        for language in LANGUAGES
        for pack in TOPICS_OF
        for part in PARTS
    }
    return sets | ({f"Olist, {part}": olist(directory, part) for part in PARTS} if directory else {})


def _row(name: str, count: int, figures: Figures) -> str:
    cells = [
        (figures.right, figures.wrong),
        (figures.right, figures.missed),
        (figures.complaints_right, figures.complaints_wrong),
        (figures.untold_right, figures.untold_wrong),
        (figures.untold_right, figures.untold_missed),
        (figures.quiet, figures.empty - figures.quiet),
    ]
    return " | ".join([f"| {name}", str(count), *(_share(right, other) for right, other in cells)]) + " |"


def _share(right: int, other: int) -> str:
    if right + other == 0:
        return "-"
    low, high = wilson(right, right + other)
    return f"{right / (right + other):.0%} ({low:.0%}-{high:.0%}) of {right + other}".replace("%", "")


if __name__ == "__main__":
    main()
