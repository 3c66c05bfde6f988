"""posventa up starts nothing where it could not go on, and says what to do."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from streams.embedded.preflight import require_room
from streams.errors import Misuse
from tests.support.processes import POSVENTA


def refused(*options: str, environment: dict[str, str] | None = None) -> str:
    """What it says when it does not start."""
    chosen = list(options)
    for option in ("--kafka-port", "--http-port", "--web-port"):
        chosen += [] if option in chosen else [option, "0"]
    done = subprocess.run(
        [POSVENTA, "up", *chosen], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot write there" in refused("--dir", str(tmp_path / "file" / "below"))


def test_a_disk_without_room_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="GB needed; free some"):
        require_room(tmp_path, bytes_min=1 << 60)


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    environment = os.environ | {"POSVENTA_PANE": "7m"}
    assert "POSVENTA_PANE=7m" in refused("--dir", str(tmp_path), environment=environment)


def test_a_port_taken_by_somebody_else_is_named_by_its_option(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refused("--dir", str(tmp_path), "--web-port", port)
    assert f"--web-port {port}: the port is taken; choose another, or 0 for any free one" in said
