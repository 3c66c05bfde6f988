"""A proxy in front of ClickHouse that behaves badly when it is told to: slow, refusing, or cutting an answer off.

Owns one port and a thread with an event loop. Passes bodies and headers on untouched.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from streams.embedded.child import LOOPBACK, free_port

_HOP_BY_HOP: Final = {"connection", "transfer-encoding", "content-length", "host"}
_INSERT: Final = b"INSERT INTO"
_START_BYTES: Final = 4096  # of the body: clickhouse-connect puts the statement before the data


@dataclass(slots=True)
class Mischief:
    """What is done to requests. Plain requests pass."""

    delay_s: float = 0.0
    refuse_code: int = 0  # ClickHouse's error code; 0: passes
    refuse_status: int = 0
    cut_table: str = ""  # the answer of an insert into it is cut off, after ClickHouse has given it
    cut_passing: int = 0  # at which insert into that table
    times: int = 0  # how often any of it happened


class Proxy:
    """Use as a context manager; `url` stands in for ClickHouse's."""

    def __init__(self, upstream: str) -> None:
        self.mischief = Mischief()
        self._upstream = urlsplit(upstream)
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._runner: web.AppRunner
        self._session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """What a client connects to, with the user and password of what stands behind."""
        user = self._upstream.netloc.rpartition("@")[0]
        return f"http://{user}@{LOOPBACK}:{self._port}" if user else f"http://{LOOPBACK}:{self._port}"

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._do(self._start()).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[None, None, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, auto_decompress=False, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port).start()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        mischief = self.mischief
        if mischief.refuse_status:
            mischief.times += 1
            return _refusal(mischief)
        if mischief.delay_s:
            mischief.times += 1
            await asyncio.sleep(mischief.delay_s)
        answer = await self._ask(request, body)
        if mischief.cut_table and _inserts_into(mischief.cut_table, request, body):
            mischief.cut_passing -= 1
            if mischief.cut_passing == 0 and request.transport is not None:
                mischief.times += 1
                request.transport.abort()
        return answer

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        url = f"http://{self._upstream.hostname}:{self._upstream.port}{request.raw_path}"
        try:
            async with self._session.request(request.method, url, data=body, headers=_kept(request.headers)) as answer:
                return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer.headers))
        except aiohttp.ClientError:
            return web.Response(status=502)


def _refusal(mischief: Mischief) -> web.Response:
    headers = {"X-ClickHouse-Exception-Code": str(mischief.refuse_code)} if mischief.refuse_code else {}
    text = f"Code: {mischief.refuse_code}. DB::Exception: on purpose.\n" if mischief.refuse_code else "on purpose\n"
    return web.Response(status=mischief.refuse_status, text=text, headers=headers)


def _inserts_into(table: str, request: web.Request, body: bytes) -> bool:
    statement = request.query.get("query", "").encode() + b" " + body[:_START_BYTES]
    return _INSERT in statement and table.encode() in statement.partition(b"(")[0]


def _kept(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP]
