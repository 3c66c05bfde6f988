"""The command tells the version that pyproject.toml says."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support.places import ROOT


def test_the_version_is_that_of_the_distribution() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    posventa = Path(sys.executable).with_name("posventa")
    done = subprocess.run([posventa, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"posventa {version}\n"
