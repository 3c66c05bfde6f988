"""The end of a generation's line: each of its partitions is handed over, and nobody goes on with it.

Owns the transaction that closes a partition's changelog. Never touches another record of it. Invariant: once a partition is
closed no owner, of whatever version, commits another unit; so what META says has come last, and is final.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from streams.brokers.admission import unanswered
from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import SOURCES, Names
from streams.changelog import meta as metas
from streams.changelog import records
from streams.changelog.reader import version_headers
from streams.changelog.tail import last_meta
from streams.errors import StateRefused
from streams.settings import Settings

_WAIT_S: Final = 0.05  # of one read of a changelog's end
_ATTEMPTS_MAX: Final = 20  # an owner that does not know of generations claims again until it is refused


def close_all(settings: Settings, names: Names, partitions: int, generation: int) -> dict[str, tuple[int, ...]]:
    """Hands all partitions of a state over to `generation`. Returns how far each had come, by topic and partition. Safe to
    repeat. Raises Unavailable, StateRefused."""
    found = asyncio.run(_all(settings, names, partitions, lambda raw: metas.handed_over(raw, generation)))
    applied = [metas.applied_of(raw) for raw in found]
    return {topic: tuple(own[topic] for own in applied) for topic in SOURCES}


def open_all(settings: Settings, names: Names, partitions: int) -> None:
    """Takes that back. Safe to repeat. Raises Unavailable, StateRefused."""
    asyncio.run(_all(settings, names, partitions, metas.taken_back))


def last_metas(settings: Settings, names: Names, partitions: int) -> list[bytes | None]:
    """The META of each partition. Raises Unavailable."""

    async def ask() -> list[bytes | None]:
        return list(await asyncio.gather(*(_last(settings, names, number) for number in range(partitions))))

    try:
        return asyncio.run(ask())
    except KafkaError as error:
        raise unanswered(settings, error) from error


async def _last(settings: Settings, names: Names, number: int) -> bytes | None:
    return await last_meta(settings, aiokafka.TopicPartition(names.changelog, number), _WAIT_S)


async def _all(settings: Settings, names: Names, partitions: int, change: Callable[[bytes], bytes]) -> list[bytes]:
    return list(await asyncio.gather(*(_one(settings, names, number, change) for number in range(partitions))))


async def _one(settings: Settings, names: Names, number: int, change: Callable[[bytes], bytes]) -> bytes:
    """The META of a partition, as it is now, changed."""
    for attempt in range(_ATTEMPTS_MAX):
        producer = aiokafka.AIOKafkaProducer(
            **aiokafka_settings(settings), transactional_id=names.transactional_id(number), acks="all", linger_ms=0
        )
        try:
            await producer.start()  # fences whoever owns it
            raw = await _last(settings, names, number)
            if raw is None:
                raise StateRefused(f"{names.changelog}[{number}] has no META: no worker ever owned it; start one first")
            if (changed := change(raw)) != raw:
                await _commit(producer, names.changelog, number, changed)
            return changed
        except KafkaError as error:
            if attempt == _ATTEMPTS_MAX - 1:
                raise unanswered(settings, error) from error
            await asyncio.sleep(0.1 * (attempt + 1))
        finally:
            await _stopped(producer)
    raise AssertionError("the last attempt returns or raises")


async def _commit(producer: Any, changelog: str, number: int, meta: bytes) -> None:
    await producer.begin_transaction()
    headers = version_headers(metas.version_of(meta))
    await producer.send_and_wait(changelog, meta, key=records.META, partition=number, headers=headers)
    await producer.commit_transaction()


async def _stopped(producer: Any) -> None:
    try:
        await producer.stop()
    except KafkaError:
        return  # fenced, or Kafka is away
