"""Puts the models into the place of what the runtime imports, for the time of one run.

Owns the substitution. Never touches modules outside streams. Invariant: afterwards every module is as it was.
"""

import sys
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
from streams.partition import failures
from streams.timing import Timing
from streams.unit import unit
from tests.model.disk import LocalCopy
from tests.model.kafka_clients import Consumer, Producer
from tests.model.law import NO_ERROR
from tests.model.worker import World


@contextmanager
def substituted(world: World) -> Iterator[None]:
    """Every module of streams sees the simulated Kafka and local copies. (The simulated time is handed to them.)"""
    substitutes = {
        id(aiokafka): SimpleNamespace(
            TopicPartition=aiokafka.TopicPartition,
            AIOKafkaProducer=partial(Producer, world.way),
            AIOKafkaConsumer=partial(Consumer, world.way),
        ),
        id(failures.Failures): partial(_Failures, world),
        id(local_copy.LocalCopy): partial(LocalCopy, world.disks, world.law),
        id(unit.UnitMaker): partial(_UnitMaker, world, unit.UnitMaker),
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


class _UnitMaker:
    """The real one, which fails by the poison."""

    def __init__(self, world: World, real: Any, *arguments: Any) -> None:
        self._world = world
        self._real = real(*arguments)

    def make(self, get_many: Any, version: int, batch: list[Any], now_ms: int) -> Any:
        if any(crc32(record.value or b"") % 9 == self._world.poison for record in batch):
            raise _PoisonedError
        return self._real.make(get_many, version, batch, now_ms)


class _Failures(failures.Failures):
    """The real ones. Nothing may come to them but what the model itself does to an owner."""

    def __init__(self, world: World, partition: int, records_max: int, timing: Timing) -> None:
        super().__init__(partition, records_max, timing)
        self._law = world.law

    def failed(self, error: Exception) -> float:
        if not isinstance(error, OwnershipLost | RowsRefused | _PoisonedError):
            self._law.broken(NO_ERROR, repr(error))
        return super().failed(error)
