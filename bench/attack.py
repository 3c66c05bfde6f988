"""What the others notice of an attack on one partition, of one worker: its memory, and how old their events get.

Owns the attack: a customer who is full and goes on, batches that would unpack to far more than they are, and batches of what
is no event, all at once. An ordinary stream flows to all partitions all the while; the ages of those that are not
attacked are compared with those of the calm before.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiokafka

from bench.events import hot_customer
from bench.ground import Ground, Wrong
from bench.latency import READY_S_MAX, is_ready
from bench.loading import Place, Record, records_of
from bench.processes import peak_mb
from bench.steady import Stream, ages, events_for, flow, percentile, until
from streams.batches.unpacking import UNPACKED_BYTES_MAX
from streams.brokers.clients import aiokafka_settings
from streams.brokers.topics import FEEDBACK, SALES
from streams.embedded.child import Child
from streams.settings import Settings

_CODECS: Final = ("gzip", "snappy", "lz4", "zstd")
# snappy packs to a twentieth at best, and brokers take 1 MiB: its greatest batches are within the bound, and are unpacked.
_SNAPPY_BYTES: Final = 18 << 20
_BOMB_BYTES: Final = UNPACKED_BYTES_MAX + (16 << 20)
_FUZZED_RECORDS: Final = 10  # of a batch
_FUZZED_KINDS: Final = 50  # batches that are different
_APPLIED_S_MAX: Final = 60.0


class Sizes(NamedTuple):
    """What is measured: ordinary events a second, seconds, and of the attack how many bombs of each codec, batches of no events
    and events of the hot customer a second."""

    rate: int = 1_000
    warm_s: float = 5.0
    calm_s: float = 20.0
    attack_s: float = 30.0
    bombs: int = 100
    fuzzed_batches: int = 100
    hot_events: int = 100


def measure(directory: Path, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """Ages in seconds of the other partitions, before and during the attack, and the worker's greatest memory in MB."""
    say("making up events")
    seconds = sizes.warm_s + sizes.calm_s + 2 * sizes.attack_s + _APPLIED_S_MAX
    events = events_for(1, round(sizes.rate * seconds))
    with Ground(directory) as ground:
        worker = ground.worker(0, ground.directory / "state")
        worker.start()
        try:
            ground.wait_until(is_ready(ground), [worker], READY_S_MAX)
            found = asyncio.run(_measure(ground, worker, events, sizes, say))
            if not worker.running:
                raise Wrong(f"the worker ended (exit {worker.exit_code}):\n{worker.last_lines(15)}")
            return {"sizes": sizes._asdict(), **found}
        finally:
            worker.stop(20)


async def _measure(
    ground: Ground, worker: Child, events: list[Any], sizes: Sizes, say: Callable[[str], None]
) -> dict[str, Any]:
    hot = list(
        records_of(
            hot_customer(round(sizes.hot_events * sizes.attack_s), time.time_ns() // 1_000_000 - 60_000),
            ground.settings.partitions,
        )
    )
    attacked = hot[0].place[1]
    sent = 0
    moments: list[float] = []

    async def during(stream: Stream) -> None:
        nonlocal sent
        await asyncio.sleep(sizes.warm_s)
        for name, seconds in (("calm", sizes.calm_s), ("the attack", 0.0)):
            moments.append(time.monotonic())
            say(name)
            await asyncio.sleep(seconds)
        sent = await asyncio.to_thread(asyncio.run, _attack(ground.settings, attacked, hot, sizes))
        moments.append(time.monotonic())
        say("waiting until all is applied")
        stream.pace.stop()
        await until(lambda: stream.queryable() >= sent + _due(stream), _APPLIED_S_MAX, "the attack to be applied")

    stream = await flow(ground, events, sizes.rate, during)
    calm_at, attack_at, end_at = moments
    others = {(topic, n) for topic in (SALES, FEEDBACK) for n in range(ground.settings.partitions) if n != attacked}
    assert worker.pid is not None
    return {
        "sent": sent,
        "calm": _ages(stream, others, calm_at, attack_at),
        "attack": _ages(stream, others, attack_at, end_at),
        "peak_mb": peak_mb(worker.pid),
    }


def _due(stream: Stream) -> int:
    return sum(map(len, stream.pace.due.values()))


def _ages(stream: Stream, places: set[Place], since: float, before: float) -> dict[str, float]:
    rising = ages(stream, since, before, places)
    return {
        "events": len(rising),
        "p50_s": percentile(rising, 0.5),
        "p99_s": percentile(rising, 0.99),
        "max_s": rising[-1],
    }


async def _attack(settings: Settings, partition: int, hot: list[Record], sizes: Sizes) -> int:
    """All of it at once, each evenly over the seconds. Returns how many records it was. In a loop of its own: packing a bomb
    takes part of a second, and the ordinary stream must not wait for that."""
    async with AsyncExitStack() as stack:
        producers = {codec: await stack.enter_async_context(_producer(settings, codec)) for codec in _CODECS}
        plain, hottest = [await stack.enter_async_context(_producer(settings, None)) for _ in range(2)]
        fuzzed = [_batch(plain, None, values) for values in _no_events(hot)]
        streams = [
            _evenly(sizes.attack_s, partition, producer, [_batch(producer, None, [_bomb(codec)])] * sizes.bombs)
            for codec, producer in producers.items()
        ]
        fuzzed_count = round(sizes.fuzzed_batches * sizes.attack_s)
        streams.append(_evenly(sizes.attack_s, partition, plain, list(islice(cycle(fuzzed), fuzzed_count))))
        streams.append(_evenly(sizes.attack_s, partition, hottest, [_batch(hottest, key, [v]) for _, key, v in hot]))
        return sum(await asyncio.gather(*streams))


async def _evenly(seconds: float, partition: int, producer: Any, batches: list[Any]) -> int:
    """Sends batches, some of them again and again, in so many seconds if the broker takes them. Returns the records."""
    begun = time.monotonic()
    for number, batch in enumerate(batches):
        await asyncio.sleep(begun + number * seconds / len(batches) - time.monotonic())
        await (await producer.send_batch(batch, SALES, partition=partition))
    return sum(batch.record_count() for batch in batches)


def _batch(producer: Any, key: bytes | None, values: list[bytes]) -> Any:
    batch = producer.create_batch()
    for value in values:
        batch.append(key=key, value=value, timestamp=None)
    batch.close()
    return batch


def _bomb(codec: str) -> bytes:
    return bytes(_SNAPPY_BYTES if codec == "snappy" else _BOMB_BYTES)


def _no_events(records: list[Record]) -> Iterator[list[bytes]]:
    """Values that were events once: cut short, of a schema that is none, or with bytes that came after."""
    rng = random.Random(1)
    spoil: list[Callable[[bytes], bytes]] = [
        lambda value: value[: rng.randrange(1, len(value))],
        lambda value: value[:2] + rng.randbytes(8) + value[10:],
        lambda value: value + rng.randbytes(rng.randrange(1, 100)),
        lambda value: rng.randbytes(len(value)),
    ]
    for _ in range(_FUZZED_KINDS):
        yield [rng.choice(spoil)(rng.choice(records).value) for _ in range(_FUZZED_RECORDS)]


@asynccontextmanager
async def _producer(settings: Settings, codec: str | None) -> AsyncIterator[Any]:
    producer = aiokafka.AIOKafkaProducer(
        **aiokafka_settings(settings),
        compression_type=codec,
        max_batch_size=2 * _BOMB_BYTES,
        max_request_size=2 * _BOMB_BYTES,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
