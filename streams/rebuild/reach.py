"""How far a new generation may read: as far as the one in use has come, in the end exactly as far as it ever came.

Owns the limits. Never reads a source topic. Invariant: no record lies below a limit of which it is not known whether it was
refused.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiokafka.errors import KafkaError
from clickhouse_connect.driver.client import Client

from sinks.client import connected
from sinks.errors import SinkError
from sinks.generations import CUT, Register, Step, read_register
from streams.rebuild.history import Past
from streams.rebuild.reached import by_log, offsets_in
from streams.settings import Settings

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.3  # between two looks how far the generation in use has come


class Reach:
    """Of one builder of a generation."""

    def __init__(self, settings: Settings, generation: int, past: Past) -> None:
        self.is_final = False  # the limits do not move any more
        self._limits: Mapping[tuple[str, int], int] = {}
        self._settings = settings
        self._generation = generation
        self._past = past

    def limit(self, topic: str, source: int) -> int:
        """The offset before which to stop, of a topic's partition."""
        return self._limits.get((topic, source), 0)

    async def follow(self) -> None:
        """Moves the limits after the generation in use. Returns when its own is not to be built any more."""
        while True:
            try:
                with connected(self._settings.clickhouse.get_secret_value()) as client:
                    await self._follow_with(client)
                return
            except SinkError as error:
                log.warning("%s; trying again", error)
            except KafkaError as error:
                log.warning("the dead letters can't be read: %r; trying again", error)
            await asyncio.sleep(_LOOK_S)

    async def _follow_with(self, client: Client) -> None:
        while True:
            register = await asyncio.to_thread(read_register, client)
            coming = register.coming
            if coming is None or coming.generation != self._generation:
                return
            if not self.is_final:
                await self._move(client, register, coming)
            await asyncio.sleep(_LOOK_S)

    async def _move(self, client: Client, register: Register, coming: Step) -> None:
        is_cut = coming.name == CUT
        found = by_log(coming.cuts) if is_cut else await asyncio.to_thread(offsets_in, client, register.in_use)
        await self._past.refusals.catch_up()
        if is_cut:
            self._past.handed_over = coming.handed_over
        self._limits, self.is_final = found, is_cut
