"""Where things are that tests read: the one place that knows how deep the tests lie."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = ROOT / "tests"
# Each a mark too. Folders without tests are folders all the same.
FOLDERS: Final = sorted(found.parent.name for found in TESTS.glob("*/__init__.py"))
# The public Olist sample, which stands beside a checkout and never in it.
OLIST: Final = ROOT.parent / "shared" / "data" / "olist"
