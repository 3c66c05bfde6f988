"""Puts the models into the place of what the runtime imports, for the time of one run.

Owns the substitution. Never touches modules outside streams. Invariant: afterwards every module is as it was.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import aiokafka

from sinks.errors import RowsRefused
from streams.changelog import local_copy
from streams.errors import OwnershipLost
from streams.partition import failures as setbacks
from streams.unit import unit
from tests.model.disk import LocalCopy
from tests.model.kafka_clients import Consumer, Producer
from tests.model.law import NO_ERROR
from tests.model.loop import BEGINNING_S, Loop
from tests.model.worker import World


@contextmanager
def substituted(world: World) -> Iterator[None]:
    """Every module of streams sees the simulated clock, Kafka and local copies."""
    substitutes = {
        id(time): _clock(world.loop),
        id(aiokafka): SimpleNamespace(
            TopicPartition=aiokafka.TopicPartition,
            AIOKafkaProducer=partial(Producer, world.way),
            AIOKafkaConsumer=partial(Consumer, world.way),
        ),
        id(setbacks.Setbacks): partial(_Setbacks, world),
        id(local_copy.LocalCopy): partial(LocalCopy, world.disks, world.law),
        id(unit.make_unit): partial(_make_unit, world, unit.make_unit),
    }
    modules = [module for name, module in sys.modules.items() if name.startswith("streams.")]
    changed = [
        (module, name, value)
        for module in modules
        for name, value in list(vars(module).items())
        if id(value) in substitutes
    ]
    for module, name, value in changed:
        setattr(module, name, substitutes[id(value)])
    try:
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)


class _PoisonedError(Exception):
    """A unit can't be made of a record."""


def _make_unit(
    world: World, make_unit: Any, bench: Any, get_many: Any, version: int, batch: list[Any], now: int
) -> Any:
    if any(crc32(record.value or b"") % 9 == world.poison for record in batch):
        raise _PoisonedError
    return make_unit(bench, get_many, version, batch, now)


class _Setbacks(setbacks.Setbacks):
    """The real ones. Nothing may come to them but what the model itself does to an owner."""

    def __init__(self, world: World, partition: int, records_max: int) -> None:
        super().__init__(partition, records_max, lambda: world.loop.now)
        self._law = world.law

    def failed(self, error: Exception) -> float:
        if not isinstance(error, OwnershipLost | RowsRefused | _PoisonedError):
            self._law.broken(NO_ERROR, repr(error))
        return super().failed(error)


def _clock(loop: Loop) -> SimpleNamespace:
    return SimpleNamespace(
        monotonic=lambda: loop.now,
        perf_counter=lambda: loop.now,
        time=lambda: BEGINNING_S + loop.now,
        time_ns=lambda: int((BEGINNING_S + loop.now) * 1e9),
    )
