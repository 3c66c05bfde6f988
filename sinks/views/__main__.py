"""`python -m sinks.views [NAME]`: writes what follows from the sources of the views.

The page docs/reference/views.md always; with a NAME also sinks/migrations/NNNN_NAME.sql, if anything is to be changed
in ClickHouse. Ends with 1 when a change is left that no migration makes.
"""

import argparse
import re
import sys

from sinks.migrate import MIGRATIONS
from sinks.views.migration import ByHand, changes, seal, write
from sinks.views.published import published
from sinks.views.reference import PAGE, page


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m sinks.views", description=__doc__)
    parser.add_argument("name", nargs="?", type=_name, help="what changes, such as renewals")
    name = parser.parse_args(arguments).name
    PAGE.write_text(page())
    try:
        written = write(name) if name else None
        seal()
        left = changes(published(MIGRATIONS.glob("*.sql")))
    except ByHand as found:
        print(found, file=sys.stderr)
        return 1
    if left:
        print(f"{len(left)} statements are in no migration yet: say python -m sinks.views NAME", file=sys.stderr)
        return 1
    print(f"{written} makes the change" if written else "the migrations make what the sources say: nothing to change")
    return 0


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected lower-case words with _ between them, such as topic_daily"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
