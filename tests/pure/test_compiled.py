"""Whether what was compiled is what stands in the sources: asked where sources change, and nowhere else."""

import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from streams import compiled


def test_a_source_is_stale_in_a_checkout_once_it_is_newer_and_never_in_an_installed_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, other = compiled.CORE[0], compiled.CORE[1]
    for name in (source, other):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        for file, changed_at in ((tmp_path / name, 2), ((tmp_path / name).with_suffix(EXTENSION_SUFFIXES[0]), 1)):
            file.touch()
            os.utime(file, (changed_at, changed_at))
    os.utime(tmp_path / other, (1, 1))
    monkeypatch.setattr(compiled, "_ROOT", tmp_path)
    assert compiled.stale() == []
    (tmp_path / "setup.py").touch()
    assert compiled.stale() == [source]
