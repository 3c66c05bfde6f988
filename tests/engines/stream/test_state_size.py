"""State at size: what is lost is read again with its progress told, what is there is not, and no customer costs the others."""

import asyncio
import logging
from pathlib import Path

import pytest

from streams.brokers.creation import ensure_topics
from streams.changelog import records
from streams.partition.cluster import look_at
from streams.partition.partition import Partition
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.unit import Unit

NUMBER = 7
CUSTOMERS, UNIT = 24_000, 4_000


def test_a_lost_copy_is_read_again_with_its_progress_told_and_a_kept_one_is_not(
    kafka: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_topics(Settings(kafka=kafka))

    async def claimed(state: str, new: int = 0) -> int:
        settings = Settings(kafka=kafka, state_dir=str(tmp_path / state))
        partition = Partition(settings, Timing(progress_every_s=0.0), look_at(settings), NUMBER)
        try:
            found = await partition.claim(None)
            for start in range(0, new, UNIT):
                unit = Unit(found.meta.version)
                unit.changed = {records.customer_key(b"b:%06d" % n): b"x" * 200 for n in range(start, start + UNIT)}
                await found.commit(unit, found.meta)
            assert found.local.get_many([records.customer_key(b"b:%06d" % (CUSTOMERS - 1))]) == [b"x" * 200]
            return found.recovered_records
        finally:
            await partition.close()

    asyncio.run(claimed("first", CUSTOMERS))
    assert asyncio.run(claimed("first")) == 0
    with caplog.at_level(logging.INFO, "streams.partition.partition"):
        assert asyncio.run(claimed("second")) >= CUSTOMERS
    told = [int(record.getMessage().split()[2]) for record in caplog.records if "%" in record.getMessage()]
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] > 90
