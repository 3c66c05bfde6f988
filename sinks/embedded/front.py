"""ClickHouse's HTTP interface over the embedded engine, as an aiohttp application.

Owns HTTP: authentication, bodies, headers, status. Queries run in threads, a few at a time.
Invariant: it answers requests that mean this machine alone, so no web page elsewhere can talk to it through a browser.
"""

import asyncio
import hmac
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from sinks.embedded.engine import Engine, Result
from sinks.embedded.errors import ACCESS_DENIED, AUTHENTICATION_FAILED, QueryRefused
from sinks.embedded.protocol import BODY_BYTES_MAX, Request, compress, credentials, decompress, read_request
from sinks.loopback import LOOPBACK_NAMES

_THREADS: Final = 8  # queries at once; more wait
_TYPES: Final = {
    "Native": "application/octet-stream",
    "CSV": "text/csv; charset=UTF-8",
    "Arrow": "application/vnd.apache.arrow.file",
}


class Front:
    """The handlers, with the engine that they ask."""

    def __init__(self, engine: Engine, user: str = "default", password: str = "") -> None:
        self._engine = engine
        self._user, self._password = user, password
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="query")

    def application(self) -> web.Application:
        """What an aiohttp runner serves (with auto_decompress off: bodies are decompressed here, within limits)."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/ping", self._ping)
        app.router.add_get("/replicas_status", self._ping)
        app.router.add_route("*", "/", self._handle)
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._engine.close()

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def _handle(self, http: web.Request) -> web.Response:
        headers = {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Server-Display-Name": "posventa"}
        try:
            url = dict(http.query)
            self._admit(url, http.headers)
            request = await _read(http, url)
            headers["X-ClickHouse-Query-Id"] = request.query_id
            if request.statement is None:
                return web.Response(text="Ok.\n", headers=headers)
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._threads, self._engine.execute, request)
        except QueryRefused as refused:
            headers["X-ClickHouse-Exception-Code"] = str(refused.code)
            return web.Response(status=refused.status, text=f"{refused}\n", headers=headers)
        return _answer(request, result, headers, http.headers.get("Accept-Encoding", ""))

    def _admit(self, url: Mapping[str, str], headers: Mapping[str, str]) -> None:
        for name in ("Host", "Origin"):  # a browser tells by them on whose behalf it asks
            value = headers.get(name, "")
            if value and urlsplit(value if "//" in value else f"//{value}").hostname not in LOOPBACK_NAMES:
                raise QueryRefused(ACCESS_DENIED, f"{name} {value}: only this machine may ask. (ACCESS_DENIED)")
        user, password = credentials(url, headers)
        if user != self._user or not hmac.compare_digest(password.encode(), self._password.encode()):
            raise QueryRefused(
                AUTHENTICATION_FAILED,
                f"{user}: Authentication failed: password is incorrect, or there is no user with such name. "
                "(AUTHENTICATION_FAILED)",
            )


async def _read(http: web.Request, url: dict[str, str]) -> Request:
    body = b""
    if http.content_type == "multipart/form-data":
        form = await http.post()
        url.update({name: value for name, value in form.items() if isinstance(value, str)})
    elif http.can_read_body:
        body = decompress(await http.read(), http.headers.get("Content-Encoding", "").strip().lower())
    return read_request(url, http.headers, body, reads_only=http.method in ("GET", "HEAD"))


def _answer(request: Request, result: Result, headers: dict[str, str], accepted: str) -> web.Response:
    assert request.statement is not None
    did, form = "written" if request.statement.first_word == "INSERT" else "read", request.statement.output_format
    headers["X-ClickHouse-Summary"] = json.dumps(
        {f"{did}_rows": str(result.rows), f"{did}_bytes": str(result.bytes), "elapsed_ns": str(result.elapsed_ns)}
    )
    if result.body:
        headers["X-ClickHouse-Format"] = form
    json_type = (
        "application/json; charset=UTF-8" if form.startswith("JSON") else "text/tab-separated-values; charset=UTF-8"
    )
    headers["Content-Type"] = _TYPES.get(form, json_type)
    body, encoding = compress(result.body, accepted) if request.compress else (result.body, "")
    if encoding:
        headers["Content-Encoding"] = encoding
    return web.Response(body=body, headers=headers)
