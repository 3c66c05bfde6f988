"""The topics that are created take what is written to them."""

from types import SimpleNamespace
from typing import Any

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.brokers.creation import _CONFIGS, _SOURCE_BYTES_MAX, _create
from streams.brokers.topics import DEAD_LETTERS, STATE
from streams.changelog import records
from streams.changelog.reader import version_headers
from streams.domain.rules import CUSTOMER_BYTES_MAX
from streams.partition.cluster import CHANGELOG_BYTES_MIN
from streams.settings import Settings
from tests.support.wide import WIDEST_ID

_BATCH_HEAD_BYTES = 61  # Kafka protocol, record batch


def test_letters_and_changelog_take_four_times_what_the_sources_take() -> None:
    for topic in (DEAD_LETTERS, STATE):
        assert int(_CONFIGS[topic]["max.message.bytes"]) >= 4 * _SOURCE_BYTES_MAX


def test_the_changelog_takes_the_longest_customer_under_the_longest_key() -> None:
    key = records.customer_key(f"{WIDEST_ID}:{WIDEST_ID}".encode())
    record = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, bytes(CUSTOMER_BYTES_MAX), version_headers(1 << 62))
    assert _BATCH_HEAD_BYTES + record <= CHANGELOG_BYTES_MIN <= int(_CONFIGS[STATE]["max.message.bytes"])


def test_topics_that_another_process_creates_meanwhile_are_no_sign_of_a_generation_that_was_forgotten() -> None:
    listings: list[list[str]] = [[], list(_CONFIGS)]
    created: list[str] = []
    admin: Any = SimpleNamespace(
        list_topics=lambda: listings.pop(0), create_topics=lambda topics: created.extend(t.name for t in topics)
    )
    _create(admin, Settings(), _CONFIGS)
    assert created == list(_CONFIGS)
