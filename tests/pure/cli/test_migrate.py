"""posventa migrate, without a ClickHouse."""

import pytest

from sinks.errors import SinkUnavailable
from streams.cli.migrate import migrate
from streams.embedded.child import free_port


def test_who_must_try_again_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSVENTA_CLICKHOUSE", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SinkUnavailable, match=r"when it is there, say posventa migrate again$") as away:
        migrate()
    assert "will be tried again" not in str(away.value)
