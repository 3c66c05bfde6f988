"""posventa up starts nothing where it could not go on, and says what to do."""

import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from streams.addresses import ports_after
from streams.embedded.preflight import claim_directory, require_room
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


def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    others = tmp_path if os.geteuid() == 0 else Path("/")  # root's
    if os.geteuid() == 0:
        os.chown(others, 12345, -1)
    assert "belongs to another user" in refused("--dir", str(others))


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o1777])
def test_a_directory_in_which_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    assert f"say chmod go-w {tmp_path / 'open'}" in refused("--dir", str(tmp_path / "open"))
    assert list((tmp_path / "open").iterdir()) == []


def test_what_an_earlier_version_left_readable_is_closed(tmp_path: Path) -> None:
    for name in ("kafka", "logs"):
        (tmp_path / name).mkdir(mode=0o755)
    claim_directory(tmp_path).close()
    kept = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o700}
    assert {path.name for path in kept} >= {"kafka", "logs"}


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


def test_metrics_ports_that_the_workers_would_not_all_have_are_refused(tmp_path: Path) -> None:
    environment = os.environ | {"POSVENTA_METRICS_LISTEN": "[::1]:65534"}
    message = refused("--dir", str(tmp_path), "--workers", "3", environment=environment)
    assert "POSVENTA_METRICS_LISTEN=[::1]:65534: 3 ports are needed, from that one on up to 65535" in message
    assert ports_after("[::1]:65534", 2) == ["[::1]:65534", "[::1]:65535"]
