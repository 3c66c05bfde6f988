"""The real engines, for the tests in this folder alone. A fixture that cannot start fails its tests; it never skips them."""

from collections.abc import Iterator

import pytest

from streams.embedded.clickhouse import EmbeddedClickHouse
from streams.embedded.kafka import EmbeddedKafka


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
