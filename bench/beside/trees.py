"""The tree that this one is held beside: a commit in a git worktree of its own.

Owns that tree: made and built as `make setup` does there, with the same versions of libraries as far as it takes them, and
removed at the end unless it is to be kept.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import once
from bench.beside.asking import Tree, environment_of_a_tree, last_lines, run
from bench.ground import Wrong

ROOT: Final = Path(__file__).parent.parent.parent
_BUILD_S_MAX: Final = 900.0


@contextmanager
def beside(name: str, directory: Path, *, keep: bool, say: Callable[[str], None]) -> Iterator[Tree]:
    """The tree of a commit (or tag, or branch) in `directory`, built. What is there already is used when it is that commit.

    Raises Wrong.
    """
    commit = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", otherwise=f"{name}: no such commit")
    if not (directory / ".git").exists():
        _git("worktree", "add", "--detach", str(directory), commit, otherwise=f"no worktree in {directory}:")
    there = _git("-C", str(directory), "rev-parse", "HEAD", otherwise=f"{directory} is no worktree:")
    if there != commit:
        raise Wrong(f"{directory} is at {there[:7]}, expected {commit[:7]}: name another directory, or remove that one")
    try:
        say(f"building {commit[:7]}")
        _build(directory, say)
        if not _git("ls-tree", commit, "bench/once.py", otherwise=f"{name} can't be looked into:"):
            shutil.copy(Path(once.__file__), directory / "bench" / "once.py")  # it is older: lent ours
        yield Tree(commit[:7], directory)
    finally:
        if keep:
            say(f"kept: {directory} (git worktree remove --force {directory})")
        else:
            _git("worktree", "remove", "--force", str(directory), otherwise=f"could not remove {directory}:")


def _build(directory: Path, say: Callable[[str], None]) -> None:
    """As `make setup` does there, by this tree's Python, with this tree's libraries unless that tree wants others."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "freeze", "--exclude-editable"]
    libraries = directory / ".venv-as"
    libraries.write_text(subprocess.run(pip, capture_output=True, text=True, check=True).stdout)  # noqa: S603
    setup = ["make", "setup", f"PYTHON={sys._base_executable}"]  # type: ignore[attr-defined]
    for more in ({"PIP_CONSTRAINT": str(libraries)}, {}):
        done = run(setup, directory, environment_of_a_tree() | more, _BUILD_S_MAX)
        if done.returncode == 0:
            return
        say(f"make setup failed there{' with our versions of libraries' if more else ''}")
    raise Wrong(f"make setup failed in {directory}:\n{last_lines(done.stdout + done.stderr)}")


def _git(*arguments: str, otherwise: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise Wrong(f"{otherwise} {done.stderr.strip()}".strip())
    return done.stdout.strip()
