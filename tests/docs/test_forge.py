"""What only a forge runs is right as far as it can be read: its workflow, the hooks before a commit, the changelog."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.support.places import ROOT

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS: Final = {file.stem: file.read_text() for file in sorted((ROOT / ".github" / "workflows").glob("*"))}
PARSED: Final[dict[str, dict[Any, Any]]] = {name: yaml.safe_load(text) for name, text in WORKFLOWS.items()}
JOBS: Final[dict[str, dict[str, Any]]] = {
    name: job for of_one in PARSED.values() for name, job in of_one["jobs"].items()
}
JOB: Final = JOBS["test"]
RUNS: Final = [step["run"] for step in JOB["steps"] if "run" in step]
SHOWS: Final = "git diff --exit-code"  # what a step before it changed


def test_the_workflow_runs_what_ci_runs_and_what_is_quick_first() -> None:
    ours = re.findall(r"^make .*$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert [run for run in RUNS if run in ours] == ours
    assert RUNS.index("make setup") < RUNS.index("make quick") < RUNS.index("make test")


@pytest.mark.parametrize(
    "run", sorted({step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step} - {SHOWS})
)
def test_a_step_of_a_workflow_is_a_target_that_exists(run: str) -> None:
    assert re.fullmatch(r"make [a-z]+", run)
    done = subprocess.run([*run.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_workflow_covers_every_python_that_is_taken_compiled_and_plain() -> None:
    minors = [int(version.removeprefix("3.")) for version in JOB["strategy"]["matrix"]["python"]]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert (minors[0], minors[-1]) == (11, 14)
    taken = SpecifierSet(PROJECT["requires-python"])
    assert [minor for minor in range(40) if f"3.{minor}" in taken and minor <= minors[-1]] == minors
    assert JOB["strategy"]["matrix"]["core"] == ["compiled", "plain"]
    assert JOB["env"] == {"POSVENTA_PLAIN": "${{ matrix.core == 'plain' && '1' || '0' }}"}


def test_a_week_does_not_pass_without_a_look_at_what_others_made() -> None:
    triggers = PARSED["supply"][True]  # "on" is true in YAML 1.1
    assert [re.fullmatch(r"\d+ \d+ \* \* \d", each["cron"]) is not None for each in triggers["schedule"]] == [True]
    assert [job["steps"][-1]["run"] for job in PARSED["supply"]["jobs"].values()] == ["make audit", SHOWS]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_and_runs_actions_that_cannot_change(name: str) -> None:
    assert PARSED[name]["permissions"] == {"contents": "read"}
    actions = re.findall(r"uses: (.+)", WORKFLOWS[name])
    assert actions
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in actions)
    for job in PARSED[name]["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 60
        assert job["steps"][0]["with"] == {"persist-credentials": False}


def test_the_hooks_run_what_is_installed_here_and_download_nothing() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    tools = {Path(hook["entry"].split()[0]).name for hook in repos[0]["hooks"] if hook["language"] == "system"}
    assert tools == {"ruff", "mypy"}
    assert tools <= {re.split(r"[><=]", line)[0] for line in PROJECT["optional-dependencies"]["dev"]}
    assert all(hook["language"] in ("system", "pygrep") for hook in repos[0]["hooks"])


def test_what_is_not_released_has_another_version_than_what_was() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert titles[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", title) for title in titles[1:]]
    versions = [Version(found[1]) for found in released if found]
    assert len(versions) == len(titles) - 1, titles
    assert versions == sorted(versions, reverse=True)
    unreleased = re.findall(r"^## \[Unreleased\]\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)[0].strip()
    now = Version(PROJECT["version"])
    assert now > versions[0] if unreleased else now == versions[0]
