"""dbt: connection, models as table and view over a view of ours, tests, freshness and docs."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.clients.python.check import check, end

os.environ["DO_NOT_TRACK"] = "1"
DBT = str(Path(sys.executable).with_name("dbt"))


with tempfile.TemporaryDirectory() as scratch:
    project = shutil.copytree(Path(__file__).parents[1] / "dbt", Path(scratch, "project"))

    for _command in ("debug", "run", "test", "source freshness", "docs generate"):

        @check(f"dbt {_command}")
        def _runs(command: str = _command) -> None:
            done = subprocess.run(
                [DBT, *command.split(), "--profiles-dir", "."], cwd=project, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout[-600:] + done.stderr[-200:]


end()
