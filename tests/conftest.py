"""The real engines for the tests. A fixture that cannot start fails its tests; it never skips them."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from streams.compiled import stale
from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.embedded.kafka import EmbeddedKafka

settings.register_profile("posventa", deadline=None)  # a slow machine is no failure
settings.load_profile("posventa")


def pytest_configure() -> None:
    """Refuses to test another program than the one that is written here."""
    if sources := stale():
        raise pytest.UsageError(f"{', '.join(sources)} changed after they were compiled: say `make setup`")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of one Kafka broker for the whole session. Tests use topic names of their own."""
    broker = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    try:
        yield broker.bootstrap
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty ClickHouse of this module's own."""
    server = EmbeddedClickHouse(tmp_path_factory.mktemp("clickhouse"))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
