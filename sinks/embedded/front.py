"""ClickHouse's HTTP interface over the embedded engine, as an aiohttp application.

Owns HTTP: who asks, bodies, headers, status. Statements run in threads, those that may write in other ones than those
that may not, and what is slow (parsing, packing) runs there too.
Invariants: it answers requests that mean this machine alone, so no web page elsewhere can talk to it through a browser;
when a client goes away, its statement ends.
"""

import asyncio
import hmac
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

from aiohttp import BodyPartReader, web

from sinks.embedded.encodings import require_size
from sinks.embedded.engine import Engine, Query
from sinks.embedded.errors import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    INCORRECT_DATA,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    QueryRefused,
)
from sinks.embedded.packing import packed_error
from sinks.embedded.protocol import BODY_BYTES_MAX, Request, credentials, read_body, read_request
from sinks.embedded.reply import Reply
from sinks.embedded.rights import READERS_AT_ONCE, Role
from sinks.loopback import LOOPBACK_NAMES, WRITERS_NAME

_THREADS: Final = {Role.READER: READERS_AT_ONCE, Role.WRITER: 8}  # statements at once; more wait
_READERS_MAX: Final = 100  # statements of readers, those that wait included
_BODY_BYTES_MAX: Final = {Role.READER: 8 << 20, Role.WRITER: BODY_BYTES_MAX}
_OWN_SITE: Final = ("none", "same-origin")  # typed by a person, or asked by a page of this very address
_HEADERS: Final = {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Server-Display-Name": "posventa"}


class Front:
    """The handlers, with the engine that they ask."""

    def __init__(self, engine: Engine, password: str) -> None:
        """`password` is the writer's; it may not be empty."""
        self._engine = engine
        self._password = password.encode()
        self._threads = {
            role: ThreadPoolExecutor(threads, thread_name_prefix=role) for role, threads in _THREADS.items()
        }
        self._readers = 0

    def application(self) -> web.Application:
        """What an aiohttp runner serves (with auto_decompress off: bodies are decompressed here, within limits)."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/ping", self._ping)
        app.router.add_get("/replicas_status", self._ping)
        app.router.add_route("*", "/", self._handle)
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        for threads in self._threads.values():  # which may still need this loop to send
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)
        self._engine.close()

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        headers, request = dict(_HEADERS), None
        try:
            url = dict(http.query)
            _refuse_other_sites(http.headers)
            role = self._role(url, http.headers)
            request = await self._read(http, url, role)
            headers["X-ClickHouse-Query-Id"] = request.query_id
            if not request.text:
                return web.Response(text="Ok.\n", headers=headers)
            return await self._ask(http, request, role, headers)
        except QueryRefused as refused:
            body, encoding = packed_error(refused, request, http.headers.get("Accept-Encoding", ""))
            headers["X-ClickHouse-Exception-Code"] = str(refused.code)
            if encoding:
                headers["Content-Encoding"] = encoding
            return web.Response(status=refused.status, body=body, content_type="text/plain", headers=headers)

    def _role(self, url: Mapping[str, str], headers: Mapping[str, str]) -> Role:
        user, password = credentials(url, headers)
        if user == WRITERS_NAME and hmac.compare_digest(password.encode(errors="replace"), self._password):
            return Role.WRITER
        if user == "default" and not password:
            return Role.READER
        raise QueryRefused(
            AUTHENTICATION_FAILED,
            f"{user}: Authentication failed: password is incorrect, or there is no user with such name. "
            "(AUTHENTICATION_FAILED)",
        )

    async def _read(self, http: web.Request, url: dict[str, str], role: Role) -> Request:
        body, bytes_max = b"", _BODY_BYTES_MAX[role]
        files: dict[str, bytes] = {}
        if http.content_type == "multipart/form-data":
            try:
                fields, files = await _read_form(http, bytes_max)
            except ValueError as error:
                raise QueryRefused(INCORRECT_DATA, f"Cannot read multipart body: {error}. (INCORRECT_DATA)") from error
            url |= fields
        elif http.can_read_body:
            body = await http.clone(client_max_size=bytes_max).read()
            loop = asyncio.get_running_loop()
            body = await loop.run_in_executor(self._threads[role], read_body, url, http.headers, body, bytes_max)
        return read_request(url, http.headers, body, http.method in ("GET", "HEAD"), files)

    async def _ask(
        self, http: web.Request, request: Request, role: Role, headers: dict[str, str]
    ) -> web.StreamResponse:
        if role is Role.READER and self._readers >= _READERS_MAX:
            raise QueryRefused(
                TOO_MANY_SIMULTANEOUS_QUERIES,
                f"{_READERS_MAX} queries run or wait: try again later. (TOO_MANY_SIMULTANEOUS_QUERIES)",
            )
        query = Query(request.query_id, role, request.text[:1000].decode(errors="replace"))
        reply = Reply(http, headers, asyncio.get_running_loop())
        work = self._threads[role].submit(self._run, request, query, reply)
        self._readers += role is Role.READER
        answered = asyncio.wrap_future(work)
        answered.add_done_callback(lambda done: self._done(done, role))
        try:
            return await asyncio.shield(answered)
        except asyncio.CancelledError:  # the client went away
            if not work.cancel():
                self._engine.end_soon(query)
            raise

    def _done(self, done: asyncio.Future[web.StreamResponse], role: Role) -> None:
        self._readers -= role is Role.READER
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits for it any more

    # Below here: a thread of the role's.

    def _run(self, request: Request, query: Query, reply: Reply) -> web.StreamResponse:
        try:
            with self._engine.running(request, query) as result:
                return reply.tell(request, result)
        except QueryRefused as refused:
            return reply.broken_off(refused)


async def _read_form(http: web.Request, bytes_max: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields and the files of a multipart request. A file is a part with a file name, be it empty."""
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    size = 0
    parts = await http.multipart()
    while isinstance(part := await parts.next(), BodyPartReader):
        size += sum(len(name) + len(value) for name, value in part.headers.items())
        data = bytearray()
        while piece := await part.read_chunk():
            require_size(size := size + len(piece), bytes_max)
            data += piece
        require_size(size, bytes_max)
        if part.filename is None:
            fields[part.name or ""] = data.decode(errors="replace")
        else:
            files[part.name or ""] = bytes(data)
    return fields, files


def _refuse_other_sites(headers: Mapping[str, str]) -> None:
    """A browser tells by these on whose behalf it asks."""
    for name in ("Host", "Origin"):
        value = headers.get(name, "")
        if value and _host_in(value) not in LOOPBACK_NAMES:
            raise QueryRefused(ACCESS_DENIED, f"{name} {value}: only this machine may ask. (ACCESS_DENIED)")
    site = headers.get("Sec-Fetch-Site", "none")
    if site not in _OWN_SITE:
        raise QueryRefused(ACCESS_DENIED, f"Sec-Fetch-Site {site}: no other page may ask. (ACCESS_DENIED)")


def _host_in(value: str) -> str | None:
    try:
        return urlsplit(value if "//" in value else f"//{value}").hostname
    except ValueError:
        return None
