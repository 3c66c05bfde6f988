"""The password of this machine's ClickHouse: kept once, found again, and sent nowhere else."""

from pathlib import Path

import pytest

from streams.embedded.password import found_password, keep_password, new_password, password_file, settings_beside
from streams.errors import Misuse


def test_it_is_kept_for_its_owner_alone_and_found_again(tmp_path: Path) -> None:
    assert found_password(tmp_path) is None
    password = new_password()
    keep_password(tmp_path, password)
    keep_password(tmp_path, password)
    assert found_password(tmp_path) == password != new_password()
    assert password_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_another_one_is_never_replaced(tmp_path: Path) -> None:
    for content in (b"another\n", b"", b"\xff"):
        password_file(tmp_path).write_bytes(content)
        with pytest.raises(Misuse, match="delete it"):
            keep_password(tmp_path, "mine")
        assert password_file(tmp_path).read_bytes() == content


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("http://127.0.0.1:8123", "http://posventa:p%40ss@127.0.0.1:8123"),
        ("http://localhost:1", "http://posventa:p%40ss@localhost:1"),
        ("http://me:mine@127.0.0.1:8123", "http://me:mine@127.0.0.1:8123"),
        ("http://clickhouse.example:8123", "http://clickhouse.example:8123"),
    ],
)
def test_it_is_used_for_this_machine_without_a_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, used: str
) -> None:
    monkeypatch.setenv("POSVENTA_CLICKHOUSE", url)
    assert settings_beside(tmp_path).clickhouse.get_secret_value() == url
    keep_password(tmp_path, "p@ss")
    assert settings_beside(tmp_path).clickhouse.get_secret_value() == used
