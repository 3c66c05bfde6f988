"""An image is pinned by what its tag stands for, and by nothing that is made up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from supply.digests import FILES, NOT_ASKED, images, pinned
from tests.support.places import ROOT

ONE, OTHER = (f"sha256:{digit * 64}" for digit in "12")
COMPOSE = f"""\
x-posventa: &posventa
  image: posventa:0.2.0
services:
  kafka:
    image: apache/kafka:4.1.2
  clickhouse:
    image: clickhouse/clickhouse-server:25.8@{ONE} # why
"""


def test_only_images_of_others_are_pinned_and_a_digest_is_renewed() -> None:
    kafka, clickhouse = "apache/kafka:4.1.2", "clickhouse/clickhouse-server:25.8"
    assert images(COMPOSE) == {kafka: None, clickhouse: ONE}
    again = pinned(COMPOSE, {kafka: ONE, clickhouse: OTHER})
    assert images(again) == {kafka: ONE, clickhouse: OTHER}
    assert again == COMPOSE.replace(ONE, OTHER).replace(kafka, f"{kafka}@{ONE}")
    with pytest.raises(KeyError):
        pinned(COMPOSE, {kafka: ONE})


def test_every_image_of_the_project_is_found_and_one_image_has_one_digest() -> None:
    found = [image for file in FILES for image in images(file.read_text()).items()]
    assert sorted(image for image, _ in found) == [
        "apache/kafka:4.1.2",
        "clickhouse/clickhouse-server:25.8.30.16",
        "python:3.11.14-slim-bookworm",
    ]
    assert FILES[1].read_text().count("FROM ") == 2


@pytest.mark.parametrize("skopeo", [None, "echo no such host >&2; exit 1", "echo sha256:nonsense"])
def test_where_no_registry_tells_nothing_is_changed(skopeo: str | None, tmp_path: Path) -> None:
    if skopeo:
        program = tmp_path / "skopeo"
        program.write_text(f"#!/bin/sh\n{skopeo}\n")
        program.chmod(0o755)
    before = [file.read_text() for file in FILES]
    done = subprocess.run(
        [sys.executable, "-m", "supply.digests"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": f"{tmp_path}:/bin" if skopeo else str(tmp_path), "HOME": os.environ["HOME"]},
    )  # fmt: skip
    assert done.returncode == NOT_ASKED
    assert "skopeo" in done.stderr if skopeo is None else "nothing is changed" in done.stderr
    assert [file.read_text() for file in FILES] == before
